import type { Clock } from '../platform/clock.ts';
import { TiercelError } from '../platform/errors.ts';
import { type CallOptions, type JsonValue, type KubeClient, KubeStatusError } from '../platform/kube/index.ts';
import type { ObjectStore } from '../platform/object-store.ts';
import {
  type ClusterEffect,
  type CreateEffect,
  changesCluster,
  type DeleteEffect,
  describeEffect,
  type Effect,
  type PatchEffect,
  RESPONSE_ANNOTATION,
  satisfies,
} from './action/effect.ts';
import { keepEvidence } from './evidence/keep.ts';
import type { Entry, Journal, Step } from './journal/journal.ts';
import { withNotices } from './notify/notice.ts';

export interface CarryOutDeps {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly client: KubeClient;
  /** Whether everything that must say `enforce` still does; asked right before each step. */
  readonly mayAct: () => Promise<boolean>;
  /** Where evidence is kept; a plan that keeps some is refused where there is none. */
  readonly evidence?: ObjectStore | undefined;
  /** Looks again and plans again, because the object changed between the look and the write; `undefined` when it is no longer the same object. */
  readonly planAgain: (entry: Entry) => Promise<readonly Effect[] | { readonly refusal: string } | undefined>;
}

/**
 * Changes of the object under our hands that are worth another look, per invocation. Pods change a few times a second at most; what changes more often is kept
 * from being answered by somebody. Then the UID alone decides, a moment after guards and plan did.
 */
const MAX_CONFLICTS = 5;

/** What a server says may quote an object at length. Characters. */
const MAX_REMARK = 1_000;

type Outcome =
  | { readonly kind: 'done'; readonly note?: string; readonly uid?: string }
  | { readonly kind: 'superseded'; readonly note: string }
  /** It is the object, but not in the state that was looked at. */
  | { readonly kind: 'changed' };

/**
 * Carries an open entry out, from its first step that has no answer. The entry is in the journal, its lease is the caller's. It comes back open when it may
 * not act any more.
 * @throws what may pass (no answer, 429, 5xx) and JournalContentionError: the entry stays open, and carrying it out again resumes it.
 */
export async function carryOut(opened: Entry, deps: CarryOutDeps): Promise<Entry> {
  let entry = opened;
  // An earlier attempt may have written without living to see the answer.
  let resumed = entry.attempt > 1;
  let conflicts = 0;
  for (;;) {
    const at = entry.steps.findIndex(({ state }) => state === 'intended');
    const step = entry.steps[at];
    if (!step) return deps.journal.save({ ...entry, status: 'done' });
    if (!(await deps.mayAct())) return entry;
    // Told in the write that says so: sending is the outbox's, and may fail without holding up what comes next.
    if (step.effect.verb === 'send') entry = withNotices(entry, `step-${at}`, step.effect.channels, step.effect.text);
    let outcome: Outcome;
    try {
      outcome = changesCluster(step.effect)
        ? await perform(step.effect, {
            id: entry.id,
            resumed,
            client: deps.client,
            call: { auditId: auditIdOf(entry.id, at) },
            byUidAlone: conflicts === MAX_CONFLICTS,
          })
        : await performOutside(step.effect, entry, deps);
    } catch (error) {
      if (!(error instanceof KubeStatusError) || error.retryable) throw error;
      return deps.journal.save({ ...entry, status: 'failed', remark: error.message.slice(0, MAX_REMARK) });
    }
    if (outcome.kind === 'changed') {
      if (++conflicts > MAX_CONFLICTS) throw new ChangingObjectError(step.effect);
      const effects = await deps.planAgain(entry);
      if (effects === undefined) outcome = { kind: 'superseded', note: 'it is another object now' };
      else if ('refusal' in effects)
        return deps.journal.save({ ...entry, status: 'failed', remark: `it changed before it could be acted on: ${effects.refusal}` });
      else {
        // Written before it is acted on: the journal must hold the state that undo goes back to.
        entry = await deps.journal.save({
          ...entry,
          steps: entry.steps.map((old, index) => (index < at ? old : intended(effects[index] ?? old.effect))),
        });
        continue;
      }
    }
    const steps = entry.steps.map((old, index): Step => (index === at ? answered(old, outcome, deps.clock.now()) : old));
    if (outcome.kind === 'superseded')
      return deps.journal.save({
        ...entry,
        steps,
        status: steps.some(({ state }) => state === 'done') ? 'failed' : 'superseded',
        remark: outcome.note,
      });
    const last = at === steps.length - 1;
    entry = await deps.journal.save({ ...entry, steps, ...(last ? { status: 'done' as const } : {}) });
    if (last) return entry;
    resumed = false;
  }
}

export function intended(effect: Effect): Step {
  return { effect, state: 'intended' };
}

/** Names a step of the journal in the audit log. */
export function auditIdOf(id: string, step: number): string {
  return `tiercel/${id}/${step}`;
}

function answered(step: Step, outcome: Exclude<Outcome, { kind: 'changed' }>, atMs: number): Step {
  const uid = outcome.kind === 'done' ? outcome.uid : undefined;
  return {
    effect: step.effect,
    state: outcome.kind,
    atMs,
    ...(outcome.note === undefined ? {} : { note: outcome.note }),
    ...(uid === undefined ? {} : { uid }),
  };
}

export interface Performing {
  readonly id: string;
  readonly resumed: boolean;
  readonly client: KubeClient;
  readonly call: CallOptions;
  /** Write to the object in whatever state it is. */
  readonly byUidAlone: boolean;
}

async function performOutside(
  effect: Exclude<Effect, ClusterEffect>,
  entry: Entry,
  { client, clock, evidence: store }: CarryOutDeps,
): Promise<Extract<Outcome, { kind: 'done' }>> {
  if (effect.verb === 'send') return { kind: 'done', note: 'handed to the channels' };
  if (!store) throw new NoEvidenceStoreError();
  return { kind: 'done', note: await keepEvidence(effect, entry, { client, store, clock }) };
}

function perform(effect: ClusterEffect, context: Performing): Promise<Outcome> {
  if (effect.verb === 'delete') return performDelete(effect, context);
  return effect.verb === 'patch' ? performPatch(effect, context) : performCreate(effect, context);
}

async function performDelete(effect: DeleteEffect, { client, call, resumed, byUidAlone }: Performing): Promise<Outcome> {
  const { resourceVersion: _state, ...options } = effect;
  try {
    await client.delete(effect.object, byUidAlone ? options : effect, call);
  } catch (error) {
    if (!(error instanceof KubeStatusError) || (error.status !== 404 && error.status !== 409)) throw error;
    const live = error.status === 404 ? undefined : await client.get(effect.object, call);
    if (live?.metadata.uid !== effect.uid) {
      // Gone, or replaced. After an attempt whose answer was lost, the likely reason is that attempt.
      if (resumed) return { kind: 'done', note: 'it was gone when the interrupted response resumed' };
      return { kind: 'superseded', note: live ? 'another object has its name now' : 'it was gone already' };
    }
    if (live.metadata.deletionTimestamp === undefined) return { kind: 'changed' };
    if (!effect.releases) return { kind: 'done', note: 'it is being deleted' };
  }
  if (!effect.releases) return { kind: 'done' };
  await release(effect, client, call);
  return { kind: 'done', note: 'its finalizers were taken away' };
}

/** Only finalizers: what else somebody may be doing to the object is no reason to leave it in force. */
async function release({ object, uid }: DeleteEffect, client: KubeClient, call: CallOptions): Promise<void> {
  try {
    await client.patch(object, { metadata: { uid, finalizers: null } }, call);
  } catch (error) {
    if (!(error instanceof KubeStatusError) || ![404, 409, 422].includes(error.status)) throw error;
    const live = error.status === 404 ? undefined : await client.get(object, call);
    if (live?.metadata.uid === uid) throw error;
  }
}

async function performPatch(effect: PatchEffect, { client, call, byUidAlone }: Performing): Promise<Outcome> {
  const metadata = effect.patch.metadata as { readonly [member: string]: JsonValue };
  try {
    await client.patch(
      effect.object,
      { ...effect.patch, metadata: { ...metadata, uid: effect.uid, ...(byUidAlone ? {} : { resourceVersion: effect.resourceVersion }) } },
      call,
    );
    return { kind: 'done' };
  } catch (error) {
    // 422: a UID that does not fit is an attempt to change an immutable field.
    if (!(error instanceof KubeStatusError) || ![404, 409, 422].includes(error.status)) throw error;
    const live = error.status === 404 ? undefined : await client.get(effect.object, call);
    if (!live) return { kind: 'superseded', note: 'it was gone already' };
    if (live.metadata.uid !== effect.uid) return { kind: 'superseded', note: 'another object has its name now' };
    // The id of the response is part of every patch, so this can only be an earlier attempt of it.
    if (satisfies(live as unknown as JsonValue, effect.patch)) return { kind: 'done', note: 'it had been done by an interrupted attempt' };
    if (error.status === 422) throw error;
    return { kind: 'changed' };
  }
}

async function performCreate(effect: CreateEffect, { id, client, call }: Performing): Promise<Outcome> {
  try {
    const created = await client.create(effect.object, effect.manifest, call);
    return { kind: 'done', uid: created.metadata.uid };
  } catch (error) {
    if (!(error instanceof KubeStatusError) || error.status !== 409) throw error;
    const live = await client.get(effect.object, call);
    if (!live) return { kind: 'changed' };
    if (live.metadata.annotations?.[RESPONSE_ANNOTATION] === id && satisfies(live as unknown as JsonValue, effect.manifest)) {
      return { kind: 'done', uid: live.metadata.uid, note: 'it had been done by an interrupted attempt' };
    }
    throw error;
  }
}

/** Somebody writes to the object all the time. */
class ChangingObjectError extends TiercelError {
  constructor(effect: Effect) {
    super(
      'OBJECT_CHANGING',
      `Expected the object to hold still for one write (${describeEffect(effect)}), but it changed ${MAX_CONFLICTS} times. The alert is tried again.`,
      { retryable: true },
    );
  }
}

/** The response was decided where there is a store, and is carried on where there is none. */
class NoEvidenceStoreError extends TiercelError {
  constructor() {
    super('NO_EVIDENCE_STORE', 'Expected somewhere to keep evidence, but neither EVIDENCE_BUCKET nor EVIDENCE_FOLDER is set. Set one.', {
      retryable: true,
    });
  }
}
