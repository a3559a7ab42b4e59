import * as z from 'zod';
import { describeObject, type KubeObject, type ObjectReference, type OwnerReference } from '../../platform/kube/index.ts';
import { OWNER_KINDS, type OwnerKind } from '../evidence/owners.ts';
import type { Action, Permission, Reader } from './action.ts';
import { type CreateEffect, type PatchEffect, planPatch, RESPONSE_ANNOTATION } from './effect.ts';
import { neededLabels, selectorOf, selects } from './selectors.ts';

/** Carried by an isolated pod, with the id of the response; selected by its deny policy and by nothing else. */
const QUARANTINE_LABEL = 'tiercel.dev/quarantine';
const NETWORKING = { apiGroup: 'networking.k8s.io', apiVersion: 'v1', resource: 'networkpolicies' } as const;

/** Kinds whose controller finds its pods by label. A Job finds them by a label of its own (controller-uid), which is stripped with the rest. */
const CONTROLLERS: ReadonlyMap<string, OwnerKind> = new Map(
  ['ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'ReplicationController'].map((kind) => [kind, OWNER_KINDS.get(kind)!]),
);

/** A program that enforces NetworkPolicies, by the DaemonSet that runs it. */
interface Enforcer {
  readonly name: string;
  readonly namespace: string;
  /** Whether it enforces them, and for this pod. */
  readonly covers: (daemonSet: KubeObject, pod: KubeObject) => boolean;
}

const ENFORCERS: readonly Enforcer[] = [
  {
    name: 'aws-node',
    namespace: 'kube-system',
    covers: (daemonSet, pod) => JSON.stringify(daemonSet.spec).includes('--enable-network-policy=true') && !isWindows(pod),
  },
  { name: 'calico-node', namespace: 'calico-system', covers: () => true },
  { name: 'calico-node', namespace: 'kube-system', covers: () => true },
  { name: 'cilium', namespace: 'kube-system', covers: () => true },
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
    ...[...CONTROLLERS.values()].map(({ apiGroup, resource }) => look(apiGroup, resource, 'get')),
    ...(settings(given).enforcement === 'detect' ? [look('apps', 'daemonsets', 'get')] : []),
    { apiGroup: '', resource: 'pods', verb: 'patch', use: 'act' },
    { apiGroup: NETWORKING.apiGroup, resource: NETWORKING.resource, verb: 'create', use: 'act' },
    { apiGroup: NETWORKING.apiGroup, resource: NETWORKING.resource, verb: 'delete', use: 'act' },
  ],
  async plan({ id, target, live, parameters: given }, reader) {
    const namespace = target.namespace!;
    const { hostNetwork, nodeName = '' } = live.spec as { hostNetwork?: boolean; nodeName?: string };
    if (hostNetwork === true) return { refusal: "the pod uses the node's network, which no NetworkPolicy covers" };
    if (nodeName.startsWith('fargate-'))
      return { refusal: 'not enforceable: the pod runs on Fargate, where nothing enforces NetworkPolicies' };
    const { enforcement } = settings(given);
    if (enforcement === 'detect' && !(await isEnforced(live, reader))) {
      return {
        refusal:
          'not enforceable: nothing in the cluster enforces NetworkPolicies on this pod (VPC CNI network policy, Calico and Cilium were looked for)',
      };
    }
    const labels = live.metadata.labels ?? {};
    const selectors = await selectorsOf(live, namespace, reader);
    const selecting = selectors.filter(({ selector }) => selects(selector, labels));
    // Whoever makes a pod can label it so; only the policies tell.
    if (labels[QUARANTINE_LABEL] !== undefined && selecting.some(({ denies }) => denies) && !selecting.some(({ allows }) => allows))
      return { refusal: 'the pod is isolated already' };
    const lost = new Set(selecting.flatMap(({ selector }) => neededLabels(selector, labels)));
    const kept = { ...Object.fromEntries(Object.entries(labels).filter(([key]) => !lost.has(key))), [QUARANTINE_LABEL]: id };
    const still = selectors.filter(({ selector, allows }) => allows && selects(selector, kept));
    if (still.length > 0) {
      return {
        refusal: `not enforceable: ${still.map(({ name }) => name).join(', ')} allows traffic to or from every pod that lacks a label, whatever is denied beside`,
      };
    }
    return {
      effects: [denyAll(id, namespace), relabel(id, target, live, [...lost])],
      caveats: [...CAVEATS, ...caveatsOf(live, enforcement)],
    };
  },
};

const CAVEATS = [
  'connections that are open already may survive until they end',
  'only NetworkPolicies are looked at: a policy of another kind (of Calico, of Cilium, an AdminNetworkPolicy) may still let traffic through',
] as const;

function caveatsOf(pod: KubeObject, enforcement: 'detect' | 'assume'): readonly string[] {
  const owner = ownerOf(pod);
  return [
    ...(enforcement === 'assume' ? ['that something in the cluster enforces NetworkPolicies is assumed'] : []),
    ...(owner?.kind === 'StatefulSet' ? [`StatefulSet ${owner.name} starts no other in its place while this pod has its name`] : []),
  ];
}

function look(apiGroup: string, resource: string, verb: 'get' | 'list'): Permission {
  return { apiGroup, resource, verb, use: 'look' };
}

/** One that is installed and runs nowhere enforces nothing. */
async function isEnforced(pod: KubeObject, reader: Reader): Promise<boolean> {
  for (const { name, namespace, covers } of ENFORCERS) {
    const daemonSet = await reader.get({ apiGroup: 'apps', apiVersion: 'v1', resource: 'daemonsets', namespace, name });
    const { numberReady = 0 } = (daemonSet?.status ?? {}) as { numberReady?: number };
    if (daemonSet && numberReady > 0 && covers(daemonSet, pod)) return true;
  }
  return false;
}

/** By what decides where the pod may run: the kubelet of another system refuses it. */
function isWindows({ spec }: KubeObject): boolean {
  const { os, nodeSelector } = spec as { os?: { name?: string }; nodeSelector?: Readonly<Record<string, string>> };
  return os?.name === 'windows' || nodeSelector?.['kubernetes.io/os'] === 'windows';
}

interface NamedSelector {
  readonly name: string;
  readonly selector: Parameters<typeof selects>[0];
  /** A NetworkPolicy that lets something through. Policies add up: a deny beside it changes nothing for the pods it selects. */
  readonly allows: boolean;
  /** A NetworkPolicy that lets nothing through, neither in nor out. */
  readonly denies: boolean;
}

async function selectorsOf(pod: KubeObject, namespace: string, reader: Reader): Promise<readonly NamedSelector[]> {
  const [services, policies, controller] = await Promise.all([
    reader.list({ apiGroup: '', apiVersion: 'v1', resource: 'services', namespace }),
    reader.list({ ...NETWORKING, namespace }),
    controllerOf(pod, namespace, reader),
  ]);
  const named = (kind: string, object: KubeObject, { allows = false, denies = false } = {}): NamedSelector[] => {
    const selector = selectorOf(object);
    return selector ? [{ name: `${kind} ${object.metadata.name}`, selector, allows, denies }] : [];
  };
  return [
    ...services.flatMap((service) => named('Service', service)),
    // Items of a list carry no kind.
    ...policies.flatMap((policy) => named('NetworkPolicy', { ...policy, kind: 'NetworkPolicy' }, effectOf(policy))),
    ...(controller ? named(controller.kind, controller) : []),
  ];
}

function ownerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller);
}

async function controllerOf(pod: KubeObject, namespace: string, reader: Reader): Promise<KubeObject | undefined> {
  const owner = ownerOf(pod);
  const kind = owner && CONTROLLERS.get(owner.kind);
  return kind ? reader.get({ ...kind, namespace, name: owner.name }) : undefined;
}

function effectOf({ spec }: KubeObject): { readonly allows: boolean; readonly denies: boolean } {
  const { ingress = [], egress = [], policyTypes = [] } = spec as Readonly<Record<string, readonly unknown[] | undefined>>;
  const allows = ingress.length > 0 || egress.length > 0;
  return { allows, denies: !allows && policyTypes.includes('Ingress') && policyTypes.includes('Egress') };
}

function denyAll(id: string, namespace: string): CreateEffect {
  const name = `tiercel-quarantine-${id}`;
  return {
    verb: 'create',
    object: { ...NETWORKING, namespace, name },
    manifest: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'tiercel' }, annotations: { [RESPONSE_ANNOTATION]: id } },
      spec: { podSelector: { matchLabels: { [QUARANTINE_LABEL]: id } }, policyTypes: ['Ingress', 'Egress'] },
    },
  };
}

/** The label says which response it was; an annotation beside it would fail where somebody has filled the pod's annotations to their limit. */
function relabel(id: string, target: ObjectReference, live: KubeObject, lost: readonly string[]): PatchEffect {
  const labels = { ...Object.fromEntries(lost.map((key) => [key, null])), [QUARANTINE_LABEL]: id };
  return planPatch(target, live, { metadata: { labels } });
}
