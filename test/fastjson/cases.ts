import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { auditEvent, largeSamples, SAMPLE_MAC_KEY } from '../../events/generate.ts';
import { type AuditRecord, eventFacts, macOf, prepare, restamp } from '../../shared/audit/index.ts';
import { skipBlanks, skipValue } from '../../shared/audit/json/lexer.ts';
import { eventListBody } from '../../shared/falco/client/body.ts';

const IDENTITY = { cluster: 'prod "1" é', account: '123456789012', region: 'eu-west-1' };
const MAX_EVENT_BYTES = 262_144;
const BODIES = 400;
const TEXTS = 20_000;

const samples = [
  'list-services',
  'exec-started',
  'secret-get',
  'privileged-pod',
  'bind-cluster-admin',
  'invalid-token',
  'ephemeral-container',
].map(auditEvent);

/** JSON as the lax parser takes it: any spelling of strings, numbers and words, duplicate keys, blanks, nesting. */
const blank = fc.constantFrom('', '', '', ' ', '\n', '\t\r\n ');
const content = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => JSON.stringify(text).slice(1, -1)),
  fc.constantFrom('\\u0061', '\\ud800', '\\udc00\\u0041', '\\q', '\\"', '\\\\', '\u0001', 'é', '\\/'),
);
const text = fc.array(content, { maxLength: 3 }).map((parts) => `"${parts.join('')}"`);
const scalar = fc.oneof(text, fc.constantFrom('null', 'true', 'false', '0', '-1.5e3', '+1', '01', 'NaN', 'inf', '-Inf', '1e', '.', 'e'));
const { value } = fc.letrec<{ value: string; member: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    fc
      .tuple(fc.array(tie('value'), { maxLength: 3 }), blank)
      .map(([values, space]) => `[${space}${values.join(`${space},${space}`)}${space}]`),
    fc
      .tuple(fc.array(tie('member'), { maxLength: 3 }), blank)
      .map(([members, space]) => `{${space}${members.join(`${space},${space}`)}${space}}`),
  ),
  member: fc.tuple(text, blank, tie('value')).map(([key, space, item]) => `${key}${space}:${space}${item}`),
}));

const spelled = (name: string) =>
  fc.constantFrom(
    name,
    name.replace(/[a-z]/, (c) => `\\u00${c.charCodeAt(0).toString(16)}`),
  );
const annotation = fc
  .tuple(
    fc
      .constantFrom('cluster_name', 'tiercel.dev/mac', 'tiercel.dev/account', 'authorization.k8s.io/decision', 'audit.k8s.io/truncated')
      .chain(spelled),
    value,
  )
  .map(([key, item]) => `"${key}":${item}`);
const extra = fc.oneof(
  fc
    .tuple(
      spelled('annotations'),
      fc.oneof({ weight: 4, arbitrary: fc.array(annotation, { maxLength: 4 }).map((all) => `{${all.join(',')}}`) }, value),
    )
    .map(([key, item]) => `"${key}":${item}`),
  fc.tuple(text, value).map(([key, item]) => `${key}:${item}`),
  fc
    .tuple(fc.integer({ min: 1, max: 400 }), fc.constantFrom('[', '{"a":'))
    .map(([depth, open]) => `"deep":${open.repeat(depth)}1${(open === '[' ? ']' : '}').repeat(depth)}`),
  fc
    .integer({ min: 1, max: 400_000 })
    .map((length) => `"requestObject":{"metadata":{"annotations":{"long":"${'\\u00e9'.repeat(length / 6)}"}}}`),
);

/** A real event with fuzzed members before and after its own. */
const event = fc
  .tuple(fc.constantFrom(...samples), fc.array(extra, { maxLength: 3 }), fc.array(extra, { maxLength: 3 }), blank)
  .map(
    ([sample, before, after, space]) =>
      `{${before.map((member) => `${member}${space},`).join('')}${sample.slice(1, -1)}${after.map((member) => `,${space}${member}`).join('')}${space}}`,
  );

/** Something near JSON: valid, cut, or with a byte changed. */
const nearlyJson = fc.tuple(value, fc.nat(), fc.nat(), fc.constantFrom('whole', 'cut', 'changed')).map(([json, where, byte, how]) => {
  const bytes = Buffer.from(json);
  const at = bytes.length === 0 ? 0 : where % bytes.length;
  if (how === 'cut') return bytes.subarray(0, at);
  if (how === 'changed' && bytes.length > 0) bytes[at] = byte % 256;
  return bytes;
});

/** Writes bodies, what must be read from them, and texts with our lexer's verdict on them. */
export function writeCases(folder: string): { seed: number } {
  const seed = process.env.SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(process.env.SEED);
  const large = [...largeSamples()].filter(([path]) => path.startsWith('audit/')).map(([, json]) => json.trimEnd());
  const lists = [samples, large, ...fc.sample(fc.array(event, { minLength: 1, maxLength: 6 }), { numRuns: BODIES, seed })];
  const bodies = lists.flatMap((events, index) => writeBody(folder, `${index}.json`, events));
  writeFileSync(join(folder, 'bodies.ndjson'), bodies.map((line) => `${line}\n`).join(''));
  const texts = fc.sample(nearlyJson, { numRuns: TEXTS, seed }).map((bytes) => {
    const start = skipBlanks(bytes, 0, bytes.length);
    const after = skipValue(bytes, start, bytes.length);
    const accepted = after >= 0 && skipBlanks(bytes, after, bytes.length) === bytes.length;
    return JSON.stringify({ text: bytes.toString('base64'), accepted });
  });
  writeFileSync(join(folder, 'texts.ndjson'), texts.map((line) => `${line}\n`).join(''));
  return { seed };
}

function writeBody(folder: string, file: string, events: readonly string[]): string[] {
  const kept = events.flatMap((json, index) => {
    const record: AuditRecord = {
      raw: Buffer.from(json),
      identity: IDENTITY,
      origin: { kind: 'file', path: file, offset: 0, line: index + 1 },
    };
    const prepared = prepare(record, { mac: SAMPLE_MAC_KEY }, { maxEventBytes: MAX_EVENT_BYTES });
    if (prepared.kind === 'rejected') return [];
    const attempt = index % 3 === 0 ? 2 : 1;
    const raw = attempt === 1 ? prepared.record.raw : restamp(prepared.record, attempt);
    const facts = eventFacts({ ...prepared.record, identity: IDENTITY });
    const stamps: [string, string][] = [
      ['cluster_name', IDENTITY.cluster],
      ['tiercel.dev/account', IDENTITY.account],
      ['tiercel.dev/region', IDENTITY.region],
      ['tiercel.dev/mac', macOf(SAMPLE_MAC_KEY, facts)],
    ];
    if (attempt > 1) stamps.push(['tiercel.dev/attempt', String(attempt)]);
    if (prepared.reduced) stamps.push(['audit.k8s.io/truncated', 'true']);
    return [{ raw, about: { original: Buffer.from(json).toString('base64'), reduced: prepared.reduced, stamps } }];
  });
  if (kept.length === 0) return [];
  writeFileSync(join(folder, file), eventListBody(kept.map(({ raw }) => raw)));
  return [JSON.stringify({ file, maxBytes: MAX_EVENT_BYTES, events: kept.map(({ about }) => about) })];
}
