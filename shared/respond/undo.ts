import type { Clock } from '../platform/clock.ts';
import { TiercelError } from '../platform/errors.ts';
import { describeObject, type JsonValue, type KubeClient, KubeStatusError } from '../platform/kube/index.ts';
import {
  type ClusterEffect,
  type CreateEffect,
  changesCluster,
  type DeleteEffect,
  type JsonPatch,
  type PatchEffect,
  RESPONSE_ANNOTATION,
  satisfies,
} from './action/effect.ts';
import type { Entry, Journal, Step } from './journal/journal.ts';

export interface UndoDeps {
  readonly clock: Clock;
  readonly journal: Journal;
  /** Acts with the rights of whoever undoes: granting again (RBAC) takes an operator's. */
  readonly client: KubeClient;
}

export interface UndoRequest {
  /** Who asked, for the journal. */
  readonly by: string;
  /** Also take back what somebody changed since. */
  readonly force: boolean;
  /** Also through another address than the one it was carried out at: a proxy, a tunnel. */
  readonly otherServer?: boolean;
}

/** Why something cannot be taken back. The entry keeps what was undone so far; asking again goes on from there. */
export class UndoRefusedError extends TiercelError {
  constructor(id: string, why: string) {
    super('UNDO_REFUSED', `Response ${id} cannot be undone: ${why}.`);
  }
}

/**
 * Takes a response back, last step first, from the journal alone.
 * @throws UndoRefusedError, and what the API server refuses; undoing again resumes.
 */
export async function undo(entry: Entry, request: UndoRequest, deps: UndoDeps): Promise<Entry> {
  if (entry.status === 'undone') return entry;
  const objection = objectionTo(entry);
  if (objection !== undefined) throw new UndoRefusedError(entry.id, objection);
  if (!entry.steps.some(({ effect }) => changesCluster(effect)))
    throw new UndoRefusedError(entry.id, 'it changed nothing in the cluster, and what it kept or said stands');
  // In another cluster a deleted binding would be made all the same, and an object not found would count as gone.
  if (entry.server !== undefined && entry.server !== deps.client.server && !request.otherServer)
    throw new UndoRefusedError(
      entry.id,
      `it was carried out at ${entry.server}, and this is ${deps.client.server}; choose the context of that cluster, or add --other-server where this is another way to it`,
    );
  let current = entry;
  for (let at = current.steps.length - 1; at >= 0; at--) {
    const step = current.steps[at]!;
    if (step.state !== 'done' || !changesCluster(step.effect)) continue;
    const reversed = await reverse(entry.id, at, step.effect, step.uid, request, deps.client);
    const steps = current.steps.map(
      (old, index): Step => (index === at ? { ...old, state: 'undone', ...reversed, atMs: deps.clock.now() } : old),
    );
    current = await deps.journal.save({ ...current, steps });
  }
  return deps.journal.save({ ...current, status: 'undone', remark: `undone by ${request.by}` });
}

/** Why there is nothing to take back, or not yet. */
function objectionTo({ status, steps }: Entry): string | undefined {
  if (status === 'done' || (status === 'failed' && steps.some(({ state }) => state === 'done'))) return undefined;
  // Between a write and its answer the journal does not know yet what was done.
  if (status === 'open')
    return 'it is being carried out, or was interrupted: `tiercel approve` carries on, `tiercel deny` gives it up, and then what it did can be undone';
  if (status === 'awaiting-approval') return 'it awaits approval, and nothing was done; deny it instead';
  return `it is ${status}, nothing was done`;
}

/** What was found or done; the UID where an object was made. */
type Reversed = Required<Pick<Step, 'note'>> & Pick<Step, 'uid'>;

async function reverse(
  id: string,
  at: number,
  effect: ClusterEffect,
  uid: string | undefined,
  request: UndoRequest,
  client: KubeClient,
): Promise<Reversed> {
  const call = { auditId: `tiercel/${id}/u${at}` };
  if (effect.verb === 'delete') return recreate(id, effect, client, call);
  if (effect.verb === 'patch') return { note: await unpatch(id, effect, request, client, call) };
  return { note: await remove(id, effect, uid, request, client, call) };
}

type Call = Parameters<KubeClient['get']>[1];

async function recreate(id: string, effect: DeleteEffect, client: KubeClient, call: Call): Promise<Reversed> {
  const before = effect.before as { readonly metadata: { readonly annotations?: JsonPatch } & JsonPatch } & JsonPatch;
  const manifest = {
    ...before,
    metadata: { ...before.metadata, annotations: { ...before.metadata.annotations, [RESPONSE_ANNOTATION]: id } },
  };
  try {
    const created = await client.create(effect.object, manifest, call);
    return { note: `created again with uid ${created.metadata.uid}`, uid: created.metadata.uid };
  } catch (error) {
    if (!(error instanceof KubeStatusError) || error.status !== 409) throw error;
    const live = await client.get(effect.object, call);
    // Anybody can write an annotation: what an interrupted undo has made is also what it would have made.
    if (live && satisfies(live as unknown as JsonValue, manifest))
      return { note: `had been created again with uid ${live.metadata.uid}`, uid: live.metadata.uid };
    throw new UndoRefusedError(
      id,
      `${describeObject(effect.object)} exists again; compare it with \`tiercel journal show ${id}\` and delete one`,
    );
  }
}

async function unpatch(id: string, effect: PatchEffect, request: UndoRequest, client: KubeClient, call: Call): Promise<string> {
  const live = await client.get(effect.object, call);
  if (live?.metadata.uid !== effect.uid) return 'it is gone, nothing to restore';
  // A later response of another kind may have put its own mark there. That is its business, and no change of what this one did.
  const marked = live.metadata.annotations?.[RESPONSE_ANNOTATION] === id;
  const [patch, before] = marked ? [effect.patch, effect.before] : [withoutMark(effect.patch), withoutMark(effect.before)];
  if (satisfies(live as unknown as JsonValue, before)) return 'it had been restored';
  if (!request.force && !satisfies(live as unknown as JsonValue, patch)) {
    throw new UndoRefusedError(id, `${describeObject(effect.object)} was changed since; \`--force\` restores it all the same`);
  }
  const metadata = before.metadata as JsonPatch;
  await client.patch(
    effect.object,
    { ...before, metadata: { ...metadata, uid: effect.uid, resourceVersion: live.metadata.resourceVersion } },
    call,
  );
  return 'restored';
}

function withoutMark(patch: JsonPatch): JsonPatch {
  const { annotations, ...metadata } = (patch.metadata ?? {}) as { readonly annotations?: JsonPatch } & JsonPatch;
  if (annotations === undefined) return patch;
  const { [RESPONSE_ANNOTATION]: _mark, ...others } = annotations;
  return { ...patch, metadata: { ...metadata, annotations: others } };
}

async function remove(
  id: string,
  effect: CreateEffect,
  uid: string | undefined,
  request: UndoRequest,
  client: KubeClient,
  call: Call,
): Promise<string> {
  const live = await client.get(effect.object, call);
  if (!live || live.metadata.uid !== uid) return 'it is gone';
  if (!request.force && !satisfies(live as unknown as JsonValue, effect.manifest)) {
    throw new UndoRefusedError(id, `${describeObject(effect.object)} was changed since; \`--force\` deletes it all the same`);
  }
  await client.delete(effect.object, { uid: live.metadata.uid, resourceVersion: live.metadata.resourceVersion }, call);
  return 'deleted';
}
