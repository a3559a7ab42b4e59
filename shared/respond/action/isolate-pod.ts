import * as z from 'zod';
import { describeObject, type KubeObject, type ObjectReference } from '../../platform/kube/index.ts';
import type { Action, Permission, Reader } from './action.ts';
import { type CreateEffect, inversePatch, type JsonPatch, type PatchEffect, RESPONSE_ANNOTATION } from './effect.ts';
import { neededLabels, selectorOf, selects } from './selectors.ts';

/** Carried by an isolated pod, selected by its deny policy and by nothing else. */
const QUARANTINE_LABEL = 'tiercel.dev/quarantine';
const NETWORKING = { apiGroup: 'networking.k8s.io', apiVersion: 'v1', resource: 'networkpolicies' } as const;

/** Kinds whose controller finds its pods by label. A Job finds them by a label of its own (controller-uid), which is stripped with the rest. */
const CONTROLLERS: Readonly<Record<string, Omit<ObjectReference, 'name' | 'namespace'>>> = {
  ReplicaSet: { apiGroup: 'apps', apiVersion: 'v1', resource: 'replicasets' },
  StatefulSet: { apiGroup: 'apps', apiVersion: 'v1', resource: 'statefulsets' },
  DaemonSet: { apiGroup: 'apps', apiVersion: 'v1', resource: 'daemonsets' },
  Job: { apiGroup: 'batch', apiVersion: 'v1', resource: 'jobs' },
  ReplicationController: { apiGroup: '', apiVersion: 'v1', resource: 'replicationcontrollers' },
};

/** Programs that enforce NetworkPolicies, and how a cluster shows that it runs one. */
const ENFORCERS: readonly { readonly name: string; readonly namespace: string; readonly proves: (daemonSet: KubeObject) => boolean }[] = [
  {
    name: 'aws-node',
    namespace: 'kube-system',
    proves: (daemonSet) => JSON.stringify(daemonSet.spec).includes('--enable-network-policy=true'),
  },
  { name: 'calico-node', namespace: 'calico-system', proves: () => true },
  { name: 'calico-node', namespace: 'kube-system', proves: () => true },
  { name: 'cilium', namespace: 'kube-system', proves: () => true },
];

const parameters = z.strictObject({
  enforcement: z
    .enum(['detect', 'assume'])
    .default('detect')
    .describe(
      '`detect`: refuse unless a program that enforces NetworkPolicies is found (VPC CNI with network policy, Calico, Cilium); `assume` it where it cannot be seen, as in EKS Auto Mode',
    ),
});
const settings = (given: unknown) => parameters.parse(given);

/** Cuts a pod off and keeps it: for looking into it, and because deleting it would only make its controller start another beside the attacker. */
export const isolatePod: Action = {
  name: 'isolate-pod',
  summary:
    'Cuts a pod off: takes away every label by which a Service, NetworkPolicy or controller selects it, and denies all its traffic by a NetworkPolicy of its own. The pod keeps running; its controller starts another.',
  parameters,
  example: {},
  needs: ['ka.verb', 'ka.target.resource', 'ka.target.namespace', 'tiercel.apiversion', 'tiercel.received'],
  undo: 'respond',
  undoSummary: 'Restores the labels and deletes the deny policy. A controller takes the pod back, and may then delete one as surplus.',
  declines: (target) => {
    if (target.resource === 'pods' && target.apiGroup === '' && target.namespace !== undefined) return undefined;
    return `expected a pod, the alert is about ${describeObject(target)}`;
  },
  intent: (target) => `isolate ${describeObject(target)}`,
  permissions: (given) => [
    look('', 'pods', 'get'),
    look('', 'services', 'list'),
    look(NETWORKING.apiGroup, NETWORKING.resource, 'list'),
    look(NETWORKING.apiGroup, NETWORKING.resource, 'get'),
    ...Object.values(CONTROLLERS).map(({ apiGroup, resource }) => look(apiGroup, resource, 'get')),
    ...(settings(given).enforcement === 'detect' ? [look('apps', 'daemonsets', 'get')] : []),
    { apiGroup: '', resource: 'pods', verb: 'patch', use: 'act' },
    { apiGroup: NETWORKING.apiGroup, resource: NETWORKING.resource, verb: 'create', use: 'act' },
    { apiGroup: NETWORKING.apiGroup, resource: NETWORKING.resource, verb: 'delete', use: 'act' },
  ],
  async plan({ id, target, live, parameters: given }, reader) {
    const namespace = target.namespace!;
    if ((live.spec as { hostNetwork?: boolean }).hostNetwork === true)
      return { refusal: "the pod uses the node's network, which no NetworkPolicy covers" };
    if (live.metadata.labels?.[QUARANTINE_LABEL] !== undefined) return { refusal: 'the pod is isolated already' };
    if (settings(given).enforcement === 'detect' && !(await findEnforcer(reader))) {
      return {
        refusal:
          'not enforceable: nothing in the cluster enforces NetworkPolicies (VPC CNI network policy, Calico and Cilium were looked for)',
      };
    }
    const labels = live.metadata.labels ?? {};
    const selectors = await selectorsOf(live, namespace, reader);
    const lost = new Set(
      selectors.filter(({ selector }) => selects(selector, labels)).flatMap(({ selector }) => neededLabels(selector, labels)),
    );
    // Short enough for a label, and unique to this response.
    const mark = id.replace('-', '').slice(0, 32) + id.slice(-12);
    const kept = { ...Object.fromEntries(Object.entries(labels).filter(([key]) => !lost.has(key))), [QUARANTINE_LABEL]: mark };
    const still = selectors.filter(({ selector, allows }) => allows && selects(selector, kept));
    if (still.length > 0) {
      return {
        refusal: `not enforceable: ${still.map(({ name }) => name).join(', ')} allows traffic to or from every pod that lacks a label, whatever is denied beside`,
      };
    }
    return {
      effects: [denyAll(id, namespace, mark), relabel(id, target, live, mark, [...lost])],
      caveats: ['connections that are open already may survive until they end'],
    };
  },
};

function look(apiGroup: string, resource: string, verb: 'get' | 'list'): Permission {
  return { apiGroup, resource, verb, use: 'look' };
}

async function findEnforcer(reader: Reader): Promise<boolean> {
  for (const { name, namespace, proves } of ENFORCERS) {
    const daemonSet = await reader.get({ apiGroup: 'apps', apiVersion: 'v1', resource: 'daemonsets', namespace, name });
    if (daemonSet && proves(daemonSet)) return true;
  }
  return false;
}

interface NamedSelector {
  readonly name: string;
  readonly selector: Parameters<typeof selects>[0];
  /** A NetworkPolicy that lets something through. Policies add up: a deny beside it changes nothing for the pods it selects. */
  readonly allows: boolean;
}

async function selectorsOf(pod: KubeObject, namespace: string, reader: Reader): Promise<readonly NamedSelector[]> {
  const [services, policies, controller] = await Promise.all([
    reader.list({ apiGroup: '', apiVersion: 'v1', resource: 'services', namespace }),
    reader.list({ ...NETWORKING, namespace }),
    controllerOf(pod, namespace, reader),
  ]);
  const named = (kind: string, object: KubeObject, allows: boolean): NamedSelector[] => {
    const selector = selectorOf(object);
    return selector ? [{ name: `${kind} ${object.metadata.name}`, selector, allows }] : [];
  };
  return [
    ...services.flatMap((service) => named('Service', service, false)),
    // Items of a list carry no kind.
    ...policies.flatMap((policy) => named('NetworkPolicy', { ...policy, kind: 'NetworkPolicy' }, letsThrough(policy))),
    ...(controller ? named(controller.kind, controller, false) : []),
  ];
}

async function controllerOf(pod: KubeObject, namespace: string, reader: Reader): Promise<KubeObject | undefined> {
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller);
  const kind = owner && CONTROLLERS[owner.kind];
  return kind ? reader.get({ ...kind, namespace, name: owner.name }) : undefined;
}

function letsThrough(policy: KubeObject): boolean {
  const { ingress, egress } = policy.spec as { ingress?: readonly unknown[]; egress?: readonly unknown[] };
  return (ingress?.length ?? 0) > 0 || (egress?.length ?? 0) > 0;
}

function denyAll(id: string, namespace: string, mark: string): CreateEffect {
  const name = `tiercel-quarantine-${mark}`;
  return {
    verb: 'create',
    object: { ...NETWORKING, namespace, name },
    manifest: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'tiercel' }, annotations: { [RESPONSE_ANNOTATION]: id } },
      spec: { podSelector: { matchLabels: { [QUARANTINE_LABEL]: mark } }, policyTypes: ['Ingress', 'Egress'] },
    },
  };
}

function relabel(id: string, target: ObjectReference, live: KubeObject, mark: string, lost: readonly string[]): PatchEffect {
  const labels = { ...Object.fromEntries(lost.map((key) => [key, null])), [QUARANTINE_LABEL]: mark };
  const patch: JsonPatch = { metadata: { labels, annotations: { [RESPONSE_ANNOTATION]: id } } };
  const { apiGroup, apiVersion, resource, namespace, name } = target;
  return {
    verb: 'patch',
    object: { apiGroup, apiVersion, resource, ...(namespace === undefined ? {} : { namespace }), name },
    uid: live.metadata.uid,
    resourceVersion: live.metadata.resourceVersion,
    patch,
    before: inversePatch({ metadata: live.metadata as unknown as JsonPatch }, patch),
  };
}
