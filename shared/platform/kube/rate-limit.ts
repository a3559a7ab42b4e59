import type { Clock } from '../clock.ts';

export interface RateLimit {
  /** Requests per second, in the long run. */
  readonly perSecond: number;
  /** Requests that may go at once after a pause. */
  readonly burst: number;
}

/**
 * Generous on purpose: it keeps a bug from hurting the API server and is never what a burst of alerts waits for: isolating a pod takes ten
 * requests, so a hundred pods at once go through. (client-go's default of 5 per second with a burst of 10 is.) The server's own priority and
 * fairness is the real limit; it answers 429.
 */
export const DEFAULT_RATE_LIMIT: RateLimit = { perSecond: 200, burst: 1000 };

/** A token bucket. `take` resolves when the caller may go, first come first served. */
export function createRateLimiter(limit: RateLimit, clock: Clock): { take(signal?: AbortSignal): Promise<void> } {
  /** When the next token is there, if all before it are taken; may lie in the past by as much as the burst is worth. */
  let nextMs = clock.now() - (limit.burst * 1000) / limit.perSecond;
  return {
    async take(signal) {
      const now = clock.now();
      const spacingMs = 1000 / limit.perSecond;
      nextMs = Math.max(nextMs, now - limit.burst * spacingMs) + spacingMs;
      if (nextMs > now) await clock.sleep(nextMs - now, signal);
    },
  };
}
