import type { MacKey } from '../audit/mac.ts';
import type { FalcoAlert } from '../falco/alert.ts';
import type { Clock } from '../platform/clock.ts';
import { describeObject, type KubeClient } from '../platform/kube/index.ts';
import type { ObjectStore } from '../platform/object-store.ts';
import type { Action, ActionCatalogue } from './action/action.ts';
import { changesCluster, describeEffect, type Effect } from './action/effect.ts';
import { type Budgets, reservationFor } from './budget/index.ts';
import { intended } from './carry-out.ts';
import type { Expiry } from './expiry.ts';
import { fieldText, happenedAtMs, readField } from './fields.ts';
import { askAgain, askGuards, type GuardAnswer } from './guard/index.ts';
import { actionKey, alertKey, clusterOf, type Happening, happeningOf } from './identity.ts';
import type { Draft, Journal } from './journal/journal.ts';
import { keptAlert } from './kept-alert.ts';
import { lookAround, lookAuditId, orWhy, readerOf } from './look.ts';
import { type Mode, mostCautious } from './mode.ts';
import type { Channels } from './notify/channel.ts';
import { objectionTo } from './plan-again.ts';
import type { PolicySet } from './policy/read.ts';
import { durationMs, type Policy } from './policy/schema.ts';
import type { Principal } from './principal.ts';
import { RESPOND_GROUP } from './rbac.ts';
import { neededFields } from './runtime-alert.ts';
import { type Target, targetOf } from './target.ts';

/** Reasons quote the alert; whoever wrote into it must not fill the journal. Characters. */
const MAX_REASON = 500;

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
  /** What ends responses of policies with a `ttl`. */
  readonly expiry?: Expiry;
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
  const kept = keptAlert(alert);
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
  const { protection } = deps.set;
  const looking = { journal: deps.journal, protection };
  const sight = await lookAround(target, 'client' in reached ? reached.client : reached, { event, mode }, looking);
  const { look } = sight;
  const { macKeys, principal } = deps;
  const question = { alert, identity, policy, action, parameters, target, missing, ...sight, protection, macKeys, principal, nowMs };
  const guards: GuardAnswer[] = [...(approved ? askAgain(question, approved.guards) : askGuards(question))];
  const id =
    approved?.id ??
    `${event}-${actionKey(event, action.name, target?.uid ?? (look.kind === 'found' ? look.live.metadata.uid : '')).slice(0, 12)}`;

  let effects: readonly Effect[] = [];
  let caveats: readonly string[] = [];
  if (client && target && look.kind === 'found' && !guards.some(({ verdict }) => verdict === 'refuse')) {
    const plan = await orWhy(mode, () => action.plan({ id, alert: kept, target, live: look.live, parameters }, readerOf(client, event)));
    if ('why' in plan) guards.push({ guard: 'feasible', verdict: 'unknown', reason: plan.why });
    else if ('refusal' in plan) guards.push({ guard: 'feasible', verdict: 'refuse', reason: plan.refusal });
    else {
      ({ effects, caveats } = plan);
      const objection = await objectionTo(effects, looking);
      guards.push(
        objection === undefined ? feasible(effects, mode, policy, deps) : { guard: 'feasible', verdict: 'refuse', reason: objection },
      );
      // Where something is done, the server itself answers; a plan should say beforehand whether it would be let.
      if (mode === 'shadow') guards.push(await askPermission(effects, event, client, mode));
    }
  }
  const clear = effects.length > 0 && guards.every(({ verdict }) => verdict === 'pass');
  const changes = action.undo !== 'none';
  const asksFirst = policy.approval !== undefined && changes && approved === undefined;
  if (!approved) guards.push(await askBudgets(given, mode === 'enforce' && clear ? target : undefined, asksFirst, deps));
  const status = statusOf(mode, asksFirst, guards, clear);
  const ttlMs = changes && policy.ttl !== undefined ? durationMs(policy.ttl) : undefined;
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
    ...optional('cluster', clusterOf(kept)),
    ...optional('user', fieldText(kept, 'ka.user.name')),
    alert: kept,
    guards: guards.map((answer) => ({ ...answer, reason: answer.reason.slice(0, MAX_REASON) })),
    steps: effects.map(intended),
    caveats,
    attempt: 1,
    ...optional('notify', policy.notify),
    ...optional('ttlMs', ttlMs),
    ...optional('expiresAtMs', status === 'open' && ttlMs !== undefined ? nowMs + ttlMs : undefined),
    ...optional('approveByMs', status === 'awaiting-approval' ? nowMs + durationMs(policy.approval!.within) : undefined),
  };
}

function optional<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [key in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [key in Name]?: Value };
}

function statusOf(mode: Mode, asksFirst: boolean, guards: readonly GuardAnswer[], clear: boolean): Draft['status'] {
  if (guards.some(({ verdict }) => verdict === 'refuse')) return 'refused';
  // Nothing is changed in shadow, so what is not known yet is shown, not refused.
  if (mode !== 'enforce') return 'planned';
  if (!clear) return 'refused';
  return asksFirst ? 'awaiting-approval' : 'open';
}

/** Whether this deployment has what the effects are carried out with. */
function feasible(effects: readonly Effect[], mode: Mode, { ttl }: Policy, { evidence, channels, expiry }: DecideDeps): GuardAnswer {
  const lacks = effects.flatMap((effect) => {
    if (effect.verb === 'keep' && !evidence) return ['nothing is set up that could keep evidence: set EVIDENCE_BUCKET'];
    if (effect.verb !== 'send') return [];
    return effect.channels.filter((name) => !channels?.has(name)).map((name) => `no channel is named ${name}: add it to the stage file`);
  });
  if (mode === 'enforce' && ttl !== undefined && !expiry && effects.some(changesCluster))
    lacks.push('nothing is set up that could end it when its ttl is over: set EXPIRY_GROUP, EXPIRY_ROLE_ARN and EXPIRY_TARGET_ARN');
  if (lacks.length > 0) return { guard: 'feasible', verdict: 'unknown', reason: lacks.join(', ') };
  return { guard: 'feasible', verdict: 'pass', reason: effects.map(describeEffect).join(', ') };
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

/** The last guard, because asking it takes a place; without a target it is not asked. */
async function askBudgets(
  { policy, alert, event }: Case,
  target: Target | undefined,
  asksFirst: boolean,
  deps: DecideDeps,
): Promise<GuardAnswer> {
  const guard = 'within-budget';
  if (!target) return { guard, verdict: 'unknown', reason: 'not asked: a place is taken only for what is done or asked for' };
  const times = { eventMs: happenedAtMs(alert) ?? 0, nowMs: deps.clock.now() };
  const reserved = await deps.budgets.reserve(reservationFor(event, policy, clusterOf(alert) ?? '', target, times, asksFirst));
  return reserved.ok
    ? { guard, verdict: 'pass', reason: 'a place in every budget was taken' }
    : { guard, verdict: 'refuse', reason: reserved.reason };
}
