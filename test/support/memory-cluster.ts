import { randomUUID } from 'node:crypto';
import type { Clock } from '../../shared/platform/clock.ts';
import {
  type CollectionReference,
  type JsonValue,
  type KubeClient,
  type KubeObject,
  KubeStatusError,
  type ObjectReference,
} from '../../shared/platform/kube/index.ts';

type Stored = Record<string, unknown> & { metadata: Record<string, unknown> };

/** One call that changed something. */
export interface Write {
  readonly verb: 'create' | 'patch' | 'delete';
  readonly name: string;
  readonly auditId: string;
}

export interface MemoryCluster {
  readonly client: KubeClient;
  /** Every write that took effect. */
  readonly writes: Write[];
  /** Every call, as verb and resource. */
  readonly calls: string[];
  put(reference: ObjectReference, manifest: Record<string, unknown>): KubeObject;
  peek(reference: ObjectReference): KubeObject | undefined;
  /** Deletes without preconditions, as somebody else would. */
  drop(reference: ObjectReference): void;
  /** What a container has logged. */
  write(
    log: { readonly namespace: string; readonly pod: string; readonly container: string; readonly previous?: boolean },
    text: string,
  ): void;
}

/** The part of the Kubernetes API that respond uses, with its preconditions and status codes. test/contract/kube.ts holds it to what a real one does. */
export function createMemoryCluster(clock: Pick<Clock, 'now'>): MemoryCluster {
  const objects = new Map<string, Stored>();
  const writes: Write[] = [];
  const calls: string[] = [];
  const logs = new Map<string, string>();
  const logKey = (log: { namespace: string; pod: string; container: string; previous?: boolean }) =>
    [log.namespace, log.pod, log.container, log.previous === true].join('|');
  let revision = 100;

  const keyOf = ({ apiGroup, resource, namespace, name }: ObjectReference) => [apiGroup, resource, namespace ?? '', name].join('|');
  const copy = (object: Stored) => structuredClone(object) as unknown as KubeObject;
  const fail = (status: number, reason: string, what: string) => new KubeStatusError(what, status, reason, reason);
  const put = (reference: ObjectReference, manifest: Record<string, unknown>): KubeObject => {
    const metadata = manifest.metadata as Record<string, unknown> | undefined;
    const stored: Stored = structuredClone({
      ...manifest,
      metadata: {
        ...metadata,
        name: reference.name,
        ...(reference.namespace === undefined ? {} : { namespace: reference.namespace }),
        uid: (metadata?.uid as string | undefined) ?? randomUUID(),
        resourceVersion: String(++revision),
        creationTimestamp:
          (metadata?.creationTimestamp as string | undefined) ??
          new Date(Math.floor(clock.now() / 1000) * 1000).toISOString().replace('.000Z', 'Z'),
      },
    });
    objects.set(keyOf(reference), stored);
    return copy(stored);
  };
  const existing = (reference: ObjectReference, preconditions: { uid?: unknown; resourceVersion?: unknown }, uidFault: Error): Stored => {
    const stored = objects.get(keyOf(reference));
    if (!stored) throw fail(404, 'NotFound', reference.name);
    const differs = (name: 'uid' | 'resourceVersion') => preconditions[name] !== undefined && stored.metadata[name] !== preconditions[name];
    if (differs('resourceVersion')) throw fail(409, 'Conflict', reference.name);
    if (differs('uid')) throw uidFault;
    return stored;
  };

  const client: KubeClient = {
    server: 'https://cluster.test',
    async get(reference) {
      calls.push(`get ${reference.resource}`);
      const stored = objects.get(keyOf(reference));
      return stored && copy(stored);
    },
    async list(collection: CollectionReference, _call, { fieldSelector, atMost } = {}) {
      calls.push(`list ${collection.resource}`);
      // The one selector that respond uses.
      const about = /^involvedObject\.uid=(.+)$/.exec(fieldSelector ?? '')?.[1];
      // Without a namespace: those of all of them.
      const { apiGroup, resource, namespace } = collection;
      const prefix = [apiGroup, resource, ...(namespace === undefined ? [] : [namespace])].join('|');
      return [...objects]
        .filter(([key]) => key.startsWith(`${prefix}|`))
        .map(([, stored]) => {
          const { kind: _kind, apiVersion: _apiVersion, ...item } = structuredClone(stored);
          return item as unknown as KubeObject;
        })
        .filter((item) => about === undefined || (item.involvedObject as { uid?: string } | undefined)?.uid === about)
        .slice(0, atMost);
    },
    async logs({ namespace, pod, container, previous, lines, bytes }) {
      calls.push('get pods/log');
      const text = logs.get(logKey({ namespace, pod, container, previous }));
      if (text === undefined) throw fail(400, 'BadRequest', `${container} has no ${previous ? 'previous ' : ''}log`);
      const asked = Buffer.from(
        text
          .split(/(?<=\n)/)
          .slice(-lines)
          .join(''),
      );
      const kept = asked.subarray(Math.max(0, asked.length - bytes));
      return { text: kept, cut: kept.length < asked.length };
    },
    async create(collection, manifest, { auditId }) {
      calls.push(`create ${collection.resource}`);
      const { metadata } = manifest as { metadata: { name: string } };
      const reference = { ...collection, name: metadata.name };
      if (objects.has(keyOf(reference))) throw fail(409, 'AlreadyExists', metadata.name);
      const created = put(reference, manifest as Record<string, unknown>);
      writes.push({ verb: 'create', name: metadata.name, auditId });
      return created;
    },
    async patch(reference, patch, { auditId }) {
      calls.push(`patch ${reference.resource}`);
      const { metadata } = patch as { metadata?: Record<string, JsonValue> };
      const stored = existing(reference, metadata ?? {}, fail(422, 'Invalid', reference.name));
      const merged = merge(stored as unknown as JsonValue, patch) as unknown as Stored;
      merged.metadata.resourceVersion = String(++revision);
      objects.set(keyOf(reference), merged);
      if (merged.metadata.deletionTimestamp !== undefined && !isHeld(merged)) objects.delete(keyOf(reference));
      writes.push({ verb: 'patch', name: reference.name, auditId });
      return copy(merged);
    },
    async delete(reference, options, { auditId }) {
      calls.push(`delete ${reference.resource}`);
      const stored = existing(reference, options, fail(409, 'Conflict', reference.name));
      if (!isHeld(stored)) objects.delete(keyOf(reference));
      else if (stored.metadata.deletionTimestamp === undefined) {
        stored.metadata.deletionTimestamp = new Date(clock.now()).toISOString();
        stored.metadata.resourceVersion = String(++revision);
      }
      writes.push({ verb: 'delete', name: reference.name, auditId });
    },
    async mayI() {
      calls.push('ask for access');
      return true;
    },
    async maySubject() {
      calls.push('ask for the access of somebody');
      return true;
    },
    async whoAmI() {
      return 'tiercel-respond';
    },
    close: () => {},
  };

  return {
    client,
    writes,
    calls,
    put,
    peek: (reference) => {
      const stored = objects.get(keyOf(reference));
      return stored && copy(stored);
    },
    write: (log, text) => {
      logs.set(logKey(log), text);
    },
    drop: (reference) => {
      objects.delete(keyOf(reference));
    },
  };
}

/** Finalizers keep what was deleted. */
function isHeld({ metadata: { finalizers = [] } }: Stored): boolean {
  return (finalizers as readonly string[]).length > 0;
}

/** RFC 7396. */
function merge(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, JsonValue> =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...(target as Record<string, JsonValue>) } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = merge(merged[name], value);
  }
  return merged;
}
