import { hash } from 'node:crypto';
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
  { policy, budget, cooldown }: Policy,
  cluster: string,
  { apiGroup, resource, namespace, name }: Target,
  times: { readonly eventMs: number; readonly nowMs: number },
  asks: boolean,
): Reservation {
  const lengthMs = durationMs(budget.per);
  const startsAtMs = Math.floor(times.eventMs / lengthMs) * lengthMs;
  // The narrowest first: of several that are spent it is the one to name.
  const counters: Counter[] = [
    { what: `policy ${policy} in cluster ${cluster}`, scope: cluster, max: budget.cluster },
    { what: `policy ${policy}`, scope: '', max: budget.policy },
  ];
  if (namespace !== undefined)
    counters.unshift({ what: `policy ${policy} in namespace ${namespace}`, scope: `${cluster}/${namespace}`, max: budget.namespace });
  const window = { key: `${policy}/${startsAtMs}`, endsAtMs: startsAtMs + lengthMs, counters };
  if (asks) return { claim, window };
  return {
    claim,
    window,
    cooldown: {
      what: name,
      // A name may be longer than DynamoDB takes for a key.
      key: `${policy}/${hash('sha256', JSON.stringify([cluster, apiGroup, resource, namespace ?? '', name]))}`,
      untilMs: times.nowMs + durationMs(cooldown),
    },
  };
}
