import { isDeepStrictEqual } from 'node:util';
import type { FalcoAlert } from '../falco/alert.ts';
import { describeObject, type KubeClient, type KubeObject } from '../platform/kube/index.ts';
import type { Action } from './action/action.ts';
import { changesCluster, type Effect } from './action/effect.ts';
import { askLive, protectorOf } from './guard/index.ts';
import type { Entry, Step } from './journal/journal.ts';
import { type LookDeps, lookAround, orWhy, readerOf, restorerOf, type Sight } from './look.ts';
import type { Target } from './target.ts';

/**
 * Looks, asks and plans once more for an entry whose object was written to before it could be acted on; `undefined` when the object is no longer the
 * one. What was meant to be done to which object stays as it was decided, and perhaps approved: only the state it is done to is new.
 */
export async function planAgain(
  entry: Pick<Entry, 'id' | 'event' | 'alert' | 'target' | 'steps' | 'parameters'>,
  action: Action,
  client: KubeClient,
  deps: LookDeps,
): Promise<readonly Effect[] | { readonly refusal: string } | undefined> {
  const { target } = entry;
  if (!target) return undefined;
  const known = target.uid ?? uidOf(target, entry.steps);
  if (known === undefined) return undefined;
  const sight = await lookAround(target, client, { event: entry.event, mode: 'enforce' }, deps);
  const { look } = sight;
  if (look.kind !== 'found') return look.kind === 'gone' ? undefined : { refusal: look.why };
  if (look.live.metadata.uid !== known) return undefined;
  const objecting = askLive({ alert: entry.alert, target, ...sight, protection: deps.protection }).find(
    ({ verdict }) => verdict !== 'pass',
  );
  if (objecting) return { refusal: `${objecting.guard}: ${objecting.reason}` };
  const plan = await orWhy('enforce', () =>
    action.plan({ id: entry.id, alert: entry.alert, target, live: look.live, parameters: entry.parameters }, readerOf(client, entry.event)),
  );
  if ('why' in plan) return { refusal: plan.why };
  if ('refusal' in plan) return plan;
  if (!sameDeeds(entry.steps, plan.effects)) return { refusal: 'what would be done now is not what was decided' };
  const refusal = await objectionTo(plan.effects, deps);
  return refusal === undefined ? plan.effects : { refusal };
}

/**
 * Why what was decided some time ago must not be gone on with: protect lists, or labels, that say so by now. That the object is gone or another one is the
 * step's own to find out: perhaps it was carried out, and only nobody heard.
 */
export async function objectionSince(
  { event, alert, target, steps }: Pick<Entry, 'event' | 'alert' | 'target' | 'steps'>,
  client: KubeClient,
  deps: LookDeps,
): Promise<string | undefined> {
  if (!target) return undefined;
  const sight = await lookAround(target, client, { event, mode: 'enforce' }, deps);
  if (sight.look.kind === 'found' && sight.look.live.metadata.uid === (target.uid ?? uidOf(target, steps))) {
    const objecting = objectingTo(alert, target, sight, deps);
    if (objecting !== undefined) return objecting;
  }
  const left = steps.filter(({ state }) => state === 'intended').map(({ effect }) => effect);
  return objectionTo(left, deps);
}

/** Whether the very object that was looked at is where the client looks. */
export async function isThere(
  { event, target, steps }: Pick<Entry, 'event' | 'target' | 'steps'>,
  client: KubeClient,
  deps: LookDeps,
): Promise<boolean> {
  if (!target) return false;
  const { look } = await lookAround(target, client, { event, mode: 'enforce' }, deps);
  return look.kind === 'found' && look.live.metadata.uid === (target.uid ?? uidOf(target, steps));
}

function objectingTo(alert: FalcoAlert, target: Target, sight: Sight, { protection }: LookDeps): string | undefined {
  const objecting = askLive({ alert, target, ...sight, protection }).find(({ verdict }) => verdict !== 'pass');
  return objecting && `${objecting.guard}: ${objecting.reason}`;
}

/** Whether effects do what the steps say, to the same objects; only the state that they are done to may be another. */
export function sameDeeds(steps: readonly Step[], effects: readonly Effect[]): boolean {
  return isDeepStrictEqual(
    steps.map(({ effect }) => deedOf(effect)),
    effects.map(deedOf),
  );
}

function deedOf(effect: Effect): readonly unknown[] {
  if (!changesCluster(effect)) return [effect.verb];
  return [effect.verb, effect.object, effect.verb === 'create' ? undefined : effect.uid];
}

/** A plan may go beyond the object that the guards saw, to what controls it: why that may not be deleted. */
export async function objectionTo(effects: readonly Effect[], { journal, protection }: LookDeps): Promise<string | undefined> {
  for (const effect of effects) {
    if (effect.verb !== 'delete') continue;
    const { metadata } = effect.before as unknown as Pick<KubeObject, 'metadata'>;
    const protector = protectorOf(effect.object, metadata, protection);
    if (protector !== undefined) return `${describeObject(effect.object)} is protected by ${protector}`;
    const id = await restorerOf({ metadata: { ...metadata, uid: effect.uid } }, journal);
    if (id !== undefined) return `the undo of response ${id} brought ${describeObject(effect.object)} back`;
  }
  return undefined;
}

/** The UID of the target as it was looked at, where the alert did not tell it. */
function uidOf(target: Target, steps: readonly Step[]): string | undefined {
  for (const { effect } of steps) {
    if (
      (effect.verb === 'delete' || effect.verb === 'patch') &&
      effect.object.resource === target.resource &&
      effect.object.name === target.name
    )
      return effect.uid;
  }
  return undefined;
}
