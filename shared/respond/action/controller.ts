import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, ObjectReference } from '../../platform/kube/index.ts';
import { OWNER_KINDS } from '../evidence/owners.ts';
import type { Reader } from './action.ts';
import { isAmong } from './resources.ts';

/** A pod of a CronJob has two controllers above it; nothing of Kubernetes' own has more. */
const MAX_DEPTH = 5;

interface PodSpec {
  readonly [member: string]: unknown;
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly ephemeralContainers?: readonly Container[];
  readonly volumes?: readonly { readonly hostPath?: unknown }[];
}
type Container = Readonly<Record<string, unknown>>;

export type Controller =
  | { readonly reference: ObjectReference; readonly live: KubeObject }
  /** Why nothing above the object can be deleted in its place. */
  | { readonly refusal: string };

/**
 * The controller at the top of what makes an object again: each owner on the way is read, must have the UID that the reference names, and must be of a resource
 * that may be deleted. Whoever makes a pod can write an owner's name and UID into it, so an owner is believed only if its template says the same of what
 * runs as the pod itself.
 */
export async function topController(
  object: KubeObject,
  namespace: string,
  resources: readonly string[],
  reader: Reader,
): Promise<Controller> {
  let found: { reference: ObjectReference; live: KubeObject } | undefined;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const owner = (found?.live ?? object).metadata.ownerReferences?.find(({ controller }) => controller);
    if (!owner) return found ?? { refusal: 'nothing controls it' };
    const named = `${owner.kind} ${owner.name}`;
    const kind = OWNER_KINDS.get(owner.kind);
    if (!kind || owner.apiVersion !== apiVersionOf(kind) || !isAmong(kind, resources))
      return {
        refusal: `${named} (${owner.apiVersion}) controls it and would make it again; it is not among the resources that may be deleted`,
      };
    const reference = { ...kind, namespace, name: owner.name };
    const live = await reader.get(reference);
    if (live?.metadata.uid !== owner.uid) return { refusal: `${named}, uid ${owner.uid}, which it names as its controller, is not there` };
    const difference = differenceOf(podSpecOf(object), podSpecOf(live));
    if (difference !== undefined)
      return {
        refusal: `${named} would not make it as it is (${difference}): the reference to its owner may be forged, or the owner was changed since`,
      };
    found = { reference, live };
  }
  return { refusal: `more than ${MAX_DEPTH} controllers stand above it` };
}

function apiVersionOf({ apiGroup, apiVersion }: { readonly apiGroup: string; readonly apiVersion: string }): string {
  return apiGroup === '' ? apiVersion : `${apiGroup}/${apiVersion}`;
}

/** What runs: a pod's own spec, or the one in the template of whatever makes pods. */
function podSpecOf({ spec }: KubeObject): PodSpec | undefined {
  const { containers, template, jobTemplate } = (spec ?? {}) as {
    containers?: unknown;
    template?: { spec?: PodSpec };
    jobTemplate?: { spec?: { template?: { spec?: PodSpec } } };
  };
  return containers === undefined ? (template?.spec ?? jobTemplate?.spec?.template?.spec) : (spec as PodSpec);
}

/** What decides about a container's power. Defaults and what admission adds elsewhere (limits, mounts of tokens) may differ. */
const OF_CONTAINER = ['name', 'image', 'command', 'args', 'securityContext'];
const OF_POD = ['hostNetwork', 'hostPID', 'hostIPC', 'securityContext', 'serviceAccountName'];
/** What the API server fills in where a template says nothing. */
const DEFAULTS: Readonly<Record<string, unknown>> = { serviceAccountName: 'default' };

function differenceOf(pod: PodSpec | undefined, template: PodSpec | undefined): string | undefined {
  if (!pod || !template) return 'one of them has no containers';
  for (const list of ['initContainers', 'containers'] as const) {
    if (!isDeepStrictEqual((pod[list] ?? []).map(powerOf), (template[list] ?? []).map(powerOf))) return list;
  }
  // Somebody put it into a pod that the template has nothing to do with.
  if ((pod.ephemeralContainers ?? []).length > 0) return 'ephemeralContainers';
  const partOf = (spec: PodSpec, name: string) => spec[name] || (DEFAULTS[name] ?? {});
  const other = OF_POD.find((name) => !isDeepStrictEqual(partOf(pod, name), partOf(template, name)));
  return other ?? (isDeepStrictEqual(hostPaths(pod), hostPaths(template)) ? undefined : 'volumes');
}

function powerOf(container: Container): readonly unknown[] {
  return OF_CONTAINER.map((name) => container[name] ?? {});
}

function hostPaths({ volumes = [] }: PodSpec): readonly unknown[] {
  return volumes.flatMap(({ hostPath }) => (hostPath === undefined ? [] : [hostPath]));
}
