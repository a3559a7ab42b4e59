import type { OnceResult } from '../platform/once.ts';

/**
 * What became of a set of items, each counted once: everything that came in leaves by exactly one of the doors
 * `delivered`, `dropped`, `spooled`, `quarantined`, `skipped` (the law of conservation that the fault harness checks).
 */
export interface Tally extends OnceResult {
  /** Audit events and unreadable values that came in. */
  readonly received: number;
  /** Accepted by the destination. */
  readonly delivered: number;
  /** No loaded rule could match them. */
  readonly dropped: number;
  /** Parked in the spool, to be delivered later. */
  readonly spooled: number;
  /** Parked in quarantine: they can never be delivered as they are. */
  readonly quarantined: number;
  /** Not audit events, and not meant to be: other control-plane streams, control messages. */
  readonly skipped: number;
  /** Of those delivered or spooled: cut down to what Falco takes, or closed after the log agent had cut them. */
  readonly reduced: number;
  readonly salvaged: number;
  /** Posted again after an ambiguous answer: Falco may have them twice. */
  readonly resent: number;
}

export const EMPTY_TALLY: Tally = {
  received: 0,
  delivered: 0,
  dropped: 0,
  spooled: 0,
  quarantined: 0,
  skipped: 0,
  reduced: 0,
  salvaged: 0,
  resent: 0,
};

export function addTallies(...tallies: readonly Tally[]): Tally {
  const sum: Record<string, number> = { ...EMPTY_TALLY } as Record<string, number>;
  for (const tally of tallies) for (const [name, count] of Object.entries(tally)) sum[name] = (sum[name] ?? 0) + Number(count);
  return sum as unknown as Tally;
}
