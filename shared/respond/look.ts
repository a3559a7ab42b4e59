import { TiercelError } from '../platform/errors.ts';
import {
  type CollectionReference,
  type KubeClient,
  type KubeObject,
  KubeStatusError,
  type ObjectReference,
} from '../platform/kube/index.ts';
import type { Reader } from './action/action.ts';
import { RESPONSE_ANNOTATION } from './action/effect.ts';
import { isEntryId, type Journal } from './journal/journal.ts';
import type { Mode } from './mode.ts';
import type { Protection } from './policy/schema.ts';
import type { Target } from './target.ts';

/** What was found where the alert points. */
export type Look =
  | { readonly kind: 'found'; readonly live: KubeObject }
  | { readonly kind: 'gone' }
  /** The cluster said no, and will again: no access entry, no right, no such kind. */
  | { readonly kind: 'denied'; readonly why: string }
  /** Nobody looked. */
  | { readonly kind: 'none'; readonly why: string };

/** Everything that guards ask the cluster about an object. */
export interface Sight {
  readonly look: Look;
  /** The namespace it is in; absent where no protect list asks about it. */
  readonly around: Look | undefined;
  /** The response whose undo made the live object. */
  readonly restoredBy: string | undefined;
}

export interface LookDeps {
  readonly journal: Pick<Journal, 'find'>;
  readonly protection: Protection;
}

/** Names the looks of one happening in the audit log. */
export function lookAuditId(event: string): string {
  return `tiercel/${event}/look`;
}

/** Looks at the object and, where a protect list asks about them, at the labels of its namespace. @throws what a later look may get past, when acting */
export async function lookAround(
  target: Target | undefined,
  client: KubeClient | { readonly why: string },
  { event, mode }: { readonly event: string; readonly mode: Mode },
  { journal, protection }: LookDeps,
): Promise<Sight> {
  const lookFor = async (object: Target | undefined): Promise<Look> => {
    if ('why' in client || !object) return { kind: 'none', why: 'why' in client ? client.why : '' };
    const looked = await orWhy(mode, () => lookAt(object, client, event));
    return 'kind' in looked ? looked : { kind: 'none', why: looked.why };
  };
  const asksAround = target?.namespace !== undefined && protection.namespaceLabels.length > 0;
  const [look, around] = await Promise.all([lookFor(target), asksAround ? lookFor(namespaceOf(target)) : undefined]);
  return { look, around, restoredBy: look.kind === 'found' ? await restorerOf(look.live, journal) : undefined };
}

function namespaceOf({ namespace = '' }: Target): Target {
  return { apiGroup: '', apiVersion: 'v1', resource: 'namespaces', name: namespace };
}

/** @throws KubeStatusError when a later look may succeed. */
async function lookAt(target: Target, client: KubeClient, event: string): Promise<Look> {
  try {
    const live = await client.get(target, { auditId: lookAuditId(event) });
    return live ? { kind: 'found', live } : { kind: 'gone' };
  } catch (error) {
    if (error instanceof KubeStatusError && !error.retryable) return { kind: 'denied', why: error.message };
    throw error;
  }
}

/** The response whose undo made this very object; its annotation alone proves nothing, anybody can write one. */
export async function restorerOf({ metadata }: Pick<KubeObject, 'metadata'>, journal: Pick<Journal, 'find'>): Promise<string | undefined> {
  const id = metadata.annotations?.[RESPONSE_ANNOTATION];
  const entry = id !== undefined && isEntryId(id) ? await journal.find(id) : undefined;
  const restored = entry?.steps.some(({ effect, state, uid }) => effect.verb === 'delete' && state === 'undone' && uid === metadata.uid);
  return restored ? id : undefined;
}

/** The client as actions see it while they plan: reads only, under the audit id of the look. */
export function readerOf(client: KubeClient, event: string): Reader {
  const call = { auditId: lookAuditId(event) };
  return {
    get: (object: ObjectReference) => client.get(object, call),
    list: (collection: CollectionReference) => client.list(collection, call),
  };
}

/**
 * What asking the cluster gave, or why it gave nothing: a lasting no (a missing right, a list without end); short of acting also what may pass, because a plan can show
 * that something is not known. Where something would be done, what may pass is thrown: the alert comes again.
 */
export async function orWhy<Answer extends object>(mode: Mode, ask: () => Promise<Answer>): Promise<Answer | { readonly why: string }> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof TiercelError && (!error.retryable || mode !== 'enforce')) return { why: error.message };
    throw error;
  }
}
