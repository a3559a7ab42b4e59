import { setTimeout as wait } from 'node:timers/promises';
import type { FalcoAlert } from '../../shared/falco/alert.ts';
import { type RespondDeps, respondToAlerts } from '../../shared/flows/respond.ts';
import { respondInMemory } from '../../shared/flows/respond-in-memory.ts';
import { systemClock } from '../../shared/platform/clock.ts';
import { messageOf } from '../../shared/platform/errors.ts';
import type { JsonValue, KubeClient, ObjectReference } from '../../shared/platform/kube/index.ts';
import { actionCatalogue, createDynamoDBJournal, loadPolicies } from '../../shared/respond/index.ts';
import { buildCluster } from '../cluster/build.ts';
import { startCluster } from '../cluster/start.ts';
import { bindingAlert } from '../support/alerts.ts';
import { startDynalite } from '../support/dynalite.ts';
import { createRespondTables } from '../support/respond-tables.ts';
import { MAC_KEY, sign } from '../support/responder.ts';

const CALL = { auditId: 'bench' };
const RBAC = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1', resource: 'clusterrolebindings' } as const;
const ALERTS = 200;
const BURST = 60;
/** A round trip from Lambda to an EKS endpoint in the same region, milliseconds; loopback has none. */
const ROUND_TRIP_MS = 5;

const TITLE = 'Respond: from the alert to the write at a real API server';

const POLICY = `
- policy: p
  description: d
  mode: enforce
  match: {source: k8s_audit}
  actions: [{action: delete-binding}]
  budget: {policy: 1000, cluster: 1000}
`;

/** Alert in → object gone at a real API server, beside the bare calls; and a burst, beside the same alerts one after another. */
export async function run(): Promise<{ title: string; columns: string[]; rows: (string | number)[][]; notes: string[] }> {
  try {
    await buildCluster();
  } catch (error) {
    return {
      title: TITLE,
      columns: [],
      rows: [],
      notes: [`not run: the API server could not be built, which takes Go: ${messageOf(error)}`],
    };
  }
  const cluster = await startCluster([
    { name: 'admin', groups: ['system:masters'] },
    { name: 'respond', groups: ['system:masters'] },
  ]);
  const dynamodb = await startDynalite();
  try {
    const admin = cluster.client('admin');
    const client = cluster.client('respond');
    await createRespondTables(dynamodb.client, { journal: 'journal', idempotency: 'once' });
    const table = createDynamoDBJournal({ client: dynamodb.client, tableName: 'journal', clock: systemClock, retentionSeconds: 86_400 });
    const memory = responder(client);
    const stored = { ...responder(client), journal: table };
    const ways: Record<'bare' | 'memory' | 'stored', (made: Made) => Promise<void>> = {
      bare: (made) => bareCalls(made, client),
      memory: (made) => answer(made, memory),
      stored: (made) => answer(made, stored),
    };
    // Warm: connections, compiled code, the server's caches.
    await interleaved(admin, 20, ways);
    const { bare, memory: withMemory, stored: withTable } = await interleaved(admin, ALERTS, ways);
    const far = responder(slower(client));
    const serialMs = await burst(admin, 1, far);
    const parallelMs = await burst(admin, 16, far);
    const line = (name: string, times: readonly number[]) => [
      name,
      round(median(times)),
      round(quantile(times, 0.95)),
      round(median(times) - median(bare)),
    ];
    return {
      title: TITLE,
      columns: ['what', 'median ms', 'p95 ms', 'ms on top of the bare calls'],
      rows: [
        line('bare GET and DELETE', bare),
        line('respond, journal in memory', withMemory),
        line('respond, journal in DynamoDB (dynalite, same process)', withTable),
        [`burst of ${BURST} alerts one by one, ${ROUND_TRIP_MS} ms a call`, round(serialMs), '', ''],
        [`the same, 16 in flight: ${round(serialMs / parallelMs)} times as fast`, round(parallelMs), '', ''],
      ],
      notes: [
        `kube-apiserver 1.34 and etcd on loopback, ${ALERTS} alerts each, warm. dynalite runs in the same process and thread, so its time counts here and would not in Lambda.`,
        `Bursts: every call of the Kubernetes API takes ${ROUND_TRIP_MS} ms longer, as over a network.`,
      ],
    };
  } finally {
    await dynamodb.stop();
    await cluster.stop();
  }
}

function responder(client: KubeClient): RespondDeps {
  return respondInMemory(loadPolicies([{ path: 'p.yaml', text: POLICY }], actionCatalogue), systemClock, {
    ceiling: 'enforce',
    clusters: { clientFor: async () => ({ client }) },
    macKeys: [MAC_KEY],
    principal: { username: 'respond' },
  });
}

let serial = 0;

/** A new binding, and the alert about it. */
async function makeBinding(admin: KubeClient): Promise<{ alert: FalcoAlert; reference: ObjectReference; uid: string }> {
  const reference = { ...RBAC, name: `bench-${process.pid}-${++serial}` };
  const roleRef = { apiGroup: RBAC.apiGroup, kind: 'ClusterRole', name: 'view' };
  const manifest: JsonValue = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: reference.name },
    roleRef,
    subjects: [],
  };
  const { metadata } = await admin.create(RBAC, manifest, CALL);
  const now = new Date().toISOString();
  const alert = bindingAlert(
    {
      'ka.auditid': reference.name,
      'ka.target.name': reference.name,
      'tiercel.uid': metadata.uid,
      'tiercel.received': now,
      'tiercel.stage_time': now,
    },
    { time: now },
  );
  return { alert: sign(alert), reference, uid: metadata.uid };
}

async function answer({ alert }: { alert: FalcoAlert }, deps: RespondDeps): Promise<void> {
  const [outcome] = await respondToAlerts([{ kind: 'alert', alert, via: { kind: 'invoke' } }], deps, { killedAtMs: Date.now() + 60_000 });
  if (outcome?.kind !== 'answered' || outcome.entries[0]?.status !== 'done') throw new Error(`not done: ${JSON.stringify(outcome)}`);
}

type Made = Awaited<ReturnType<typeof makeBinding>>;

/** Milliseconds of each, the ways taking turns: what else the machine does hits all of them alike. */
async function interleaved<Name extends string>(
  admin: KubeClient,
  count: number,
  ways: Readonly<Record<Name, (made: Made) => Promise<void>>>,
): Promise<Record<Name, number[]>> {
  const entries = Object.entries(ways) as [Name, (made: Made) => Promise<void>][];
  const times = Object.fromEntries(entries.map(([name]) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let at = 0; at < count; at++) {
    for (const [name, work] of entries) {
      const made = await makeBinding(admin);
      const start = performance.now();
      await work(made);
      times[name].push(performance.now() - start);
    }
  }
  return times;
}

/** The same calls of the API, and nothing else. */
async function bareCalls({ reference, uid }: Made, client: KubeClient): Promise<void> {
  const live = await client.get(reference, CALL);
  await client.delete(reference, { uid, resourceVersion: live!.metadata.resourceVersion, propagationPolicy: 'Background' }, CALL);
}

async function burst(admin: KubeClient, inFlight: number, deps: RespondDeps): Promise<number> {
  const made: Made[] = [];
  for (let at = 0; at < BURST; at++) made.push(await makeBinding(admin));
  const start = performance.now();
  const worker = async () => {
    for (let next = made.pop(); next; next = made.pop()) await answer(next, deps);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return performance.now() - start;
}

function slower(client: KubeClient): KubeClient {
  return new Proxy(client, {
    get: (target, name) => {
      const member = Reflect.get(target, name) as (...given: unknown[]) => Promise<unknown>;
      return async (...given: unknown[]) => {
        await wait(ROUND_TRIP_MS);
        return member.apply(target, given);
      };
    },
  });
}

function quantile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

const median = (times: readonly number[]): number => quantile(times, 0.5);
const round = (value: number): number => Math.round(value * 100) / 100;
