import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { auditEvent, SAMPLE_MAC_KEY } from '../../events/generate.ts';
import { type AuditRecord, type DecodedItem, decodeDelivery, decodeStream, prepare } from '../../shared/audit/index.ts';
import { eventListBody, planBodies } from '../../shared/falco/client/body.ts';

const RECORDED = resolve(import.meta.dirname, '../../../shared/audit/eks.ndjson.gz');
const ROUNDS = 25;
/** Events in one delivery of CloudWatch Logs. */
const EVENTS_PER_DELIVERY = 400;

interface Path {
  readonly name: string;
  readonly run: () => Promise<number> | number;
  readonly runFloor: () => number;
}

/**
 * From compressed bytes to request bodies for Falco, everything included: inflating, finding and validating the events, identity, MAC, stamps.
 * The floor is what any program does that looks into events at all: inflate, and parse each event once.
 */
export async function run(): Promise<{ title: string; columns: string[]; rows: (string | number)[][]; notes: string[] }> {
  const lines = events();
  const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
  const rows: (string | number)[][] = [];
  for (const path of paths(lines)) {
    const [ours, floor] = await fastest(path);
    const rate = lines.length / ours;
    rows.push([
      path.name,
      Math.round(rate),
      +(bytes / ours / 1e6).toFixed(1),
      Math.round(lines.length / floor),
      `${((floor / ours) * 100).toFixed(0)} %`,
    ]);
  }
  return {
    title: `Decode to body, one core: ${lines.length} events, ${(bytes / 1e6).toFixed(1)} MB inflated`,
    columns: ['input', 'events/s', 'MB/s', 'floor, events/s', 'of the floor'],
    rows,
    notes: [
      `Fastest of ${ROUNDS} rounds, ours and the floor by turns in one process. Floor: gunzip, then one JSON.parse per event (and one per envelope).`,
      'Aim: at least 70 % of the floor. Processor time, so work that zlib does in another thread counts.',
    ],
  };
}

function events(): string[] {
  if (existsSync(RECORDED)) return gunzipSync(readFileSync(RECORDED)).toString().trimEnd().split('\n');
  const samples = ['list-services', 'exec-started', 'privileged-pod', 'secret-get', 'bind-cluster-admin'].map(auditEvent);
  return Array.from({ length: 6000 }, (_, index) =>
    samples[index % samples.length]!.replace(/"auditID":"[^"]{8}/, `"auditID":"${String(index).padStart(8, '0')}`),
  );
}

function paths(lines: readonly string[]): Path[] {
  const ndjson = gzipSync(`${lines.join('\n')}\n`);
  const envelopes: Buffer[] = [];
  for (let from = 0; from < lines.length; from += EVENTS_PER_DELIVERY)
    envelopes.push(gzipSync(envelope(lines.slice(from, from + EVENTS_PER_DELIVERY))));
  const deliveries = envelopes.map((gzip) => ({ awslogs: { data: gzip.toString('base64') } }));
  const members = Buffer.concat(envelopes);
  return [
    {
      name: 'NDJSON, one gzip member (object)',
      run: () => stream(ndjson),
      runFloor: () => parseLines(gunzipSync(ndjson).toString()),
    },
    {
      name: 'Firehose: gzip members with envelopes (object)',
      run: () => stream(members),
      runFloor: () => envelopes.reduce((sum, gzip) => sum + parseEnvelope(gzip), 0),
    },
    {
      name: 'CloudWatch Logs deliveries',
      run: () => deliveries.reduce((sum, delivery) => sum + toBodies(decodeDelivery(delivery, OPTIONS).items), 0),
      runFloor: () => deliveries.reduce((sum, delivery) => sum + parseEnvelope(Buffer.from(delivery.awslogs.data, 'base64')), 0),
    },
  ];
}

const OPTIONS = { identity: { cluster: 'prod', account: '123456789012', region: 'eu-west-1' } };

function envelope(lines: readonly string[]): string {
  return JSON.stringify({
    messageType: 'DATA_MESSAGE',
    owner: '123456789012',
    logGroup: '/aws/eks/prod/cluster',
    logStream: 'kube-apiserver-audit-2f5ba1d5e3a64b0f9b8c6f0e6a1d4c37',
    subscriptionFilters: ['tiercel'],
    logEvents: lines.map((message, index) => ({ id: String(index).padStart(56, '0'), timestamp: 1_795_249_495_000 + index, message })),
  });
}

function parseLines(text: string): number {
  let count = 0;
  for (const line of text.split('\n')) if (line !== '' && JSON.parse(line) !== null) count++;
  return count;
}

function parseEnvelope(gzip: Buffer): number {
  let count = 0;
  const { logEvents } = JSON.parse(gunzipSync(gzip).toString()) as { logEvents: { message: string }[] };
  for (const { message } of logEvents) if (JSON.parse(message) !== null) count++;
  return count;
}

async function stream(bytes: Buffer): Promise<number> {
  const chunks = (async function* () {
    for (let at = 0; at < bytes.length; at += 64 * 1024) yield bytes.subarray(at, at + 64 * 1024);
  })();
  let count = 0;
  for await (const items of decodeStream(chunks, { kind: 'object', bucket: 'archive', key: 'k' }, OPTIONS)) count += toBodies(items);
  return count;
}

function toBodies(items: readonly DecodedItem[]): number {
  const records: AuditRecord[] = [];
  for (const item of items) {
    if (item.kind !== 'record') throw new Error(`expected only records, got ${item.kind}`);
    const prepared = prepare(item.record, { mac: SAMPLE_MAC_KEY }, { maxEventBytes: 262_144 });
    if (prepared.kind === 'record') records.push(prepared.record);
  }
  const sizes = records.map(({ raw }) => raw.length);
  let bytes = 0;
  for (const { from, to } of planBodies(sizes, { maxBytes: 1024 * 1024, maxEvents: 1000 }).bodies) {
    bytes += eventListBody(records.slice(from, to).map(({ raw }) => raw)).length;
  }
  return bytes > 0 ? records.length : 0;
}

/** Seconds of processor time, ours and the floor's. */
async function fastest(path: Path): Promise<[ours: number, floor: number]> {
  let ours = Number.POSITIVE_INFINITY;
  let floor = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    ours = Math.min(ours, await timed(path.run));
    floor = Math.min(floor, await timed(path.runFloor));
  }
  return [ours, floor];
}

async function timed(work: () => Promise<number> | number): Promise<number> {
  const start = process.cpuUsage();
  if ((await work()) === 0) throw new Error('expected events');
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}
