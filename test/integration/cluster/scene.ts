import { request } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import type { FalcoAlert } from '../../../shared/falco/alert.ts';
import { type RespondDeps, respondToAlerts } from '../../../shared/flows/respond.ts';
import { respondInMemory } from '../../../shared/flows/respond-in-memory.ts';
import { type Clock, systemClock } from '../../../shared/platform/clock.ts';
import type { JsonValue, KubeClient, ObjectReference } from '../../../shared/platform/kube/index.ts';
import { actionCatalogue, type Entry, loadPolicies, type PolicySet, RESPOND_GROUP } from '../../../shared/respond/index.ts';
import { type RbacRule, rbacManifests } from '../../../shared/respond/rbac.ts';
import { startCluster, type TestCluster } from '../../cluster/start.ts';
import { createOutside, type Outside } from '../../support/outside.ts';
import { MAC_KEY } from '../../support/responder.ts';
import { alertSource, type CallEvent } from './alerts.ts';
import { apps, CALL, core, create, rbac, template } from './objects.ts';

export const RESPOND = 'tiercel-respond';

interface Step {
  readonly policy: string;
  readonly action: string;
  readonly parameters?: string;
  readonly condition?: string;
}

/** The actions, each with what it is for; those that leave the object as it is come first. */
const STEPS: readonly Step[] = [
  { policy: 'capture-evidence', action: 'capture-evidence' },
  {
    policy: 'notify',
    action: 'notify',
    parameters: '{resources: [services], channels: [security], text: "{ka.user.name} made {ka.target.namespace}/{ka.target.name}"}',
  },
  { policy: 'delete-binding', action: 'delete-binding' },
  { policy: 'delete-object', action: 'delete-object', parameters: '{resources: [services]}', condition: 'ka.target.resource = services' },
  {
    policy: 'delete-controller',
    action: 'delete-object',
    parameters: '{resources: [pods, replicasets.apps, deployments.apps], owned: controller, gracePeriodSeconds: 0}',
    condition: 'ka.target.name startswith evict-',
  },
  { policy: 'label', action: 'label', parameters: '{resources: [configmaps], labels: {suspect: "true"}}' },
  { policy: 'isolate-pod', action: 'isolate-pod', condition: 'not ka.target.name startswith evict-' },
];

interface PolicyOptions {
  /** Whether a person must say yes. */
  readonly approval?: boolean;
  /** Rules that are answered. */
  readonly rules?: readonly string[];
}

/** One policy for each action, told apart by what they accept. */
export const policyText = (mode: string, { approval = false, rules = ['Changed'] }: PolicyOptions = {}) =>
  `${STEPS.map(
    ({ policy, action, parameters = '{}', condition }) => `
- policy: ${policy}
  description: d
  mode: ${mode}
  match: {source: k8s_audit, rules: ${JSON.stringify(rules)}${condition === undefined ? '' : `, condition: ${condition}`}}
  actions: [{action: ${action}, with: ${parameters}}]
  cooldown: 1s
  budget: {policy: 1000, cluster: 1000, namespace: 1000}
  ${approval && actionCatalogue.get(action)!.undo !== 'none' ? 'approval: {within: 1h}' : ''}`,
  ).join('')}
- protect: {namespaces: [kube-system], namespaceLabels: [team=platform], users: [admin]}
`;

export let cluster: TestCluster;
export let admin: KubeClient;
export let mallory: KubeClient;
export let respond: KubeClient;
export let source: ReturnType<typeof alertSource>;

export const policySet = (text: string) => loadPolicies([{ path: 'p.yaml', text }], actionCatalogue);

export interface ResponderOptions extends PolicyOptions {
  readonly clock?: Clock;
  /** Other policies than one for each action. */
  readonly set?: PolicySet;
  /** Where evidence and messages go. */
  readonly outside?: Outside;
}

export function responder(
  mode = 'enforce',
  { clock = systemClock, set, outside = createOutside(), ...policies }: ResponderOptions = {},
): RespondDeps {
  return respondInMemory(set ?? policySet(policyText(mode, policies)), clock, {
    ceiling: 'enforce',
    clusters: { clientFor: async () => ({ client: respond }) },
    macKeys: [MAC_KEY],
    principal: { username: RESPOND },
    ...outside.deps,
  });
}

/** The entry of one policy: every policy sees every alert, and most decline it. */
export async function answer(alert: FalcoAlert, deps: RespondDeps, policy = 'delete-binding'): Promise<Entry> {
  const [outcome] = await respondToAlerts([{ kind: 'alert', alert, via: { kind: 'invoke' } }], deps, {
    killedAtMs: deps.clock.now() + 30_000,
  });
  if (outcome?.kind === 'failed') throw outcome.error;
  const entry = outcome?.kind === 'answered' ? outcome.entries.find((candidate) => candidate.policy === policy) : undefined;
  if (!entry) throw new Error(`no answer: ${JSON.stringify(outcome)}`);
  return entry;
}

export const refusals = (entry: Entry) => entry.guards.filter(({ verdict }) => verdict === 'refuse').map(({ guard }) => guard);

export const alertAbout = (reference: ObjectReference, options?: { signed?: boolean }, user = 'mallory') =>
  source.alertOf({ user, resource: reference.resource, name: reference.name }, options);

export const gone = async (reference: ObjectReference) => (await admin.get(reference, CALL)) === undefined;
export const labelsOf = async (reference: ObjectReference) => (await admin.get(reference, CALL))?.metadata.labels ?? {};
export const isolated = async (reference: ObjectReference) => {
  const labels = await labelsOf(reference);
  return labels.app === undefined && labels.team === 'a' && labels['tiercel.dev/quarantine'] !== undefined;
};

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

/** A request that the project's own client never makes. Resolves to the status. */
export function requestAs(user: string, method: 'POST' | 'PATCH', path: string, body: JsonValue): Promise<number | undefined> {
  const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const headers = { authorization: `Bearer token-${user}`, 'content-type': contentType };
  return new Promise((resolve, reject) => {
    request(`${cluster.endpoint.server}${path}`, { method, ca: cluster.endpoint.caPem, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    })
      .on('error', reject)
      .end(JSON.stringify(body));
  });
}

/** Starts the cluster, with its users, what they find there, and the rights generated for some policies. */
export async function openScene(set = policySet(policyText('enforce'))): Promise<void> {
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
    { ...core, resource: 'namespaces', name: 'ingress' },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { labels: { team: 'platform' } } },
  );
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
  const status = { currentNumberScheduled: 1, desiredNumberScheduled: 1, numberMisscheduled: 0, numberReady: 1 };
  await requestAs('admin', 'PATCH', '/apis/apps/v1/namespaces/kube-system/daemonsets/cilium/status', { status });
  await create(
    admin,
    { ...core, resource: 'services', namespace: 'prod', name: 'web' },
    { apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80 }], selector: { app: 'web' } } },
  );
  const manifests = rbacManifests(set.policies, actionCatalogue, set.protection);
  await applyRbac(manifests);
  await untilGranted(manifests.flatMap(({ rules }) => (rules ?? []) as readonly RbacRule[]));
}

/** The authorizer learns of roles and bindings a moment after they were made. */
async function untilGranted(rules: readonly RbacRule[]): Promise<void> {
  const subject = { username: RESPOND, groups: [RESPOND_GROUP] };
  for (const { apiGroups, resources, verbs } of rules) {
    const right = { apiGroup: apiGroups[0]!, resource: resources[0]!, verb: verbs[0]! };
    for (let attempt = 0; !(await admin.maySubject(subject, right, CALL)); attempt++) {
      if (attempt > 1_000) throw new Error(`respond was never granted ${JSON.stringify(right)}`);
      await wait(20);
    }
  }
}

export async function closeScene(): Promise<void> {
  await cluster?.stop();
}
