import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { auditEvent } from '../../../../../events/generate.ts';
import { envelopeText } from '../../../../support/audit-containers.ts';

/**
 * `node generate-object.ts <MiB> <ndjson|list|envelopes|one-value>`: writes an object of that size (decompressed) to standard output as one gzip member,
 * and what is in it to standard error. Every event differs, every 5,000th is broken, but for lists.
 */
const BLOCK = 512 * 1024;
const [, , mebibytes, kind] = process.argv;
const bytes = Number(mebibytes) * 2 ** 20;
const made = { good: 0, broken: 0 };
const [before, after] = auditEvent('privileged-pod').split(/(?<="auditID":")[^"]+/) as [string, string];

function event(): string {
  const number = made.good + made.broken;
  const broken = number % 5000 === 4999 && kind !== 'list';
  made[broken ? 'broken' : 'good']++;
  return `${before}generated-${number}${broken ? after.replace('"verb":', 'verb:') : after}`;
}

function* blocks(): Generator<string> {
  let written = 0;
  let first = true;
  if (kind === 'list') yield '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[';
  if (kind === 'one-value') {
    yield `${event()}\n{"kind":"Event","requestObject":["`;
    made.broken++;
  }
  while (written < bytes) {
    let block = '';
    while (block.length < BLOCK) {
      if (kind === 'list') block += first ? event() : `,${event()}`;
      else if (kind === 'envelopes') block += envelopeText(Array.from({ length: 100 }, event));
      else if (kind === 'one-value') block += `${'padding '.repeat(1000)}","`;
      else block += `${event()}\n`;
      first = false;
    }
    written += block.length;
    yield block;
  }
  if (kind === 'list') yield ']}';
  if (kind === 'one-value') yield `"]}\n${event()}\n`;
}

await pipeline(Readable.from(blocks(), { objectMode: false }), createGzip({ level: 1 }), process.stdout);
console.error(JSON.stringify(made));
