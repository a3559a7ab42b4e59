import { messageOf } from '../../platform/errors.ts';
import {
  describeObject,
  type KubeClient,
  type KubeObject,
  KubeStatusError,
  type ListOptions,
  type LogText,
  type ObjectReference,
} from '../../platform/kube/index.ts';
import type { KeepEffect } from '../action/effect.ts';
import { bindsTo } from './bindings.ts';
import { OWNER_KINDS } from './owners.ts';

/** One thing that was seen, as it will be kept. */
export interface Exhibit {
  /** Path below the folder of the attempt: `object.json`, `logs/app.log`. */
  readonly name: string;
  readonly body: Buffer;
  /** What of it was left out. */
  readonly cut?: string;
}

/** Something that was looked for and is not there to be had. */
export interface Absence {
  readonly name: string;
  readonly why: string;
}

/** What collecting reads by; every call carries the audit id of the look. */
export interface Observer {
  get(object: ObjectReference): Promise<KubeObject | undefined>;
  list(collection: Parameters<KubeClient['list']>[0], options?: ListOptions): Promise<readonly KubeObject[]>;
  logs(question: Parameters<KubeClient['logs']>[0]): Promise<LogText>;
  /** Whether there is time for one more read. */
  inTime(): boolean;
}

/** Owners of owners, at most: a pod of a CronJob has two. */
const MAX_OWNERS = 5;
/** A pod's spec may name thousands of containers; whoever does so is told apart by the spec. */
const MAX_CONTAINERS = 50;
const MAX_EVENTS = 1_000;
const MAX_BINDINGS = 10_000;
const MAX_LOG_LINES = 10_000;
const RBAC = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1' } as const;
const CORE = { apiGroup: '', apiVersion: 'v1' } as const;

/**
 * What there is to see about an object, what passes first coming first. Whatever cannot be read is an absence with its reason: evidence that is
 * nearly whole is better than none.
 * @throws what may pass when not even the object can be read.
 */
export async function* collect(effect: KeepEffect, observer: Observer): AsyncGenerator<Exhibit | Absence> {
  const { object, uid } = effect;
  const found = await observer.get(object);
  const live = found?.metadata.uid === uid ? found : undefined;
  if (live) yield json('object.json', live);
  else yield { name: 'object.json', why: found ? `another object has its name now: uid ${found.metadata.uid}` : 'it is gone' };
  const isPod = object.resource === 'pods' && object.apiGroup === '' && object.namespace !== undefined;
  if (live && isPod) yield* logsOf(live, effect, observer);
  yield* attempt('events.json', observer, async () => {
    const options = { fieldSelector: `involvedObject.uid=${uid}`, atMost: MAX_EVENTS };
    // Events about what has no namespace lie in `default`.
    const items = await observer.list({ ...CORE, resource: 'events', namespace: object.namespace ?? 'default' }, options);
    return listing('events.json', items, MAX_EVENTS);
  });
  if (live) yield* ownersOf(live, object.namespace, observer);
  const node = live && isPod ? (live.spec as { nodeName?: string } | undefined)?.nodeName : undefined;
  if (node !== undefined) yield* one('node.json', { ...CORE, resource: 'nodes', name: node }, observer);
  yield* bindingsOf(effect, observer);
}

async function* logsOf(pod: KubeObject, { object, logBytes }: KeepEffect, observer: Observer): AsyncGenerator<Exhibit | Absence> {
  const containers = containersOf(pod);
  for (const container of containers.slice(0, MAX_CONTAINERS)) {
    for (const previous of [false, true]) {
      const name = `logs/${encodeURIComponent(container)}${previous ? '.previous' : ''}.log`;
      yield* attempt(name, observer, async () => {
        const question = { namespace: object.namespace!, pod: object.name, container, previous, lines: MAX_LOG_LINES, bytes: logBytes };
        const { text, cut } = await observer.logs(question);
        return { name, body: text, ...(cut ? { cut: `only the last ${logBytes} bytes` } : cutByLines(text)) };
      });
    }
  }
  for (const container of containers.slice(MAX_CONTAINERS))
    yield { name: `logs/${encodeURIComponent(container)}.log`, why: `only the logs of the first ${MAX_CONTAINERS} containers are kept` };
  // Logs are asked for by name: a pod that was replaced meanwhile would have answered for this one.
  const after = await observer.get(object).catch(() => undefined);
  if (after?.metadata.uid !== pod.metadata.uid)
    yield { name: 'logs', why: 'the pod went while its logs were read: they may be those of another pod of its name' };
}

function cutByLines(text: Buffer): { readonly cut?: string } {
  let lines = 0;
  for (const byte of text) if (byte === 0x0a) lines++;
  return lines >= MAX_LOG_LINES ? { cut: `only the last ${MAX_LOG_LINES} lines` } : {};
}

function containersOf({ spec }: KubeObject): readonly string[] {
  const named = (spec ?? {}) as Readonly<Record<string, readonly { readonly name: string }[] | undefined>>;
  return ['containers', 'ephemeralContainers', 'initContainers'].flatMap((list) => (named[list] ?? []).map(({ name }) => name));
}

async function* ownersOf(object: KubeObject, namespace: string | undefined, observer: Observer): AsyncGenerator<Exhibit | Absence> {
  let current: KubeObject | undefined = object;
  for (let depth = 1; current && depth <= MAX_OWNERS; depth++) {
    const references = current.metadata.ownerReferences ?? [];
    const owner = references.find(({ controller }) => controller) ?? references[0];
    if (!owner) return;
    const name = `owners/${depth}-${encodeURIComponent(owner.kind)}.json`;
    const kind = OWNER_KINDS.get(owner.kind);
    if (!kind) {
      yield { name, why: `${owner.kind} ${owner.name} owns it, which is not among the kinds that respond may read` };
      return;
    }
    const reference = { ...kind, ...(namespace === undefined ? {} : { namespace }), name: owner.name };
    let found: KubeObject | undefined;
    for await (const item of one(name, reference, observer, owner.uid, (live) => (found = live))) yield item;
    current = found;
  }
}

/** Everything that grants them something, wherever it does: what else they can reach is the next question. */
async function* bindingsOf({ user, groups }: KeepEffect, observer: Observer): AsyncGenerator<Exhibit | Absence> {
  if (user === '') {
    yield { name: 'bindings', why: 'the alert names no user' };
    return;
  }
  const collections = [
    { name: 'bindings/cluster.json', collection: { ...RBAC, resource: 'clusterrolebindings' } },
    { name: 'bindings/namespaces.json', collection: { ...RBAC, resource: 'rolebindings' } },
  ];
  for (const { name, collection } of collections) {
    yield* attempt(name, observer, async () => {
      const all = await observer.list(collection, { atMost: MAX_BINDINGS });
      const theirs = all.filter((binding) => bindsTo(binding, user, groups));
      return all.length < MAX_BINDINGS
        ? listing(name, theirs)
        : { ...listing(name, theirs), cut: `only the first ${MAX_BINDINGS} bindings were searched` };
    });
  }
}

/** One object; with `uid`, only if it is still that one. */
async function* one(
  name: string,
  reference: ObjectReference,
  observer: Observer,
  uid?: string,
  tell: (live: KubeObject) => void = () => {},
): AsyncGenerator<Exhibit | Absence> {
  yield* attempt(name, observer, async () => {
    const live = await observer.get(reference);
    if (!live) return { name, why: `${describeObject(reference)} is gone` };
    if (uid !== undefined && live.metadata.uid !== uid)
      return { name, why: `another object has the name of ${describeObject(reference)} now` };
    tell(live);
    return json(name, live);
  });
}

async function* attempt(name: string, observer: Observer, read: () => Promise<Exhibit | Absence>): AsyncGenerator<Exhibit | Absence> {
  if (!observer.inTime()) {
    yield { name, why: 'no time was left' };
    return;
  }
  try {
    yield await read();
  } catch (error) {
    yield { name, why: error instanceof KubeStatusError ? `${error.status} ${error.reason}: ${error.detail}` : messageOf(error) };
  }
}

function listing(name: string, items: readonly KubeObject[], most?: number): Exhibit {
  return { ...json(name, { kind: 'List', items }), ...(items.length === most ? { cut: `only the first ${most}` } : {}) };
}

function json(name: string, value: unknown): Exhibit {
  return { name, body: Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`) };
}
