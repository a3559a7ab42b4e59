import {
  type CollectionReference,
  type KubeClient,
  type KubeObject,
  KubeStatusError,
  type ObjectReference,
} from '../platform/kube/index.ts';
import type { Reader } from './action/action.ts';
import type { Target } from './target.ts';

/** What was found where the alert points. */
export type Look =
  | { readonly kind: 'found'; readonly live: KubeObject }
  | { readonly kind: 'gone' }
  /** The cluster said no, and will again: no access entry, no right, no such kind. */
  | { readonly kind: 'denied'; readonly why: string }
  /** Nobody looked. */
  | { readonly kind: 'none'; readonly why: string };

/** Names the looks of one happening in the audit log. */
export function lookAuditId(event: string): string {
  return `tiercel/${event}/look`;
}

/** @throws KubeStatusError when a later look may succeed. */
export async function lookAt(target: Target, client: KubeClient, event: string): Promise<Look> {
  try {
    const live = await client.get(target, { auditId: lookAuditId(event) });
    return live ? { kind: 'found', live } : { kind: 'gone' };
  } catch (error) {
    if (error instanceof KubeStatusError && !error.retryable) return { kind: 'denied', why: error.message };
    throw error;
  }
}

/** The client as actions see it while they plan: reads only, under the audit id of the look. */
export function readerOf(client: KubeClient, event: string): Reader {
  const call = { auditId: lookAuditId(event) };
  return {
    get: (object: ObjectReference) => client.get(object, call),
    list: (collection: CollectionReference) => client.list(collection, call),
  };
}
