import type { Clock } from '../platform/clock.ts';
import { messageOf } from '../platform/errors.ts';
import { withTimeLimit } from '../platform/retry.ts';
import type { Heartbeat } from './heartbeats.ts';

/** How long a beat vouches for the rules that Falco runs, **milliseconds**: three are sent in this time. */
export const TRUSTED_MS = 15 * 60_000;
/** What is known is read again after this time, **milliseconds**. */
export const READ_EVERY_MS = 60_000;
/** Events do not wait longer for it, **milliseconds**. */
const READ_LIMIT_MS = 2_000;

/** Says of which clusters Falco is known to run the rules the pre-filter was made from. Of all others every event is sent. */
export interface HeartbeatGate {
  /** Before each invocation. Reads what is known, unless that is less than a minute old; never throws. */
  refresh(): Promise<void>;
  /** Why the events of a cluster may not be selected at this moment; `undefined` when they may. */
  whyShut(cluster: string | undefined): string | undefined;
}

/**
 * A cluster's events may be selected while its last beat is young and came back with one of `digests`, as did the two before it. No beat yet, silence, other rules, and
 * a table that cannot be read all mean the same: nothing vouches for Falco, so everything is sent.
 */
export function createHeartbeatGate({
  read,
  digests,
  clock,
}: {
  readonly read: (signal: AbortSignal) => Promise<ReadonlyMap<string, Heartbeat>>;
  readonly digests: ReadonlySet<string>;
  readonly clock: Clock;
}): HeartbeatGate {
  let known: ReadonlyMap<string, Heartbeat> = new Map();
  let unreadable: string | undefined = 'nothing was read yet';
  let readAtMs = Number.NEGATIVE_INFINITY;
  return {
    async refresh() {
      if (clock.now() - readAtMs < READ_EVERY_MS) return;
      readAtMs = clock.now();
      try {
        known = await withTimeLimit(READ_LIMIT_MS, clock, read);
        unreadable = undefined;
      } catch (error) {
        unreadable = messageOf(error);
      }
    },
    whyShut(cluster) {
      if (unreadable !== undefined) return `heartbeats cannot be read: ${unreadable}`;
      const heartbeat = cluster === undefined ? undefined : known.get(cluster);
      if (heartbeat === undefined) return 'no beat was sent';
      const { returned } = heartbeat;
      if (returned === undefined) return 'no beat came back';
      const ageMs = clock.now() - returned.sentAtMs;
      if (ageMs >= TRUSTED_MS) return `the last beat that came back was sent ${Math.floor(ageMs / 60_000)} minutes ago`;
      if (returned.digest === undefined) return 'the last beat does not say which rules Falco runs';
      if (!digests.has(returned.digest)) return `Falco runs rules of digest ${returned.digest}`;
      // A beat asks one replica. What another said a moment ago still holds.
      return returned.earlier.every((digest) => digest !== undefined && digests.has(digest))
        ? undefined
        : 'one of the last three beats came from other rules: not every replica of Falco may run the same';
    },
  };
}
