import type { Clock } from './clock.ts';
import { TiercelError } from './errors.ts';

/** What a unit of work may leave behind for its duplicates: a small JSON value. */
export type OnceResult = Readonly<Record<string, number | string | boolean>>;

/**
 * Claim → do → confirm around one unit of work, so that a duplicate delivery does it no second time.
 *
 * - The work resolves: the claim is confirmed and every later call with the same id gets the stored result, `ran: false`.
 * - The work rejects: the claim is given back at once and the rejection passes through.
 * - The process dies inside: the claim is free again when its lease ends. Work that finished just before the crash is then done twice;
 *   whoever hands work in must be able to live with that (at least once).
 */
export interface Once {
  run<Result extends OnceResult>(
    id: string,
    lease: { readonly endsAtMs: number },
    work: () => Promise<Result>,
  ): Promise<{ readonly ran: boolean; readonly result: Result }>;
}

/** Another process holds the claim and its lease has not ended: neither done nor ours to do. Try again later. */
export class WorkInProgressError extends TiercelError {
  constructor(id: string, cause?: unknown) {
    super(
      'WORK_IN_PROGRESS',
      `Expected ${id} to be free or done, but another invocation is working on it. It is tried again when that one ends.`,
      {
        retryable: true,
        cause,
      },
    );
  }
}

/** `Once` for one process: local stages, the command line, the fault harness. Nothing survives the process. */
export function createMemoryOnce(clock: Clock): Once {
  const claims = new Map<string, { leaseEndsAtMs: number } | { result: OnceResult }>();
  return {
    async run<Result extends OnceResult>(id: string, lease: { readonly endsAtMs: number }, work: () => Promise<Result>) {
      const existing = claims.get(id);
      if (existing && 'result' in existing) return { ran: false, result: existing.result as Result };
      if (existing && existing.leaseEndsAtMs > clock.now()) throw new WorkInProgressError(id);
      const claim = { leaseEndsAtMs: lease.endsAtMs };
      claims.set(id, claim);
      try {
        const result = await work();
        claims.set(id, { result });
        return { ran: true, result };
      } catch (error) {
        if (claims.get(id) === claim) claims.delete(id);
        throw error;
      }
    },
  };
}
