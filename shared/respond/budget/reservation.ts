import { durationMs, type Policy } from '../policy/schema.ts';
import type { Target } from '../target.ts';
import type { Counter, Reservation } from './budget.ts';

/**
 * The places one happening takes, however many actions the policy has for it: of the policy, in its cluster, in its namespace; windows start at
 * whole multiples of their length.
 * The window is that of the event, so that a retry, however late, finds the place it took.
 */
export function reservationFor(
  claim: string,
  policy: Policy,
  cluster: string,
  target: Target,
  times: { readonly eventMs: number; readonly nowMs: number },
): Reservation {
  const lengthMs = durationMs(policy.budget.per);
  const startsAtMs = Math.floor(times.eventMs / lengthMs) * lengthMs;
  const counter = (what: string, scope: string, max: number): Counter => ({
    what,
    key: `${policy.policy}/${startsAtMs}/${scope}`,
    max,
    endsAtMs: startsAtMs + lengthMs,
  });
  const object = [cluster, target.apiGroup, target.resource, target.namespace ?? '', target.name].join('/');
  return {
    claim,
    // Narrowest first, each within the next: see dynamodb.ts.
    counters: [
      ...(target.namespace === undefined
        ? []
        : [counter(`policy ${policy.policy} in namespace ${target.namespace}`, `${cluster}/${target.namespace}`, policy.budget.namespace)]),
      counter(`policy ${policy.policy} in cluster ${cluster}`, cluster, policy.budget.cluster),
      counter(`policy ${policy.policy}`, '', policy.budget.policy),
    ],
    cooldown: { what: target.name, key: `${policy.policy}/${object}`, untilMs: times.nowMs + durationMs(policy.cooldown) },
  };
}
