import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { auditEvent } from '../../../../../events/generate.ts';
import { decodeStream } from '../../../../../shared/audit/index.ts';
import { envelopeText } from '../../../../support/audit-containers.ts';

/**
 * `node decode-generated.ts <MiB> <ndjson|list|envelopes|one-value>`: decodes an object of that size which is generated and compressed as it is read,
 * and prints what came out and how far memory rose. Every event differs, every 5,000th is broken.
 */
const BLOCK = 512 * 1024;
const [, , mebibytes, kind] = process.argv;
const bytes = Number(mebibytes) * 2 ** 20;
const made = { good: 0, broken: 0 };
const [before, after] = auditEvent('privileged-pod').split(/(?<="auditID":")[^"]+/) as [string, string];

/** A broken one keeps its brackets, so that in a list too only it is lost. */
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

const source = Readable.from(blocks(), { objectMode: false }).pipe(createGzip({ level: 1 }));
const base = process.memoryUsage.rss();
let rise = 0;
let records = 0;
let rejects = 0;
let batches = 0;
for await (const items of decodeStream(source, { kind: 'object', bucket: 'b', key: 'k' })) {
  for (const item of items) {
    if (item.kind === 'record') records++;
    else if (item.kind === 'rejected') rejects++;
  }
  if (batches++ % 50 === 0) rise = Math.max(rise, process.memoryUsage.rss() - base);
}
rise = Math.max(rise, process.memoryUsage.rss() - base);
console.log(JSON.stringify({ ...made, records, rejects, riseMiB: Math.round(rise / 2 ** 20) }));
