import { createHash } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';
import type { KubeClient } from '../../platform/kube/index.ts';
import type { ObjectStore } from '../../platform/object-store.ts';
import type { KeepEffect } from '../action/effect.ts';
import type { Entry } from '../journal/journal.ts';
import { lookAuditId } from '../look.ts';
import { type Absence, collect } from './collect.ts';

export interface KeepingDeps {
  readonly client: KubeClient;
  readonly store: ObjectStore;
  readonly clock: Clock;
}

/** One file of a manifest. */
interface Kept {
  readonly name: string;
  /** Where it lies, from the top of the store. */
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly cut?: string;
}

/** Reading stops this long before the invocation is killed: what there is must still be listed. */
const RESERVE_MS = 15_000;

/**
 * Writes `<response>/attempt-<n>/…`, then `<response>/manifest.json`, which lists them. Only what a manifest lists is whole; the first manifest stands.
 * An attempt that was interrupted leaves its folder, the next one starts its own: nothing is overwritten, and nothing has to be read back.
 * @returns what was found, for people.
 * @throws what may pass: the store's faults, and the API server's when not even the object can be read.
 */
export async function keepEvidence(effect: KeepEffect, entry: Entry, { client, store, clock }: KeepingDeps): Promise<string> {
  const call = { auditId: lookAuditId(entry.event) };
  const untilMs = (entry.leaseUntilMs ?? Number.POSITIVE_INFINITY) - RESERVE_MS;
  const kept: Kept[] = [];
  const missing: Absence[] = [];
  const capturedAt = new Date(clock.now()).toISOString();
  const observer = {
    get: (object: Parameters<KubeClient['get']>[0]) => client.get(object, call),
    list: (collection: Parameters<KubeClient['list']>[0], options: Parameters<KubeClient['list']>[2]) =>
      client.list(collection, call, options),
    logs: (question: Parameters<KubeClient['logs']>[0]) => client.logs(question, call),
    inTime: () => clock.now() < untilMs,
  };
  for await (const item of collect(effect, observer)) {
    if ('why' in item) {
      missing.push(item);
      continue;
    }
    const { name, body, cut } = item;
    const key = `${entry.id}/attempt-${entry.attempt}/${name}`;
    await store.putIfAbsent(key, body, { contentType: name.endsWith('.json') ? 'application/json' : 'text/plain; charset=utf-8' });
    const sha256 = createHash('sha256').update(body).digest('hex');
    kept.push({ name, key, bytes: body.length, sha256, ...(cut === undefined ? {} : { cut }) });
  }
  const { id: response, policy, cluster, user, target, alert, attempt } = entry;
  const manifest = {
    response,
    policy,
    cluster,
    user,
    groups: effect.groups,
    target,
    uid: effect.uid,
    capturedAt,
    attempt,
    kept,
    missing,
    alert,
  };
  const written = await store.putIfAbsent(`${entry.id}/manifest.json`, Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`), {
    contentType: 'application/json',
  });
  if (written === 'present') return `had been kept by an interrupted attempt: ${entry.id}/manifest.json`;
  return `${kept.length} files kept, ${missing.length} not to be had: ${entry.id}/manifest.json`;
}
