import type { Clock, Random } from './clock.ts';

export interface Backoff {
  /** Upper bound of the first wait, milliseconds; it doubles with every further one. */
  readonly baseMs: number;
  /** No wait is longer, milliseconds. */
  readonly capMs: number;
}

/** Exponential backoff with full jitter: a wait drawn evenly from [0, min(cap, base · 2^(failures − 1))), so that many callers do not come back together. */
export function backoffMs(failures: number, backoff: Backoff, random: Random): number {
  return random.next() * Math.min(backoff.capMs, backoff.baseMs * 2 ** (failures - 1));
}

/** Runs `work` with a signal that aborts after `ms` milliseconds. What the abort means is up to `work`. */
export async function withTimeLimit<T>(ms: number, clock: Clock, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController();
  const done = new AbortController();
  clock.sleep(ms, done.signal).then(
    () => limit.abort(),
    () => {},
  );
  try {
    return await work(limit.signal);
  } finally {
    done.abort();
  }
}
