import { setTimeout as wait } from 'node:timers/promises';
import type { FalcoAlert } from '../../shared/falco/alert.ts';
import { type RespondDeps, respondToAlerts } from '../../shared/flows/respond.ts';
import { respondInMemory } from '../../shared/flows/respond-in-memory.ts';
import { createDynamoDBOnce } from '../../shared/platform/aws/once.ts';
import { systemClock } from '../../shared/platform/clock.ts';
import { messageOf } from '../../shared/platform/errors.ts';
import type { JsonValue, KubeClient, ObjectReference } from '../../shared/platform/kube/index.ts';
import {
  actionCatalogue,
  createDynamoDBBudgets,
  createDynamoDBJournal,
  createDynamoDBModeSwitch,
  loadPolicies,
} from '../../shared/respond/index.ts';
import { buildCluster } from '../cluster/build.ts';
import { startCluster } from '../cluster/start.ts';
import { bindingAlert } from '../support/alerts.ts';
import { createRespondTables } from '../support/respond-tables.ts';
import { MAC_KEY, sign } from '../support/responder.ts';
import { startTables } from './tables.ts';

const CALL = { auditId: 'bench' };
const RBAC = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1', resource: 'clusterrolebindings' } as const;
const ALERTS = 200;
const WARM_UP = 20;
const BURST = 60;
const IN_FLIGHT = 16;
const ROUNDS = 5;
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
  const dynamodb = await startTables();
  try {
    const admin = cluster.client('admin');
    const client = cluster.client('respond');
    await createRespondTables(dynamodb.client, { journal: 'journal', idempotency: 'once' });
    const watch = stopwatch(client);
    const memory = responder(watch.client);
    const stored: RespondDeps = {
      ...responder(watch.client),
      journal: createDynamoDBJournal({ client: dynamodb.client, tableName: 'journal', clock: systemClock, retentionSeconds: 86_400 }),
      budgets: createDynamoDBBudgets({ client: dynamodb.client, tableName: 'journal', clock: systemClock }),
      modeSwitch: createDynamoDBModeSwitch({ client: dynamodb.client, tableName: 'journal' }),
      once: createDynamoDBOnce({
        client: dynamodb.client,
        tableName: 'once',
        keyPrefix: 'respond',
        expiresAfterSeconds: 86_400,
        clock: systemClock,
      }),
    };
    let asked = 0;
    let askedMs = 0;
    dynamodb.client.middlewareStack.add(
      (next) => async (given) => {
        asked += 1;
        const start = performance.now();
        try {
          return await next(given);
        } finally {
          askedMs += performance.now() - start;
        }
      },
      { step: 'initialize' },
    );
    const ways: Record<'bare' | 'memory' | 'stored', (made: Made) => Promise<void>> = {
      bare: (made) => bareCalls(made, watch.client),
      memory: (made) => answer(made, memory),
      stored: (made) => answer(made, stored),
    };
    // Warm: connections, compiled code, the server's caches.
    await interleaved(admin, WARM_UP, ways, watch);
    const { bare, memory: withMemory, stored: withTable } = await interleaved(admin, ALERTS, ways, watch);
    const bursts = await inBursts(admin, {
      bare: () => {
        const far = slower(cluster.client('respond'));
        return (made) => bareCalls(made, far);
      },
      respond: () => {
        const far = responder(slower(cluster.client('respond')));
        return (made) => answer(made, far);
      },
      loopback: () => {
        const near = responder(cluster.client('respond'));
        return (made) => answer(made, near);
      },
    });
    const line = (name: string, { written, answered }: Times) => [
      name,
      round(median(written)),
      round(quantile(written, 0.95)),
      round(median(written) - median(bare.written)),
      round(median(answered)),
      '',
    ];
    return {
      title: TITLE,
      columns: ['what', 'to the write, median ms', 'p95', 'on top of the bare calls', 'to the end', 'times a serial loop'],
      rows: [
        line('bare GET and DELETE', bare),
        line('respond, journal in memory', withMemory),
        line('respond, everything in DynamoDB (dynalite)', withTable),
        burstLine('bare calls', bursts.bare),
        burstLine('respond, journal in memory', bursts.respond),
        burstLine('the same without the round trip', bursts.loopback),
      ],
      notes: [
        `kube-apiserver 1.34 and etcd on loopback, ${ALERTS} alerts each, warm: from the alert in hand to the answer of the API server to the write, and to everything written down.`,
        `DynamoDB is asked ${round(asked / (ALERTS + WARM_UP))} times for an alert with switch, claim, journal and budgets there; dynalite, in a thread of its own, answers in about ${round(askedMs / asked)} ms.`,
        `Bursts: ${BURST} alerts, ${IN_FLIGHT} in flight, beside the same one after another; every call of the Kubernetes API takes ${ROUND_TRIP_MS} ms longer, as over a network; on loopback there is nothing to wait for, and the cores are the limit. Milliseconds for one alert; medians of ${ROUNDS} rounds, each with a new client that has one open connection, as after a quiet spell.`,
        `The bare calls are the ceiling: client, API server and etcd share two cores here. This process takes ${round(bursts.bare.cpuMs)} ms of CPU for the bare calls of an alert, ${round(bursts.respond.cpuMs)} ms for a response.`,
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

/** Milliseconds from the start until the API server had answered the write, and until everything was over. */
interface Times {
  readonly written: number[];
  readonly answered: number[];
}

/** The same client, which remembers when the last deletion was answered. */
function stopwatch(client: KubeClient): { readonly client: KubeClient; writtenAt(): number } {
  let writtenAt = 0;
  const watched: KubeClient = {
    ...client,
    async delete(...given) {
      await client.delete(...given);
      writtenAt = performance.now();
    },
  };
  return { client: watched, writtenAt: () => writtenAt };
}

/** Times of each way, the ways taking turns: what else the machine does hits all of them alike. */
async function interleaved<Name extends string>(
  admin: KubeClient,
  count: number,
  ways: Readonly<Record<Name, (made: Made) => Promise<void>>>,
  watch: ReturnType<typeof stopwatch>,
): Promise<Record<Name, Times>> {
  const entries = Object.entries(ways) as [Name, (made: Made) => Promise<void>][];
  const times = Object.fromEntries(entries.map(([name]) => [name, { written: [], answered: [] } as Times])) as Record<Name, Times>;
  for (let at = 0; at < count; at++) {
    for (const [name, work] of entries) {
      const made = await makeBinding(admin);
      const start = performance.now();
      await work(made);
      times[name].written.push(watch.writtenAt() - start);
      times[name].answered.push(performance.now() - start);
    }
  }
  return times;
}

/** The same calls of the API, and nothing else. */
async function bareCalls({ reference, uid }: Made, client: KubeClient): Promise<void> {
  const live = await client.get(reference, CALL);
  await client.delete(reference, { uid, resourceVersion: live!.metadata.resourceVersion, propagationPolicy: 'Background' }, CALL);
}

/** Milliseconds of wall clock and of this process's CPU that one alert of a burst takes. */
interface Burst {
  readonly serialMs: number;
  readonly parallelMs: number;
  readonly cpuMs: number;
}

/** Bursts of each way, the ways taking turns. Each round opens a client of its own: bursts come after a quiet spell, and its rate limit is part of it. */
async function inBursts<Name extends string>(
  admin: KubeClient,
  ways: Readonly<Record<Name, () => (made: Made) => Promise<void>>>,
): Promise<Record<Name, Burst>> {
  const rounds = Object.fromEntries(Object.keys(ways).map((name) => [name, [] as Burst[]])) as Record<Name, Burst[]>;
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, open] of Object.entries(ways) as [Name, () => (made: Made) => Promise<void>][]) {
      const work = open();
      const { ms: serialMs } = await burst(admin, 1, work);
      const { ms: parallelMs, cpuMs } = await burst(admin, IN_FLIGHT, work);
      rounds[name].push({ serialMs, parallelMs, cpuMs });
    }
  }
  const middle = (all: readonly Burst[], of: keyof Burst) => median(all.map((each) => each[of]));
  return Object.fromEntries(
    (Object.entries(rounds) as [Name, Burst[]][]).map(([name, all]) => [
      name,
      { serialMs: middle(all, 'serialMs'), parallelMs: middle(all, 'parallelMs'), cpuMs: middle(all, 'cpuMs') },
    ]),
  ) as Record<Name, Burst>;
}

async function burst(admin: KubeClient, inFlight: number, work: (made: Made) => Promise<void>): Promise<{ ms: number; cpuMs: number }> {
  const made: Made[] = [];
  for (let at = 0; at < BURST; at++) made.push(await makeBinding(admin));
  const cpu = process.cpuUsage();
  const start = performance.now();
  const worker = async () => {
    for (let next = made.pop(); next; next = made.pop()) await work(next);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const ms = (performance.now() - start) / BURST;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpuMs: (user + system) / 1000 / BURST };
}

function burstLine(name: string, { serialMs, parallelMs }: Burst): (string | number)[] {
  return [`burst, ${name}`, '', '', '', `${round(serialMs)} alone, ${round(parallelMs)} together`, round(serialMs / parallelMs)];
}

function slower(client: KubeClient): KubeClient {
  return new Proxy(client, {
    get: (target, name) => {
      if (name === 'server') return target.server;
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
