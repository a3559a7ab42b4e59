import type { FalcoAlert } from '../falco/alert.ts';
import type { ActionCatalogue } from './action/action.ts';
import { fieldText, readField } from './fields.ts';
import { askGuards } from './guard/index.ts';
import { actionKey, alertKey, clusterOf, type EventIdentity, eventIdentity } from './identity.ts';
import type { Draft } from './journal/journal.ts';
import { type Mode, mostCautious } from './mode.ts';
import { matches } from './policy/match.ts';
import type { PolicySet } from './policy/read.ts';
import { targetOf } from './target.ts';

export interface PlanDeps {
  readonly set: PolicySet;
  readonly actions: ActionCatalogue;
  readonly nowMs: number;
  /** Ceiling of the deployment and the run-time switch. */
  readonly mode: Mode;
}

/** What an alert leads to: one decision for each action of each policy that speaks of it, guards asked. Empty when no policy does. */
export function planResponses(alert: FalcoAlert, deps: PlanDeps): readonly Draft[] {
  const identity = eventIdentity(alert);
  const found = targetOf(alert);
  const target = 'target' in found ? found.target : undefined;
  const absent = 'missing' in found ? found.missing : [];
  return deps.set.policies
    .filter((policy) => policy.mode !== 'off' && matches(policy, alert))
    .flatMap((policy) =>
      policy.actions.map(({ action: name }): Draft => {
        const action = deps.actions.get(name)!;
        const missing = [
          ...absent,
          ...action.needs.filter((field) => readField(alert, field).state !== 'present' && !absent.includes(field)),
        ];
        const guards = askGuards({ alert, identity, policy, action, target, missing, protection: deps.set.protection, nowMs: deps.nowMs });
        const { id, event } = identify(alert, identity, name, target?.uid);
        const cluster = clusterOf(alert);
        const user = fieldText(alert, 'ka.user.name');
        return {
          id,
          event,
          status: guards.every(({ verdict }) => verdict === 'pass') ? 'planned' : 'refused',
          mode: mostCautious(deps.mode, policy.mode),
          policy: policy.policy,
          action: name,
          intent: target ? action.intent(target) : `${name} on an object the alert does not name`,
          ...(target ? { target } : {}),
          rules: [alert.rule],
          ...(cluster === undefined ? {} : { cluster }),
          ...(user === undefined ? {} : { user }),
          priority: alert.priority,
          alertTime: alert.time,
          guards,
        };
      }),
    );
}

/** A happening that cannot be identified is journalled under its alert, where it collides with nothing. */
function identify(alert: FalcoAlert, identity: EventIdentity, action: string, uid: string | undefined): { id: string; event: string } {
  const key = identity.known ? identity.key : alertKey(alert);
  const event = key.slice(0, 40);
  return { event, id: `${event}-${actionKey(key, action, uid ?? '').slice(0, 12)}` };
}
