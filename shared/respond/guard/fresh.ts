import { happenedAtMs } from '../fields.ts';
import { durationMs } from '../policy/schema.ts';
import { type Guard, pass, refuse } from './guard.ts';

/** Clocks of the API server and of Lambda are both kept by AWS; more than this ahead is no skew but a forged or broken time. */
const MAX_FUTURE_MS = 60_000;

export const fresh: Guard = {
  name: 'fresh',
  summary: "The event is no older than the policy's `maxAge` and not from the future.",
  ask: ({ alert, policy, nowMs }) => {
    const happenedMs = happenedAtMs(alert);
    if (happenedMs === undefined) return refuse('no age can be told: neither the time of the alert nor tiercel.received can be read');
    const ageMs = nowMs - happenedMs;
    const seconds = Math.round(ageMs / 1000);
    if (ageMs < -MAX_FUTURE_MS) return refuse(`the event is dated ${-seconds} s into the future`);
    if (ageMs > durationMs(policy.maxAge)) return refuse(`the event is ${seconds} s old, the policy allows ${policy.maxAge}`);
    return pass(`the event is ${seconds} s old`);
  },
};
