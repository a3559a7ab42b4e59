import type { AuditRecord } from '../audit/index.ts';
import { TiercelError } from '../platform/errors.ts';
import { WorkInProgressError } from '../platform/once.ts';
import type { Chunk } from './chunk.ts';

/** The destination did not take a chunk whose source stays where it is: the chunk stays unconfirmed and is read again. */
export class BackedUpError extends TiercelError {
  constructor(why: string) {
    super('DESTINATION_BACKED_UP', why, { retryable: true });
  }
}

/** `keep` for sources that come again by themselves: nothing is parked a second time. @throws BackedUpError */
export async function leaveAtSource(_chunk: Chunk, undelivered: readonly AuditRecord[], why: string): Promise<never> {
  throw new BackedUpError(`${undelivered.length} events were not taken: ${why}`);
}

/** Falco is away, or another invocation is at the same chunk: to be tried again later, and no mark against the source. */
export function isNobodysFault(failure: unknown): failure is BackedUpError | WorkInProgressError {
  return failure instanceof BackedUpError || failure instanceof WorkInProgressError;
}
