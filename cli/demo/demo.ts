import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type MacKey, prepare } from '../../shared/audit/index.ts';
import type { FalcoAlert } from '../../shared/falco/alert.ts';
import { createEmbeddedDestination } from '../../shared/falco/embedded.ts';
import { alertToJson } from '../../shared/falco/engine/index.ts';
import { openEngine } from '../../shared/flows/detection.ts';
import { type DeliverySummary, ingestDelivery } from '../../shared/flows/ingest-delivery.ts';
import { writeSpool } from '../../shared/flows/spool.ts';
import type { Clock } from '../../shared/platform/clock.ts';
import { createFolderStore } from '../../shared/platform/object-store.ts';
import { createMemoryOnce } from '../../shared/platform/once.ts';
import { type PlannedResponse, planInShadow } from './respond.ts';

const root = resolve(import.meta.dirname, '../..');
const SAMPLES = join(root, 'events/audit');

export interface DemoResult {
  readonly samples: string;
  readonly rules: number;
  readonly ingest: DeliverySummary;
  readonly alerts: readonly FalcoAlert[];
  readonly responses: readonly PlannedResponse[];
  readonly tookMs: number;
}

/** The functions' own flows in one process: memory for DynamoDB, a temporary folder for S3, the embedded engine for Falco. */
export async function runDemo(): Promise<DemoResult> {
  const startedMs = performance.now();
  const events = await readSamples();
  const clock = clockAt(newest(events) + 2000);
  const mac: MacKey = { id: 'demo', secret: randomBytes(32) };
  const folder = await mkdtemp(join(tmpdir(), 'tiercel-demo-'));
  try {
    const alerts: FalcoAlert[] = [];
    const { engine, rules } = openEngine(
      { rules: [join(root, 'rules/falco')], appendOutput: join(root, 'rules/append-output.yaml') },
      'demo',
    );
    const spool = createFolderStore(join(folder, 'spool'));
    const ingest = await ingestDelivery(
      delivery(events, clock.now()),
      {
        clock,
        once: createMemoryOnce(clock),
        quarantine: createFolderStore(join(folder, 'quarantine')),
        destination: createEmbeddedDestination(engine, { publish: async (raised) => void alerts.push(...raised) }),
        couldMatch: () => true,
        prepare: (record) =>
          prepare({ ...record, identity: { ...record.identity, region: 'eu-central-1' } }, { mac }, { maxEventBytes: 262_144 }),
        keep: (chunk, undelivered) => writeSpool(spool, chunk, undelivered),
        ownLogGroup: undefined,
      },
      { killedAtMs: clock.now() + 60_000, deliverUntilMs: clock.now() + 50_000 },
    );
    if (ingest === 'refused') throw new Error('the demo delivers from a log group of its own');
    const responses = await planInShadow(alerts.map(alertToJson), join(root, 'rules/respond'), mac, clock);
    return {
      samples: relative(process.cwd(), SAMPLES) || SAMPLES,
      rules: rules.length,
      ingest,
      alerts,
      responses,
      tookMs: performance.now() - startedMs,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function readSamples(): Promise<string[]> {
  const names = (await readdir(SAMPLES)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(names.map(async (name) => (await readFile(join(SAMPLES, name), 'utf8')).trim()));
}

/** Wraps the samples the way CloudWatch Logs hands them to a subscribed function. */
function delivery(events: readonly string[], timestamp: number): unknown {
  const envelope = {
    messageType: 'DATA_MESSAGE',
    owner: '111111111111',
    logGroup: '/aws/eks/demo/cluster',
    logStream: 'kube-apiserver-audit-demo',
    subscriptionFilters: ['tiercel'],
    logEvents: events.map((message, at) => ({ id: String(at).padStart(56, '0'), timestamp, message })),
  };
  return { awslogs: { data: gzipSync(JSON.stringify(envelope)).toString('base64') } };
}

/** The samples are as old as their recording. The demo plays at that time, or every response would be refused as stale. */
function clockAt(startMs: number): Clock {
  const offsetMs = startMs - Date.now();
  return { now: () => Date.now() + offsetMs, sleep: () => Promise.resolve() };
}

function newest(events: readonly string[]): number {
  return Math.max(...events.map((text) => Date.parse((JSON.parse(text) as { stageTimestamp: string }).stageTimestamp)));
}
