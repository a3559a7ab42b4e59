import type { JsonValue, KubeObject, ObjectReference } from '../../platform/kube/index.ts';

/** One thing that is done. Actions only plan effects; how one is carried out and undone is the same for every action. */
export type Effect = ClusterEffect | KeepEffect | SendEffect;

/** One write to a cluster, decided from one look at it, with what is needed to take it back. */
export type ClusterEffect = DeleteEffect | PatchEffect | CreateEffect;

export interface DeleteEffect {
  readonly verb: 'delete';
  readonly object: ObjectReference;
  /** Preconditions: exactly the object, in exactly the state, that was looked at. */
  readonly uid: string;
  readonly resourceVersion: string;
  readonly propagationPolicy: 'Background' | 'Foreground' | 'Orphan';
  readonly gracePeriodSeconds?: number;
  /** Takes its finalizers away as well: they keep an object, and what it grants stays in force for as long. */
  readonly releases?: true;
  /** What a re-creation would send. */
  readonly before: JsonValue;
}

export interface PatchEffect {
  readonly verb: 'patch';
  readonly object: ObjectReference;
  readonly uid: string;
  readonly resourceVersion: string;
  /** JSON merge patch. */
  readonly patch: JsonPatch;
  /** The merge patch that restores what `patch` changes. */
  readonly before: JsonPatch;
}

export interface CreateEffect {
  readonly verb: 'create';
  readonly object: ObjectReference;
  readonly manifest: JsonPatch;
}

/** Copies what there is to see about an object into the evidence store. It only reads from the cluster. */
export interface KeepEffect {
  readonly verb: 'keep';
  readonly object: ObjectReference;
  readonly uid: string;
  /** Whose bindings are kept. */
  readonly user: string;
  readonly groups: readonly string[];
  /** Most of one container's log, bytes. */
  readonly logBytes: number;
}

/** Tells people or programs. */
export interface SendEffect {
  readonly verb: 'send';
  readonly channels: readonly string[];
  /** What the policy wants said, fields of the alert filled in. */
  readonly text?: string;
}

/** Exactly the object, in exactly the state, that was looked at. A target may carry more than names it. */
export function exactly(target: ObjectReference, { metadata }: KubeObject): Pick<DeleteEffect, 'object' | 'uid' | 'resourceVersion'> {
  const { apiGroup, apiVersion, resource, namespace, name } = target;
  return {
    object: { apiGroup, apiVersion, resource, ...(namespace === undefined ? {} : { namespace }), name },
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
  };
}

/** Plans a patch of the metadata of exactly the object that was looked at. */
export function planPatch(target: ObjectReference, live: KubeObject, patch: JsonPatch): PatchEffect {
  return {
    verb: 'patch',
    ...exactly(target, live),
    patch,
    before: inversePatch({ metadata: live.metadata as unknown as JsonPatch }, patch),
  };
}

export function changesCluster(effect: Effect): effect is ClusterEffect {
  return effect.verb !== 'keep' && effect.verb !== 'send';
}

export type JsonPatch = { readonly [member: string]: JsonValue };

/** Says which response created or labelled an object; an isolated pod says it by its label. */
export const RESPONSE_ANNOTATION = 'tiercel.dev/response';

export function describeEffect(effect: Effect): string {
  if (effect.verb === 'send') return `send to ${effect.channels.join(', ')}`;
  const { resource, apiGroup, namespace, name } = effect.object;
  return `${effect.verb}${effect.verb === 'keep' ? ' evidence of' : ''} ${resource}${apiGroup === '' ? '' : `.${apiGroup}`} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** Metadata that the API server writes; a manifest must not carry it. */
const SERVER_METADATA = [
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'managedFields',
  'selfLink',
];

/** What to send to bring an object back: the object without what the server adds. */
export function manifestOf(object: KubeObject): JsonPatch {
  const { status: _status, metadata, ...rest } = object as KubeObject & { readonly status?: unknown };
  const kept = Object.fromEntries(Object.entries(metadata).filter(([name]) => !SERVER_METADATA.includes(name)));
  return { ...(rest as unknown as JsonPatch), metadata: kept as JsonPatch };
}

/** The merge patch that takes `patch` back, given the object before it. */
export function inversePatch(before: JsonValue | undefined, patch: JsonPatch): JsonPatch {
  return Object.fromEntries(
    Object.entries(patch).map(([name, wanted]) => {
      const had = isRecord(before) ? before[name] : undefined;
      // Member by member, also where there was nothing: what others add beside must survive the way back.
      if (isRecord(wanted) && (had === undefined || had === null || isRecord(had))) return [name, inversePatch(had, wanted)];
      return [name, had ?? null];
    }),
  );
}

/** Whether a merge patch would change nothing. */
export function satisfies(object: JsonValue | undefined, patch: JsonValue): boolean {
  if (!isRecord(patch)) return patch === null ? object === undefined || object === null : equal(object, patch);
  // What is no record becomes one.
  if (object !== undefined && object !== null && !isRecord(object)) return false;
  return Object.entries(patch).every(([name, wanted]) => {
    const had = isRecord(object) ? object[name] : undefined;
    // A patch that only removes from something that is not there changes nothing.
    return satisfies(had, wanted);
  });
}

function equal(a: JsonValue | undefined, b: JsonValue): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, at) => equal(item, b[at]!));
  if (isRecord(a) && isRecord(b)) {
    const names = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...names].every((name) => a[name] !== undefined && b[name] !== undefined && equal(a[name], b[name]!));
  }
  return a === b;
}

export function isRecord(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
