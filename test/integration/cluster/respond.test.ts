import { request } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FalcoAlert } from '../../../shared/falco/alert.ts';
import { type RespondDeps, respondToAlerts } from '../../../shared/flows/respond.ts';
import { respondInMemory } from '../../../shared/flows/respond-in-memory.ts';
import { type Clock, systemClock } from '../../../shared/platform/clock.ts';
import {
  type JsonValue,
  type KubeClient,
  type KubeObject,
  KubeStatusError,
  type ObjectReference,
} from '../../../shared/platform/kube/index.ts';
import { actionCatalogue, type Entry, loadPolicies } from '../../../shared/respond/index.ts';
import { type RbacRule, rbacManifests } from '../../../shared/respond/rbac.ts';
import { undo } from '../../../shared/respond/undo.ts';
import { startCluster, type TestCluster } from '../../cluster/start.ts';
import { kubeContract } from '../../contract/kube.ts';
import { MAC_KEY } from '../../support/responder.ts';
import { alertSource } from './alerts.ts';

const RESPOND = 'tiercel-respond';
const CALL = { auditId: 'test' };
const rbac = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1' } as const;
const core = { apiGroup: '', apiVersion: 'v1' } as const;
const apps = { apiGroup: 'apps', apiVersion: 'v1' } as const;

/** One policy for each action, told apart by what they accept. */
const policyText = (mode: string, extra = '') => `
- policy: bindings
  description: d
  mode: ${mode}
  match: {source: k8s_audit, rules: [Changed]}
  actions: [{action: delete-binding}]
  cooldown: 1s
  budget: {policy: 1000, cluster: 1000, namespace: 1000}
  ${extra}
- policy: services
  description: d
  mode: ${mode}
  match: {source: k8s_audit, rules: [Changed]}
  actions: [{action: delete-object, with: {resources: [services]}}]
  cooldown: 1s
  budget: {policy: 1000, cluster: 1000, namespace: 1000}
  ${extra}
- policy: labels
  description: d
  mode: ${mode}
  match: {source: k8s_audit, rules: [Changed]}
  actions: [{action: label, with: {resources: [configmaps], labels: {suspect: "true"}}}]
  cooldown: 1s
  ${extra}
- policy: pods
  description: d
  mode: ${mode}
  match: {source: k8s_audit, rules: [Changed]}
  actions: [{action: isolate-pod}]
  cooldown: 1s
  budget: {policy: 1000, cluster: 1000, namespace: 1000}
  ${extra}
- protect: {namespaces: [kube-system], users: [admin]}
`;

let cluster: TestCluster;
let admin: KubeClient;
let mallory: KubeClient;
let respond: KubeClient;
let source: ReturnType<typeof alertSource>;
let serial = 0;

const policySet = (text: string) => loadPolicies([{ path: 'p.yaml', text }], actionCatalogue);

function responder(mode = 'enforce', options: { clock?: Clock; extra?: string } = {}): RespondDeps {
  return respondInMemory(policySet(policyText(mode, options.extra)), options.clock ?? systemClock, {
    ceiling: 'enforce',
    clusters: { clientFor: async () => ({ client: respond }) },
    macKeys: [MAC_KEY],
    principal: { username: RESPOND },
  });
}

/** The entry of one action: every policy sees every alert, and all but one decline it. */
async function answer(alert: FalcoAlert, deps: RespondDeps, action = 'delete-binding'): Promise<Entry> {
  const [outcome] = await respondToAlerts([{ kind: 'alert', alert, via: { kind: 'invoke' } }], deps, {
    killedAtMs: deps.clock.now() + 30_000,
  });
  if (outcome?.kind === 'failed') throw outcome.error;
  const entry = outcome?.kind === 'answered' ? outcome.entries.find((candidate) => candidate.action === action) : undefined;
  if (!entry) throw new Error(`no answer: ${JSON.stringify(outcome)}`);
  return entry;
}

const refusals = (entry: Entry) => entry.guards.filter(({ verdict }) => verdict === 'refuse').map(({ guard }) => guard);

/** Something an attacker makes and respond answers. */
interface Scenario {
  readonly action: string;
  readonly make: (client: KubeClient) => Promise<{ readonly reference: ObjectReference; readonly made: KubeObject }>;
  readonly accomplished: (reference: ObjectReference) => Promise<boolean>;
}

async function create(
  client: KubeClient,
  reference: ObjectReference,
  manifest: Record<string, JsonValue>,
): Promise<{ reference: ObjectReference; made: KubeObject }> {
  const { name, namespace } = reference;
  const metadata = {
    ...(manifest.metadata as Record<string, JsonValue> | undefined),
    name,
    ...(namespace === undefined ? {} : { namespace }),
  };
  return { reference, made: await client.create(reference, { ...manifest, metadata }, CALL) };
}

const makeBinding = (client: KubeClient, name = `pwn-${++serial}`) =>
  create(
    client,
    { ...rbac, resource: 'clusterrolebindings', name },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      roleRef: { apiGroup: rbac.apiGroup, kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: rbac.apiGroup, kind: 'User', name: 'eve' }],
    },
  );

const makeRoleBinding = (client: KubeClient, namespace = 'prod') =>
  create(
    client,
    { ...rbac, resource: 'rolebindings', namespace, name: `pwn-${++serial}` },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      roleRef: { apiGroup: rbac.apiGroup, kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: rbac.apiGroup, kind: 'User', name: 'eve' }],
    },
  );

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } };

/** A pod, and something of the given kind that says it owns it. */
async function makePod(client: KubeClient, kind?: string): Promise<{ reference: ObjectReference; made: KubeObject }> {
  const name = `web-${++serial}`;
  const owners: Record<string, { reference: Omit<ObjectReference, 'name'>; spec: Record<string, JsonValue> }> = {
    ReplicaSet: {
      reference: { ...apps, resource: 'replicasets', namespace: 'prod' },
      spec: { selector: { matchLabels: { app: 'web' } }, template },
    },
    StatefulSet: {
      reference: { ...apps, resource: 'statefulsets', namespace: 'prod' },
      spec: { serviceName: 'x', selector: { matchLabels: { app: 'web' } }, template },
    },
    DaemonSet: {
      reference: { ...apps, resource: 'daemonsets', namespace: 'prod' },
      spec: { selector: { matchLabels: { app: 'web' } }, template },
    },
    Job: {
      reference: { apiGroup: 'batch', apiVersion: 'v1', resource: 'jobs', namespace: 'prod' },
      spec: { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } },
    },
    ReplicationController: {
      reference: { ...core, resource: 'replicationcontrollers', namespace: 'prod' },
      spec: { selector: { app: 'web' }, template },
    },
  };
  const owner = kind === undefined ? undefined : owners[kind]!;
  const owned =
    owner && kind
      ? await create(
          admin,
          { ...owner.reference, name },
          { apiVersion: `${owner.reference.apiGroup === '' ? '' : `${owner.reference.apiGroup}/`}v1`, kind, spec: owner.spec },
        )
      : undefined;
  const ownerReferences =
    owned && kind ? [{ apiVersion: owned.made.apiVersion, kind, name, uid: owned.made.metadata.uid, controller: true }] : [];
  return create(
    client,
    { ...core, resource: 'pods', namespace: 'prod', name },
    { apiVersion: 'v1', kind: 'Pod', metadata: { labels: { app: 'web', team: 'a' }, ownerReferences }, spec: template.spec },
  );
}

const gone = async (reference: ObjectReference) => (await admin.get(reference, CALL)) === undefined;
const labelsOf = async (reference: ObjectReference) => (await admin.get(reference, CALL))?.metadata.labels ?? {};
const isolated = async (reference: ObjectReference) => {
  const labels = await labelsOf(reference);
  return labels.app === undefined && labels.team === 'a' && labels['tiercel.dev/quarantine'] !== undefined;
};

const SCENARIOS: readonly Scenario[] = [
  { action: 'delete-binding', make: (client) => makeBinding(client), accomplished: gone },
  { action: 'delete-binding', make: (client) => makeRoleBinding(client), accomplished: gone },
  {
    action: 'delete-object',
    make: (client) =>
      create(
        client,
        { ...core, resource: 'services', namespace: 'prod', name: `s-${++serial}` },
        { apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80 }], type: 'NodePort', selector: { app: 'other' } } },
      ),
    accomplished: gone,
  },
  {
    action: 'label',
    make: (client) =>
      create(
        client,
        { ...core, resource: 'configmaps', namespace: 'prod', name: `c-${++serial}` },
        { apiVersion: 'v1', kind: 'ConfigMap', data: { a: 'b' } },
      ),
    accomplished: async (reference) => (await labelsOf(reference)).suspect === 'true',
  },
  ...['ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'ReplicationController'].map(
    (kind): Scenario => ({ action: 'isolate-pod', make: (client) => makePod(client, kind), accomplished: isolated }),
  ),
];

const alertAbout = (reference: ObjectReference, options?: { signed?: boolean }, user = 'mallory') =>
  source.alertOf({ user, resource: reference.resource, name: reference.name }, options);

/** Who takes a response back: respond itself, or the operator where undoing is granting. */
const undoer = (entry: Entry) => (actionCatalogue.get(entry.action)!.undo === 'operator' ? admin : respond);

async function applyRbac(manifests: readonly Record<string, unknown>[]): Promise<void> {
  for (const manifest of manifests) {
    const { kind, metadata } = manifest as { kind: string; metadata: { name: string } };
    const reference = { ...rbac, resource: `${kind.toLowerCase()}s`, name: metadata.name };
    const live = await admin.get(reference, CALL);
    if (live) await admin.patch(reference, manifest as unknown as JsonValue, CALL);
    else await admin.create(reference, manifest as unknown as JsonValue, CALL);
  }
}

beforeAll(async () => {
  cluster = await startCluster([
    { name: 'admin', groups: ['system:masters'] },
    { name: 'mallory', groups: ['developers'] },
    { name: 'nobody', groups: ['developers'] },
    { name: RESPOND, groups: ['tiercel-respond'] },
  ]);
  admin = cluster.client('admin');
  mallory = cluster.client('mallory');
  respond = cluster.client(RESPOND);
  source = alertSource(cluster);
  await create(admin, { ...core, resource: 'namespaces', name: 'prod' }, { apiVersion: 'v1', kind: 'Namespace' });
  await create(
    admin,
    { ...rbac, resource: 'clusterrolebindings', name: 'mallory' },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      roleRef: { apiGroup: rbac.apiGroup, kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: rbac.apiGroup, kind: 'User', name: 'mallory' }],
    },
  );
  await create(
    admin,
    { ...apps, resource: 'daemonsets', namespace: 'kube-system', name: 'cilium' },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      spec: { selector: { matchLabels: { app: 'cilium' } }, template: { ...template, metadata: { labels: { app: 'cilium' } } } },
    },
  );
  await create(
    admin,
    { ...core, resource: 'services', namespace: 'prod', name: 'web' },
    { apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80 }], selector: { app: 'web' } } },
  );
  await applyRbac(rbacManifests(policySet(policyText('enforce')).policies, actionCatalogue));
  await wait(500);
});
afterAll(() => cluster?.stop());

kubeContract('real', () => admin);

describe('every action, on a real API server, as a user bound only to the generated RBAC', () => {
  for (const scenario of SCENARIOS) {
    it(`${scenario.action}: shadow changes nothing, enforce does it, undo takes it back`, async () => {
      const { reference, made } = await scenario.make(mallory);
      const alert = await alertAbout(reference);

      const planned = await answer(alert, responder('shadow'), scenario.action);
      expect(planned).toMatchObject({ status: 'planned', action: scenario.action });
      expect(planned.guards.filter(({ verdict }) => verdict !== 'pass').map(({ guard }) => guard)).toEqual(['within-budget']);
      expect((await admin.get(reference, CALL))?.metadata.resourceVersion).toBe(made.metadata.resourceVersion);

      const deps = responder();
      const done = await answer(alert, deps, scenario.action);
      expect(done).toMatchObject({ status: 'done', action: scenario.action });
      expect(await scenario.accomplished(reference)).toBe(true);
      const again = {
        ...alert,
        uuid: 'another',
        tags: ['x'],
        rule: 'Changed',
        output_fields: { ...alert.output_fields, 'ka.stage': 'ResponseComplete' },
      };
      expect(
        await respondToAlerts([{ kind: 'alert', alert: again, via: { kind: 'invoke' } }], deps, { killedAtMs: Date.now() + 30_000 }),
      ).toMatchObject([{ duplicate: true }]);

      const undone = await undo(done, { by: 'test', force: false }, { ...deps, client: undoer(done) });
      expect(undone.status).toBe('undone');
      const restored = await admin.get(reference, CALL);
      expect(restored?.metadata.labels).toEqual(made.metadata.labels);
      expect({ spec: restored?.spec, data: restored?.data, roleRef: restored?.roleRef, subjects: restored?.subjects }).toEqual({
        spec: made.spec,
        data: made.data,
        roleRef: made.roleRef,
        subjects: made.subjects,
      });
    });
  }

  it('respond itself may not restore a binding', async () => {
    const { reference } = await makeBinding(mallory);
    const deps = responder();
    const done = await answer(await alertAbout(reference), deps);
    await expect(undo(done, { by: 'test', force: false }, { ...deps, client: respond })).rejects.toThrow(KubeStatusError);
    expect(await gone(reference)).toBe(true);
  });

  it('what an operator brings back is left alone', async () => {
    const { reference } = await makeBinding(mallory);
    const deps = responder();
    const done = await answer(await alertAbout(reference), deps);
    // Somebody with the rights to, and on no protect list.
    await undo(done, { by: 'test', force: false }, { ...deps, client: mallory });
    expect(refusals(await answer(await alertAbout(reference), deps))).toEqual(['not-restored']);
    expect(await gone(reference)).toBe(false);
  });

  it('undo refuses what was changed since, unless forced', async () => {
    const { reference } = await SCENARIOS[3]!.make(mallory);
    const deps = responder();
    const done = await answer(await alertAbout(reference), deps, 'label');
    await admin.patch(reference, { metadata: { labels: { suspect: 'no' } } }, CALL);
    await expect(undo(done, { by: 'test', force: false }, { ...deps, client: respond })).rejects.toThrow('changed since');
    await undo(done, { by: 'test', force: true }, { ...deps, client: respond });
    expect(await labelsOf(reference)).toEqual({});
  });
});

/** A creation that is only pretended, which the project's own client never asks for. Resolves to the status. */
function dryRun({ endpoint }: TestCluster, user: string, name: string): Promise<number | undefined> {
  const body = JSON.stringify({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: rbac.apiGroup, kind: 'ClusterRole', name: 'cluster-admin' },
  });
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer token-${user}`, 'content-type': 'application/json' };
    request(
      `${endpoint.server}/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?dryRun=All`,
      { method: 'POST', ca: endpoint.caPem, headers },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode));
      },
    )
      .on('error', reject)
      .end(body);
  });
}

describe('refusals', () => {
  it('an object that was made again under the same name', async () => {
    const { reference } = await makeBinding(mallory);
    const alert = await alertAbout(reference);
    await admin.delete(reference, { uid: (await admin.get(reference, CALL))!.metadata.uid }, CALL);
    await makeBinding(admin, reference.name);
    expect(refusals(await answer(alert, responder()))).toEqual(['same-object']);
    expect(await gone(reference)).toBe(false);
  });

  it('a call that was forbidden (403), one that met an existing object (409), one that was a dry run', async () => {
    const { reference } = await makeBinding(admin, 'precious');
    await expect(makeBinding(cluster.client('nobody'), reference.name)).rejects.toMatchObject({ status: 403 });
    expect(refusals(await answer(await source.alertOf({ user: 'nobody', resource: reference.resource }), responder()))).toContain(
      'succeeded',
    );
    await expect(makeBinding(mallory, reference.name)).rejects.toMatchObject({ status: 409 });
    expect(refusals(await answer(await alertAbout(reference), responder()))).toContain('succeeded');
    const dry = await dryRun(cluster, 'mallory', 'dry');
    expect(dry).toBe(201);
    expect(refusals(await answer(await alertAbout({ ...reference, name: 'dry' }), responder()))).toEqual(['succeeded', 'same-object']);
    expect(await gone(reference)).toBe(false);
  });

  it('stale, truncated and unsigned alerts', async () => {
    const { reference } = await makeBinding(mallory);
    const alert = await alertAbout(reference);
    const later: Clock = { ...systemClock, now: () => Date.now() + 11 * 60_000 };
    expect(refusals(await answer(alert, responder('enforce', { clock: later })))).toEqual(['fresh']);
    const truncated = { ...alert, output_fields: { ...alert.output_fields, 'tiercel.truncated': 'true' } };
    expect(refusals(await answer(truncated, responder()))).toEqual(['whole']);
    expect(refusals(await answer(await alertAbout(reference, { signed: false }), responder()))).toEqual(['signed']);
    expect(await gone(reference)).toBe(false);
    expect((await answer(alert, responder())).status).toBe('done');
  });

  it('a protected namespace, a protected caller', async () => {
    const system = await makeRoleBinding(mallory, 'kube-system');
    expect(refusals(await answer(await alertAbout(system.reference), responder()))).toEqual(['unprotected']);
    const trusted = await makeBinding(admin);
    expect(refusals(await answer(await alertAbout(trusted.reference, {}, 'admin'), responder()))).toEqual(['unprotected']);
  });

  it('a budget that is spent', async () => {
    const set = policySet(policyText('enforce').replace('budget: {policy: 1000, cluster: 1000, namespace: 1000}', 'budget: {policy: 1}'));
    const deps = { ...responder(), set };
    const first = await makeBinding(mallory);
    const second = await makeBinding(mallory);
    expect((await answer(await alertAbout(first.reference), deps)).status).toBe('done');
    expect(refusals(await answer(await alertAbout(second.reference), deps))).toEqual(['within-budget']);
    expect(await gone(second.reference)).toBe(false);
  });

  it('a pod on the network of its node, and one that another policy lets through', async () => {
    const host = await create(
      mallory,
      { ...core, resource: 'pods', namespace: 'prod', name: 'host' },
      { apiVersion: 'v1', kind: 'Pod', spec: { ...template.spec, hostNetwork: true } },
    );
    expect(refusals(await answer(await alertAbout(host.reference), responder(), 'isolate-pod'))).toEqual(['feasible']);
    const allow = { apiGroup: 'networking.k8s.io', apiVersion: 'v1', resource: 'networkpolicies', namespace: 'prod', name: 'allow' };
    const { made } = await create(admin, allow, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      spec: { podSelector: {}, ingress: [{}] },
    });
    const pod = await makePod(mallory);
    const entry = await answer(await alertAbout(pod.reference), responder(), 'isolate-pod');
    expect(refusals(entry)).toEqual(['feasible']);
    expect(entry.guards.find(({ guard }) => guard === 'feasible')?.reason).toContain('NetworkPolicy allow');
    await admin.delete(allow, { uid: made.metadata.uid }, CALL);
  });
});

describe('the loop', () => {
  it('closes: calls of our own are known by the journal, calls by somebody with our token are not', async () => {
    const deps = responder();
    const { reference } = await makePod(mallory);
    const entry = await answer(await alertAbout(reference), deps, 'isolate-pod');
    expect(entry.status).toBe('done');
    const ours = source.allBy(RESPOND).filter((alert) => String(alert.output_fields['ka.auditid']).includes(entry.event));
    expect(ours.length).toBeGreaterThanOrEqual(4);
    const judge = async (alert: FalcoAlert) =>
      (await respondToAlerts([{ kind: 'alert', alert, via: { kind: 'invoke' } }], deps, { killedAtMs: Date.now() + 30_000 }))[0];
    for (const alert of ours) expect(await judge(alert)).toMatchObject({ kind: 'own' });

    // A thief with the token, who also copies an Audit-ID seen in the log.
    const victim = await makePod(admin);
    await respond.patch(victim.reference, { metadata: { labels: { stolen: 'yes' } } }, { auditId: `tiercel/${entry.id}/1` });
    expect(await judge(await alertAbout(victim.reference, {}, RESPOND))).toMatchObject({
      kind: 'impostor',
      why: 'the step is about another object than the call',
    });
    await respond.patch(victim.reference, { metadata: { labels: { stolen: 'twice' } } }, { auditId: 'mine' });
    expect(await judge(await alertAbout(victim.reference, {}, RESPOND))).toMatchObject({
      kind: 'impostor',
      why: 'the call names no step of the journal',
    });
  });
});

describe('the generated RBAC', () => {
  const roles = () =>
    rbacManifests(policySet(policyText('enforce')).policies, actionCatalogue).filter(({ kind }) => kind === 'ClusterRole') as unknown as {
      metadata: { name: string };
      rules: RbacRule[];
    }[];

  it('holds no wildcard and nothing that grants', () => {
    const rules = roles().flatMap(({ rules: all }) => all);
    const words = rules.flatMap(({ apiGroups, resources, verbs }) => [...apiGroups, ...resources, ...verbs]);
    expect(words.filter((word) => /[*]|bind$|escalate|impersonate/.test(word))).toEqual([]);
    expect(
      rules.filter(
        ({ apiGroups, verbs }) => apiGroups.includes(rbac.apiGroup) && verbs.some((verb) => ['create', 'update', 'patch'].includes(verb)),
      ),
    ).toEqual([]);
  });

  it('holds nothing that is not needed: without any one verb an action fails', async () => {
    const all = roles();
    const spared: string[] = [];
    for (const [roleAt, role] of all.entries()) {
      for (const [ruleAt, rule] of role.rules.entries()) {
        for (const verb of rule.verbs) {
          const verbs = rule.verbs.filter((other) => other !== verb);
          const rules =
            verbs.length === 0
              ? role.rules.filter((_, at) => at !== ruleAt)
              : role.rules.map((other, at) => (at === ruleAt ? { ...rule, verbs } : other));
          const question = {
            verb,
            object: { apiGroup: rule.apiGroups[0]!, apiVersion: 'v1', resource: rule.resources[0]!, namespace: 'prod', name: 'x' },
          };
          await setRules(all[roleAt]!.metadata.name, rules, question, false);
          if (await everythingWorks(rule.resources[0]!)) spared.push(`${verb} ${rule.resources[0]}`);
          await setRules(all[roleAt]!.metadata.name, role.rules, question, true);
        }
      }
    }
    expect(spared).toEqual([]);
    expect(await everythingWorks('')).toBe(true);
  });

  async function setRules(
    name: string,
    rules: readonly RbacRule[],
    question: Parameters<KubeClient['mayI']>[0],
    expected: boolean,
  ): Promise<void> {
    await admin.patch({ ...rbac, resource: 'clusterroles', name }, { rules: rules as unknown as JsonValue }, CALL);
    for (let attempt = 0; attempt < 100 && (await respond.mayI(question, CALL)) !== expected; attempt++) await wait(20);
  }

  /** Whether every scenario goes through, there and back. */
  async function everythingWorks(_resource: string): Promise<boolean> {
    for (const scenario of SCENARIOS) {
      try {
        const { reference } = await scenario.make(mallory);
        const deps = responder();
        const entry = await answer(await alertAbout(reference), deps, scenario.action);
        if (entry.status !== 'done') return false;
        await undo(entry, { by: 'test', force: false }, { ...deps, client: undoer(entry) });
      } catch (error) {
        if (error instanceof KubeStatusError && error.status === 403) return false;
        throw error;
      }
    }
    return true;
  }
});
