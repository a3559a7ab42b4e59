import { TiercelError } from '../../platform/errors.ts';
import type { Message } from './message.ts';

/** One place where messages go. */
export interface Channel {
  /** Resolves when the other side has taken the message. The same message may be sent again: receivers tell duplicates by its id. @throws ChannelError */
  send(message: Message): Promise<void>;
}

/** By the names that policies use. */
export type Channels = ReadonlyMap<string, Channel>;

/** A channel did not take a message. What it says never holds the channel's address: that may be a secret. */
export class ChannelError extends TiercelError {
  /** How long the other side wants to be left alone, milliseconds. */
  readonly waitMs: number | undefined;

  constructor(why: string, options: { readonly retryable: boolean; readonly waitMs?: number | undefined; readonly cause?: unknown }) {
    super('CHANNEL_FAILED', why, options);
    this.waitMs = options.waitMs;
  }
}
