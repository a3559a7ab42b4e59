import { setTimeout as wait } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FalcoAlert } from '../../shared/falco/alert.ts';
import { type RespondDeps, respondToAlerts } from '../../shared/flows/respond.ts';
import { createDynamoDBOnce } from '../../shared/platform/aws/once.ts';
import { systemClock } from '../../shared/platform/clock.ts';
import type { KubeClient, ObjectReference } from '../../shared/platform/kube/index.ts';
import { createDynamoDBBudgets, createDynamoDBJournal, createDynamoDBModeSwitch, type Entry } from '../../shared/respond/index.ts';
import { undo } from '../../shared/respond/undo.ts';
import { bindingAlert } from '../support/alerts.ts';
import { startDynalite } from '../support/dynalite.ts';
import { createMemoryCluster } from '../support/memory-cluster.ts';
import { createRespondTables } from '../support/respond-tables.ts';
import { responder, sign } from '../support/responder.ts';

/** How long a process has, and so how long a dead one is waited for, milliseconds. Powertools reads the real clock. */
const LEASE_MS = 60;

let dynamodb: Awaited<ReturnType<typeof startDynalite>>;
let serial = 0;
beforeAll(async () => {
  dynamodb = await startDynalite();
  await createRespondTables(dynamodb.client, { journal: 'journal', idempotency: 'once' });
});
afterAll(() => dynamodb.stop());

class Death extends Error {}

/** A process that dies at its n-th request, to DynamoDB or to the cluster: before it is sent, or when it was answered. */
function mortal(dies: { readonly at: number; readonly after: boolean }) {
  let requests = 0;
  const through = async <Answer>(send: () => Promise<Answer>): Promise<Answer> => {
    if (requests > dies.at) throw new Death('the process is dead');
    if (requests++ < dies.at) return send();
    if (dies.after) await send();
    throw new Death(`died at request ${dies.at}`);
  };
  return { through, requests: () => requests };
}

function clusterThrough(client: KubeClient, { through }: ReturnType<typeof mortal>): KubeClient {
  return new Proxy(client, {
    get: (target, name) => {
      if (name === 'server') return target.server;
      const member = Reflect.get(target, name) as (...given: unknown[]) => Promise<unknown>;
      return (...given: unknown[]) => through(() => member.apply(target, given));
    },
  });
}

function tablesThrough({ through }: ReturnType<typeof mortal>): DynamoDBClient {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint: dynamodb.endpoint, region: 'eu-west-1', credentials });
  client.middlewareStack.add((next) => (given) => through(() => next(given)), { step: 'initialize', priority: 'high' });
  return client;
}

interface Scene {
  readonly action: string;
  readonly reference: ObjectReference;
  readonly manifest: Record<string, unknown>;
  readonly rule: string;
  readonly writes: number;
}

const SCENES: readonly Scene[] = [
  {
    action: 'delete-binding',
    reference: { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1', resource: 'clusterrolebindings', name: 'pwn' },
    manifest: { kind: 'ClusterRoleBinding' },
    rule: 'Attach to cluster-admin Role',
    writes: 1,
  },
  {
    action: 'isolate-pod',
    reference: { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' },
    manifest: { kind: 'Pod', metadata: { labels: { app: 'web' } }, spec: {} },
    rule: 'Create Privileged Pod',
    writes: 2,
  },
];

/** A budget of one: a second place taken by the same response would leave none for it. */
const policies = (action: string, name: string) => `
- policy: ${name}
  description: d
  mode: enforce
  match: {source: k8s_audit}
  actions: [{action: ${action}${action === 'isolate-pod' ? ', with: {enforcement: assume}' : ''}}]
  budget: {policy: 1, cluster: 1, namespace: 1}
`;

describe.each(SCENES)('$action, remembered in DynamoDB', ({ action, reference, manifest, rule, writes }) => {
  function open() {
    const cluster = createMemoryCluster(systemClock);
    const { metadata } = cluster.put(reference, manifest);
    const name = `crash-${++serial}`;
    const process = (life: ReturnType<typeof mortal>): RespondDeps => {
      const client = tablesThrough(life);
      const table = { client, tableName: 'journal', clock: systemClock };
      return {
        ...responder({ clock: systemClock, client: clusterThrough(cluster.client, life), policies: policies(action, name) }),
        journal: createDynamoDBJournal({ ...table, retentionSeconds: 86_400 }),
        budgets: createDynamoDBBudgets(table),
        modeSwitch: createDynamoDBModeSwitch(table),
        once: createDynamoDBOnce({ client, tableName: 'once', keyPrefix: name, expiresAfterSeconds: 86_400, clock: systemClock }),
      };
    };
    return { cluster, process, alert: alertAbout(reference, metadata.uid, rule, name) };
  }

  const deliver = async (alert: FalcoAlert, deps: RespondDeps) =>
    (await respondToAlerts([{ kind: 'alert', alert, via: { kind: 'invoke' } }], deps, { killedAtMs: Date.now() + LEASE_MS }))[0];

  for (const after of [false, true]) {
    it(`acts once and whole, though the process dies ${after ? 'after' : 'before'} any request to DynamoDB or to the cluster`, async () => {
      let at = 0;
      for (; ; at++) {
        const { cluster, process, alert } = open();
        const life = mortal({ at, after });
        await deliver(alert, process(life)).catch((error: unknown) => {
          if (!(error instanceof Death)) throw error;
        });
        if (life.requests() <= at) break;
        await wait(LEASE_MS + 5);

        const deps = process(mortal({ at: Number.POSITIVE_INFINITY, after }));
        expect(await deliver(alert, deps), `death at request ${at}`).toMatchObject({ kind: 'answered' });
        expect(cluster.writes, `death at request ${at}`).toHaveLength(writes);
        const [entry, ...others] = await entriesOf(deps, cluster.writes[0]!.auditId);
        expect(others).toEqual([]);
        expect(entry, `death at request ${at}`).toMatchObject({ status: 'done', action });
        // What was written down before the first attempt is what there is to go back to.
        const undone = await undo(entry!, { by: 't', force: false }, { ...deps, client: cluster.client });
        expect(undone.status).toBe('undone');
        expect(cluster.peek(reference)?.metadata.labels).toEqual((manifest.metadata as { labels?: unknown } | undefined)?.labels);
      }
      // Switch, claim, query, look, cool-down, counters, intent, the writes with their answers, confirmation.
      expect(at).toBeGreaterThanOrEqual(8 + 2 * writes - 1);
    });
  }
});

it('fits into DynamoDB, however long a caller makes names, and whatever else a request may hold', async () => {
  const cluster = createMemoryCluster(systemClock);
  const { reference, manifest, rule, action } = SCENES[0]!;
  const object = { ...reference, name: 'x'.repeat(8 * 1024) };
  const annotations = { note: 'y'.repeat(230 * 1024) };
  const { metadata } = cluster.put(object, { ...manifest, metadata: { annotations } });
  const table = { client: dynamodb.client, tableName: 'journal', clock: systemClock };
  const deps: RespondDeps = {
    ...responder({ clock: systemClock, client: cluster.client, policies: policies(action, 'long') }),
    journal: createDynamoDBJournal({ ...table, retentionSeconds: 86_400 }),
    budgets: createDynamoDBBudgets(table),
  };
  const alert = alertAbout(object, metadata.uid, rule, 'long');
  const noise = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`ka.noise.${at}`, '"'.repeat(10_000)]));
  const loud = sign({ ...alert, output_fields: { ...alert.output_fields, ...noise, 'ka.useragent': 'z'.repeat(200_000) } });
  const times = { killedAtMs: Date.now() + 10_000 };
  const [outcome] = await respondToAlerts([{ kind: 'alert', alert: loud, via: { kind: 'invoke' } }], deps, times);
  expect(outcome).toMatchObject({ kind: 'answered', entries: [{ status: 'done' }] });
  expect(cluster.peek(object)).toBeUndefined();
});

/** The responses to the happening that a call was made for. */
async function entriesOf({ journal }: RespondDeps, auditId: string): Promise<readonly Entry[]> {
  const [, id = ''] = auditId.split('/');
  return journal.ofEvent(id.slice(0, 40));
}

/** The alert about the creation of an object, just now, signed. */
function alertAbout({ apiGroup, resource, namespace, name }: ObjectReference, uid: string, rule: string, auditId: string): FalcoAlert {
  const now = new Date().toISOString();
  const fields = {
    'ka.auditid': auditId,
    'ka.target.resource': resource,
    'ka.target.namespace': namespace ?? null,
    'ka.target.name': name,
    'ka.resp.name': name,
    'tiercel.apigroup': apiGroup === '' ? '<NA>' : apiGroup,
    'tiercel.uid': uid,
    'tiercel.received': now,
    'tiercel.stage_time': now,
  };
  return sign(bindingAlert(fields, { time: now, rule }));
}
