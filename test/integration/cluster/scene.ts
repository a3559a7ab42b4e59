import { setTimeout as wait } from 'node:timers/promises';
import type { FalcoAlert } from '../../../shared/falco/alert.ts';
import { type RespondDeps, respondToAlerts } from '../../../shared/flows/respond.ts';
import { respondInMemory } from '../../../shared/flows/respond-in-memory.ts';
import { type Clock, systemClock } from '../../../shared/platform/clock.ts';
import type { JsonValue, KubeClient, KubeObject, ObjectReference } from '../../../shared/platform/kube/index.ts';
import { actionCatalogue, type Entry, loadPolicies, type PolicySet } from '../../../shared/respond/index.ts';
import { rbacManifests } from '../../../shared/respond/rbac.ts';
import { NODE, startCluster, type TestCluster } from '../../cluster/start.ts';
import { MAC_KEY } from '../../support/responder.ts';
import { alertSource, type CallEvent } from './alerts.ts';

export const RESPOND = 'tiercel-respond';
export const CALL = { auditId: 'test' };
export const rbac = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1' } as const;
export const core = { apiGroup: '', apiVersion: 'v1' } as const;
export const apps = { apiGroup: 'apps', apiVersion: 'v1' } as const;

/** One policy for each action, told apart by what they accept. */
export const policyText = (mode: string, { extra = '', rules = ['Changed'] }: { extra?: string; rules?: readonly string[] } = {}) =>
  `${[
    'delete-binding',
    'delete-object, with: {resources: [services]}',
    'label, with: {resources: [configmaps], labels: {suspect: "true"}}',
    'isolate-pod',
  ]
    .map(
      (step) => `
- policy: ${step.split(',')[0]}
  description: d
  mode: ${mode}
  match: {source: k8s_audit, rules: ${JSON.stringify(rules)}}
  actions: [{action: ${step}}]
  cooldown: 1s
  budget: {policy: 1000, cluster: 1000, namespace: 1000}
  ${extra}`,
    )
    .join('')}
- protect: {namespaces: [kube-system], users: [admin]}
`;

export let cluster: TestCluster;
export let admin: KubeClient;
export let mallory: KubeClient;
export let respond: KubeClient;
export let source: ReturnType<typeof alertSource>;
let serial = 0;

export const policySet = (text: string) => loadPolicies([{ path: 'p.yaml', text }], actionCatalogue);

export interface ResponderOptions {
  readonly clock?: Clock;
  /** More members of every policy, YAML. */
  readonly extra?: string;
  /** Rules that every policy answers. */
  readonly rules?: readonly string[];
  /** Other policies than one for each action. */
  readonly set?: PolicySet;
}

export function responder(mode = 'enforce', { clock = systemClock, set, ...policies }: ResponderOptions = {}): RespondDeps {
  return respondInMemory(set ?? policySet(policyText(mode, policies)), clock, {
    ceiling: 'enforce',
    clusters: { clientFor: async () => ({ client: respond }) },
    macKeys: [MAC_KEY],
    principal: { username: RESPOND },
  });
}

/** The entry of one action: every policy sees every alert, and all but one decline it. */
export async function answer(alert: FalcoAlert, deps: RespondDeps, action = 'delete-binding'): Promise<Entry> {
  const [outcome] = await respondToAlerts([{ kind: 'alert', alert, via: { kind: 'invoke' } }], deps, {
    killedAtMs: deps.clock.now() + 30_000,
  });
  if (outcome?.kind === 'failed') throw outcome.error;
  const entry = outcome?.kind === 'answered' ? outcome.entries.find((candidate) => candidate.action === action) : undefined;
  if (!entry) throw new Error(`no answer: ${JSON.stringify(outcome)}`);
  return entry;
}

export const refusals = (entry: Entry) => entry.guards.filter(({ verdict }) => verdict === 'refuse').map(({ guard }) => guard);

/** Something an attacker makes and respond answers. */
export interface Scenario {
  readonly action: string;
  readonly make: (client: KubeClient) => Promise<{ readonly reference: ObjectReference; readonly made: KubeObject }>;
  readonly accomplished: (reference: ObjectReference) => Promise<boolean>;
}

export async function create(
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

export const makeBinding = (client: KubeClient, name = `pwn-${++serial}`) =>
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

export const makeRoleBinding = (client: KubeClient, namespace = 'prod') =>
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

export const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } };

/** A pod, and something of the given kind that says it owns it. */
export async function makePod(
  client: KubeClient,
  kind?: string,
  name = `web-${++serial}`,
): Promise<{ reference: ObjectReference; made: KubeObject }> {
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
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { labels: { app: 'web', team: 'a' }, ownerReferences },
      spec: { ...template.spec, nodeName: NODE },
    },
  );
}

export const gone = async (reference: ObjectReference) => (await admin.get(reference, CALL)) === undefined;
export const labelsOf = async (reference: ObjectReference) => (await admin.get(reference, CALL))?.metadata.labels ?? {};
export const isolated = async (reference: ObjectReference) => {
  const labels = await labelsOf(reference);
  return labels.app === undefined && labels.team === 'a' && labels['tiercel.dev/quarantine'] !== undefined;
};

export const SCENARIOS: readonly Scenario[] = [
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

export const alertAbout = (reference: ObjectReference, options?: { signed?: boolean }, user = 'mallory') =>
  source.alertOf({ user, resource: reference.resource, name: reference.name }, options);

/** What a user changed so far, or tried to, by the audit log: `delete services`, in order. */
export const writesOf = (user: string): string[] =>
  cluster.auditEvents().flatMap((event) => {
    const { user: caller, verb, objectRef, stage } = event as CallEvent;
    const reads = ['get', 'list', 'watch'].includes(verb ?? '') || objectRef?.resource?.startsWith('selfsubject');
    return caller?.username === user && stage === 'ResponseComplete' && !reads ? [`${verb} ${objectRef?.resource}`] : [];
  });

/** Who takes a response back: respond itself, or the operator where undoing is granting. */
export const undoer = (entry: Entry) => (actionCatalogue.get(entry.action)!.undo === 'operator' ? admin : respond);

export async function applyRbac(manifests: readonly Record<string, unknown>[]): Promise<void> {
  for (const manifest of manifests) {
    const { kind, metadata } = manifest as { kind: string; metadata: { name: string } };
    const reference = { ...rbac, resource: `${kind.toLowerCase()}s`, name: metadata.name };
    const live = await admin.get(reference, CALL);
    if (live) await admin.patch(reference, manifest as unknown as JsonValue, CALL);
    else await admin.create(reference, manifest as unknown as JsonValue, CALL);
  }
}

/** Starts the cluster, with its users, what they find there, and the generated rights. */
export async function openScene(): Promise<void> {
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
}

export async function closeScene(): Promise<void> {
  await cluster?.stop();
}
