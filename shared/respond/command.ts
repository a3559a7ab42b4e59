import { TiercelError } from '../platform/errors.ts';

/** What a person, or the clock, wants done about a response that is in the journal. */
export interface Command {
  readonly verb: 'approve' | 'deny' | 'expire';
  readonly id: string;
  /** Who says so, for the journal. */
  readonly by: string;
}

export class CommandRefusedError extends TiercelError {
  constructor({ verb, id }: Command, why: string, retryable = false) {
    super('COMMAND_REFUSED', `Cannot ${verb} response ${id}: ${why}.`, { retryable });
  }
}
