import type { MacKey } from '../audit/mac.ts';
import type { FalcoAlert } from '../falco/alert.ts';
import type { Clock } from '../platform/clock.ts';
import { TiercelError } from '../platform/errors.ts';
import { describeObject, type KubeClient, type KubeObject } from '../platform/kube/index.ts';
import type { ObjectStore } from '../platform/object-store.ts';
import type { Action, ActionCatalogue } from './action/action.ts';
import { changesCluster, describeEffect, type Effect, RESPONSE_ANNOTATION } from './action/effect.ts';
import { type Budgets, reservationFor } from './budget/index.ts';
import { intended } from './carry-out.ts';
import { fieldText, happenedAtMs, readField } from './fields.ts';
import { askAgain, askGuards, type GuardAnswer, protectorOf } from './guard/index.ts';
import { actionKey, alertKey, clusterOf, type Happening, happeningOf } from './identity.ts';
import { type Draft, isEntryId, type Journal } from './journal/journal.ts';
import { type Look, lookAt, lookAuditId, readerOf } from './look.ts';
import { type Mode, mostCautious } from './mode.ts';
import type { Channels } from './notify/channel.ts';
import type { PolicySet } from './policy/read.ts';
import { durationMs, type Policy, type Protection } from './policy/schema.ts';
import type { Principal } from './principal.ts';
import { RESPOND_GROUP } from './rbac.ts';
import { neededFields } from './runtime-alert.ts';
import { type Target, targetOf } from './target.ts';

/** Clusters that respond can reach. */
export interface Clusters {
  /** A client for a cluster by the name alerts give it, or why there is none. @throws when trying again later may help. */
  clientFor(cluster: string | undefined): Promise<{ readonly client: KubeClient } | { readonly why: string }>;
}

export interface DecideDeps {
  readonly clock: Clock;
  readonly journal: Pick<Journal, 'find'>;
  readonly set: PolicySet;
  readonly actions: ActionCatalogue;
  readonly clusters: Clusters;
  readonly budgets: Budgets;
  readonly macKeys: readonly MacKey[];
  readonly principal: Principal;
  /** Where evidence is kept. */
  readonly evidence?: ObjectStore;
  /** Who can be told. */
  readonly channels?: Channels;
}

/** One action of one policy that speaks of an alert. */
export interface Case {
  readonly alert: FalcoAlert;
  readonly policy: Policy;
  readonly action: Action;
  readonly parameters: unknown;
  /** First 40 digits of the key under which the journal keeps everything about this happening. */
  readonly event: string;
  readonly identity: Happening;
}

/** The cases of one policy, in its order of actions. A happening that cannot be identified is journalled under its alert, where it collides with nothing. */
export function casesOf(alert: FalcoAlert, policy: Policy, actions: ActionCatalogue): readonly Case[] {
  const identity = happeningOf(alert);
  const event = (identity.known ? identity.key : alertKey(alert)).slice(0, 40);
  return policy.actions.map((step) => ({ alert, policy, action: actions.get(step.action)!, parameters: step.with ?? {}, event, identity }));
}

/** The decision that a person has approved: its id stands, and so do the answers that cannot have changed. */
export interface Approved {
  readonly id: string;
  readonly guards: readonly GuardAnswer[];
}

/**
 * Looks at the object, asks every guard, plans, and says what should be written down: a refusal, a plan (shadow), a question (approval), or an
 * intent (`open`), for which places in the budgets are taken.
 * @throws what a later attempt may get past: an API server or table that does not answer.
 */
export async function decide(given: Case, ceiling: Mode, deps: DecideDeps, approved?: Approved): Promise<Draft> {
  const { alert, policy, action, parameters, identity, event } = given;
  const nowMs = deps.clock.now();
  const mode = mostCautious(ceiling, policy.mode);
  const found = targetOf(alert);
  const target = 'target' in found ? found.target : undefined;
  const absent = 'missing' in found ? found.missing : [];
  const missing = [
    ...absent,
    ...neededFields(alert, action.needs).filter((field) => readField(alert, field).state !== 'present' && !absent.includes(field)),
  ];

  const reached =
    identity.known && target
      ? await orWhy(mode, () => deps.clusters.clientFor(clusterOf(alert)))
      : { why: 'the alert names no object exactly' };
  const client = 'client' in reached ? reached.client : undefined;
  const lookFor = async (object: Target | undefined): Promise<Look> => {
    const looked = client && object ? await orWhy(mode, () => lookAt(object, client, event)) : { why: 'why' in reached ? reached.why : '' };
    return 'kind' in looked ? looked : { kind: 'none', why: looked.why };
  };
  const asksAround = target?.namespace !== undefined && deps.set.protection.namespaceLabels.length > 0;
  const [look, around] = await Promise.all([lookFor(target), asksAround ? lookFor(namespaceOf(target)) : undefined]);
  const restoredBy = look.kind === 'found' ? await restorerOf(look.live, deps.journal) : undefined;
  const { protection } = deps.set;
  const { macKeys, principal } = deps;
  const question = {
    alert,
    identity,
    policy,
    action,
    parameters,
    target,
    missing,
    look,
    around,
    restoredBy,
    protection,
    macKeys,
    principal,
    nowMs,
  };
  const guards: GuardAnswer[] = [...(approved ? askAgain(question, approved.guards) : askGuards(question))];
  const id =
    approved?.id ??
    `${event}-${actionKey(event, action.name, target?.uid ?? (look.kind === 'found' ? look.live.metadata.uid : '')).slice(0, 12)}`;

  let effects: readonly Effect[] = [];
  let caveats: readonly string[] = [];
  if (client && target && look.kind === 'found' && !guards.some(({ verdict }) => verdict === 'refuse')) {
    const plan = await orWhy(mode, () =>
      action.plan({ id, alert: withoutRequest(alert), target, live: look.live, parameters }, readerOf(client, event)),
    );
    if ('why' in plan) guards.push({ guard: 'feasible', verdict: 'unknown', reason: plan.why });
    else if ('refusal' in plan) guards.push({ guard: 'feasible', verdict: 'refuse', reason: plan.refusal });
    else {
      ({ effects, caveats } = plan);
      const objection = protectedEffect(effects, protection) ?? (await restoredEffect(effects, deps.journal));
      guards.push(objection === undefined ? feasible(effects, deps) : { guard: 'feasible', verdict: 'refuse', reason: objection });
      // Where something is done, the server itself answers; a plan should say beforehand whether it would be let.
      if (mode === 'shadow') guards.push(await askPermission(effects, event, client, mode));
    }
  }
  const clear = effects.length > 0 && guards.every(({ verdict }) => verdict === 'pass');
  const changes = action.undo !== 'none';
  const asksFirst = policy.approval !== undefined && changes && approved === undefined;
  guards.push(await askBudgets(given, target, mode === 'enforce' && clear && !asksFirst, deps));
  const status = statusOf(mode, asksFirst, guards, clear);
  return {
    id,
    event,
    status,
    mode,
    policy: policy.policy,
    action: action.name,
    parameters,
    intent: target ? action.intent(target, parameters) : `${action.name} on an object the alert does not name`,
    ...optional('target', target),
    rules: [alert.rule],
    ...optional('cluster', clusterOf(alert)),
    ...optional('user', fieldText(alert, 'ka.user.name')),
    alert: withoutRequest(alert),
    guards,
    steps: effects.map(intended),
    caveats,
    attempt: 1,
    ...optional('notify', policy.notify),
    ...optional('expiresAtMs', status === 'open' && changes && policy.ttl !== undefined ? nowMs + durationMs(policy.ttl) : undefined),
    ...optional('approveByMs', status === 'awaiting-approval' ? nowMs + durationMs(policy.approval!.within) : undefined),
  };
}

function namespaceOf({ namespace = '' }: Target): Target {
  return { apiGroup: '', apiVersion: 'v1', resource: 'namespaces', name: namespace };
}

function optional<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [key in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [key in Name]?: Value };
}

/** The journal keeps who did what to which object, not what the request held: that may be a secret. */
function withoutRequest(alert: FalcoAlert): FalcoAlert {
  const kept = Object.entries(alert.output_fields).filter(
    ([name]) =>
      /^(ka\.(?!req\.)|tiercel\.|k8s\.|container\.(id|name|image)|ecs\.|(cluster|node|user\.name)$)/.test(name) &&
      !name.startsWith('ka.uri.param'),
  );
  const fields = Object.fromEntries(kept.map(([name, value]) => [name, typeof value === 'bigint' ? String(value) : value]));
  const { rule, source, priority, time, tags } = alert;
  return { rule, source, priority, time, output: '', ...(tags ? { tags } : {}), output_fields: fields };
}

function statusOf(mode: Mode, asksFirst: boolean, guards: readonly GuardAnswer[], clear: boolean): Draft['status'] {
  if (guards.some(({ verdict }) => verdict === 'refuse')) return 'refused';
  // Nothing is changed in shadow, so what is not known yet is shown, not refused.
  if (mode !== 'enforce') return 'planned';
  if (!clear) return 'refused';
  return asksFirst ? 'awaiting-approval' : 'open';
}

/** A plan may go beyond the object that the guards saw, to what controls it. */
function protectedEffect(effects: readonly Effect[], protection: Protection): string | undefined {
  for (const effect of effects) {
    if (effect.verb !== 'delete') continue;
    const { metadata } = effect.before as unknown as Pick<KubeObject, 'metadata'>;
    const protector = protectorOf(effect.object, metadata, protection);
    if (protector !== undefined) return `${describeObject(effect.object)} is protected by ${protector}`;
  }
  return undefined;
}

async function restoredEffect(effects: readonly Effect[], journal: DecideDeps['journal']): Promise<string | undefined> {
  for (const effect of effects) {
    if (effect.verb !== 'delete') continue;
    const { metadata } = effect.before as unknown as Pick<KubeObject, 'metadata'>;
    const id = await restorerOf({ metadata: { ...metadata, uid: effect.uid } }, journal);
    if (id !== undefined) return `the undo of response ${id} brought ${describeObject(effect.object)} back`;
  }
  return undefined;
}

/** Whether this deployment has what the effects are carried out with. */
function feasible(effects: readonly Effect[], { evidence, channels }: DecideDeps): GuardAnswer {
  const lacks = effects.flatMap((effect) => {
    if (effect.verb === 'keep' && !evidence) return ['nothing is set up that could keep evidence: set EVIDENCE_BUCKET'];
    if (effect.verb !== 'send') return [];
    return effect.channels.filter((name) => !channels?.has(name)).map((name) => `no channel is named ${name}: add it to the stage file`);
  });
  if (lacks.length > 0) return { guard: 'feasible', verdict: 'unknown', reason: lacks.join(', ') };
  return { guard: 'feasible', verdict: 'pass', reason: effects.map(describeEffect).join(', ') };
}

/** The response whose undo made this very object; its annotation alone proves nothing, anybody can write one. */
async function restorerOf({ metadata }: Pick<KubeObject, 'metadata'>, journal: DecideDeps['journal']): Promise<string | undefined> {
  const id = metadata.annotations?.[RESPONSE_ANNOTATION];
  const entry = id !== undefined && isEntryId(id) ? await journal.find(id) : undefined;
  const restored = entry?.steps.some(({ effect, state, uid }) => effect.verb === 'delete' && state === 'undone' && uid === metadata.uid);
  return restored ? id : undefined;
}

async function askPermission(effects: readonly Effect[], event: string, client: KubeClient, mode: Mode): Promise<GuardAnswer> {
  const guard = 'permitted';
  const changing = effects.filter(changesCluster);
  const releasing = changing.filter((effect) => effect.verb === 'delete' && effect.releases);
  for (const { verb, object } of [...changing, ...releasing.map(({ object }) => ({ verb: 'patch' as const, object }))]) {
    const answer = await orWhy(mode, async () => ({ may: await client.mayI({ verb, object }, { auditId: lookAuditId(event) }) }));
    if ('why' in answer) return { guard, verdict: 'unknown', reason: answer.why };
    if (answer.may) continue;
    return {
      guard,
      verdict: 'unknown',
      reason: `respond may not ${verb} ${describeObject(object)}: bind the role ${RESPOND_GROUP}-act before enforcing`,
    };
  }
  return { guard, verdict: 'pass', reason: 'respond may do all of it that changes the cluster' };
}

/** The last guard, because asking it takes a place. */
async function askBudgets(
  { policy, alert, event }: Case,
  target: Target | undefined,
  reserve: boolean,
  deps: DecideDeps,
): Promise<GuardAnswer> {
  const guard = 'within-budget';
  if (!reserve || !target) return { guard, verdict: 'unknown', reason: 'not asked: a place is taken only right before acting' };
  const times = { eventMs: happenedAtMs(alert) ?? 0, nowMs: deps.clock.now() };
  const reserved = await deps.budgets.reserve(reservationFor(event, policy, clusterOf(alert) ?? '', target, times));
  return reserved.ok
    ? { guard, verdict: 'pass', reason: 'a place in every budget was taken' }
    : { guard, verdict: 'refuse', reason: reserved.reason };
}

/** Looks and plans once more for an entry whose object changed; `undefined` when the object is no longer the one. */
export async function planAgain(
  entry: {
    readonly id: string;
    readonly event: string;
    readonly alert: FalcoAlert;
    readonly target?: Target;
    readonly steps: Draft['steps'];
    readonly parameters: unknown;
  },
  action: Action,
  client: KubeClient,
  protection: Protection,
): Promise<readonly Effect[] | { readonly refusal: string } | undefined> {
  const { target } = entry;
  if (!target) return undefined;
  const known = target.uid ?? uidOf(target, entry.steps);
  if (known === undefined) return undefined;
  const look = await lookAt(target, client, entry.event);
  if (look.kind !== 'found') return look.kind === 'gone' ? undefined : { refusal: look.why };
  if (look.live.metadata.uid !== known) return undefined;
  const plan = await orWhy('enforce', () =>
    action.plan({ id: entry.id, alert: entry.alert, target, live: look.live, parameters: entry.parameters }, readerOf(client, entry.event)),
  );
  if ('why' in plan) return { refusal: plan.why };
  if ('refusal' in plan) return plan;
  const refusal = protectedEffect(plan.effects, protection);
  return refusal === undefined ? plan.effects : { refusal };
}

/** The UID of the target as it was looked at, where the alert did not tell it. */
function uidOf(target: Target, steps: Draft['steps']): string | undefined {
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

/**
 * What asking the cluster gave, or why it gave nothing: a lasting no (a missing right, a list without end); short of acting also what may pass, because a plan can show
 * that something is not known. Where something would be done, what may pass is thrown: the alert comes again.
 */
async function orWhy<Answer extends object>(mode: Mode, ask: () => Promise<Answer>): Promise<Answer | { readonly why: string }> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof TiercelError && (!error.retryable || mode !== 'enforce')) return { why: error.message };
    throw error;
  }
}
