import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { replay } from '../../cli/replay/replay.ts';
import { decodeStream, prepare, restamp } from '../../shared/audit/index.ts';
import { createTransport, createWebhookDestination, parseWebhookConfig } from '../../shared/falco/client/index.ts';
import { systemClock, systemRandom } from '../../shared/platform/clock.ts';

const RECORDED = resolve(import.meta.dirname, '../../../shared/audit/eks.ndjson.gz');
const ROUNDS = 3;

/** One by one, fewer events make a good enough measurement. */
const ONE_BY_ONE_EVENTS = 2000;

interface Way {
  readonly name: string;
  readonly input: Uint8Array;
  readonly events: number;
  readonly maxBodyEvents: number;
  readonly concurrency: number;
}

/** Delivery in lists beside delivery one by one, to the same receiver on this machine, from compressed bytes to the 200. */
export async function run(): Promise<{ title: string; columns: string[]; rows: (string | number)[][]; notes: string[] }> {
  const { input, events, source } = load();
  const some = firstLines(input, ONE_BY_ONE_EVENTS);
  const ways: readonly Way[] = [
    { name: 'lists, 4 connections', input, events, maxBodyEvents: 1000, concurrency: 4 },
    { name: 'lists, 1 connection', input, events, maxBodyEvents: 1000, concurrency: 1 },
    { name: 'one POST per event, 4 connections', ...some, maxBodyEvents: 1, concurrency: 4 },
    { name: 'one POST per event, 1 connection', ...some, maxBodyEvents: 1, concurrency: 1 },
  ];
  const receiver = fork(join(import.meta.dirname, 'receiver.ts'));
  try {
    const [{ url }] = (await once(receiver, 'message')) as [{ url: string }];
    const rates = new Map<Way, number>();
    // Rounds over all ways, so that a slow moment of the machine does not fall on one of them alone; the best round counts.
    for (let round = 0; round < ROUNDS; round++) {
      for (const way of ways) rates.set(way, Math.max(rates.get(way) ?? 0, await measure(way, url)));
    }
    const slowest = rates.get(ways[3]!)!;
    return {
      title: 'Delivery to a local receiver',
      columns: ['how', 'events/s', 'against one by one'],
      rows: ways.map((way) => [way.name, Math.round(rates.get(way)!), `${(rates.get(way)! / slowest).toFixed(1)} ×`]),
      notes: [
        `${source}; gunzip, decoding, checks and stamping are in the time; best of ${ROUNDS} rounds.`,
        'One POST per event over one connection is what the older bridges do. The receiver only reads: Falco itself evaluates about 12,500 events/s.',
      ],
    };
  } finally {
    receiver.disconnect();
    await once(receiver, 'exit');
  }
}

async function measure(way: Way, url: string): Promise<number> {
  const config = parseWebhookConfig({ url, maxBodyEvents: way.maxBodyEvents, concurrency: way.concurrency, socketMaxRequests: 1_000_000 });
  const transport = createTransport(config, systemClock);
  const startedMs = performance.now();
  const summary = await replay(
    decodeStream(only(way.input), { kind: 'file', path: 'bench' }, { identity: { cluster: 'bench' } }),
    {
      destination: createWebhookDestination(config, { transport, clock: systemClock, random: systemRandom, restamp }),
      prepare: (record) => prepare(record, {}, { maxEventBytes: 262_144 }),
      clock: systemClock,
      random: systemRandom,
      onProgress: () => {},
    },
    {
      batchBytes: config.maxBodyBytes - 128,
      batchEvents: way.maxBodyEvents,
      concurrency: way.concurrency,
      tryMs: 30_000,
      giveUpAfterMs: 10_000,
    },
  );
  const seconds = (performance.now() - startedMs) / 1000;
  transport.close();
  if (summary.delivered !== way.events) throw new Error(`${way.name}: ${summary.delivered} of ${way.events} events were delivered`);
  return summary.delivered / seconds;
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** The recorded events where they are at hand, events of a usual size otherwise. */
function load(): { input: Uint8Array; events: number; source: string } {
  if (existsSync(RECORDED)) {
    const input = readFileSync(RECORDED);
    const events = gunzipSync(input).toString().split('\n').filter(Boolean).length;
    return { input, events, source: `${events} recorded events (kube-apiserver 1.34)` };
  }
  const lines = Array.from({ length: 6000 }, (_, n) => {
    const at = new Date(Date.UTC(2026, 0, 2) + n).toISOString();
    return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"${n}","stage":"ResponseComplete","requestURI":"/api/v1/pods","verb":"list","user":{"username":"bench"},"requestObject":{"pad":"${'x'.repeat(1000)}"},"requestReceivedTimestamp":"${at}","stageTimestamp":"${at}"}`;
  });
  return { input: Buffer.from(lines.join('\n')), events: lines.length, source: `${lines.length} made-up events of 1.3 KB` };
}

function firstLines(input: Uint8Array, count: number): { input: Uint8Array; events: number } {
  const text = input[0] === 0x1f ? gunzipSync(input).toString() : Buffer.from(input).toString();
  const lines = text.split('\n').filter(Boolean).slice(0, count);
  return { input: Buffer.from(lines.join('\n')), events: lines.length };
}
