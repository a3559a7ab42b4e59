import { memberKeyIs } from '../json/layout.ts';
import { skipBlanks, skipKey, skipString, skipValue } from '../json/lexer.ts';
import { textOf, unescapedUpTo, unescapeInto } from '../json/text.ts';

/** One event of an envelope. */
export interface LogEvent {
  readonly id: string;
  readonly timestampMs: number;
  /** The message's bytes, exactly: the string unescaped. A lone surrogate stays in its escaped spelling, which Falco's parser reads the same. */
  readonly message: Uint8Array | undefined;
}

/** The last log event that {@link scanLogEvent} read. */
export let read: LogEvent = { id: '', timestampMs: 0, message: undefined };

/**
 * Reads the log event (an object) at `bytes[i]` into {@link read}. Returns the offset after it, or `~offset` of the fault.
 * With `wanted` false the message is passed over.
 */
export function scanLogEvent(bytes: Buffer, i: number, end: number, wanted: boolean): number {
  if (i >= end || bytes[i] !== 0x7b) return ~i;
  let id = '';
  let timestampMs = 0;
  let message: Uint8Array | undefined;
  let j = skipBlanks(bytes, i + 1, end);
  if (j < end && bytes[j] === 0x7d) {
    read = { id, timestampMs, message };
    return j + 1;
  }
  for (;;) {
    const key = j + 1;
    const value = skipKey(bytes, j, end);
    if (value < 0) return value;
    if (value >= end) return ~end;
    let after: number;
    if (bytes[value] !== 0x22) {
      after = skipValue(bytes, value, end);
      if (after < 0) return after;
      if (memberKeyIs(bytes, key, 'timestamp')) timestampMs = Number(bytes.toString('latin1', value, after));
    } else if (wanted && message === undefined && memberKeyIs(bytes, key, 'message')) {
      message = unescaped(bytes, value + 1, end);
      if (unescapedUpTo >= end) return ~end;
      after = unescapedUpTo + 1;
    } else {
      after = skipString(bytes, value, end);
      if (after < 0) return after;
      if (id === '' && memberKeyIs(bytes, key, 'id')) id = textOf(bytes, value, after);
    }
    j = skipBlanks(bytes, after, end);
    if (j >= end) return ~end;
    if (bytes[j] === 0x7d) break;
    if (bytes[j] !== 0x2c) return ~j;
    j = skipBlanks(bytes, j + 1, end);
  }
  read = { id, timestampMs, message };
  return j + 1;
}

/** Messages are unescaped into shared blocks of this size. */
const BLOCK_BYTES = 1024 * 1024;
let block = Buffer.alloc(0);
let blockAt = 0;

/** What the string stands for whose content starts at `bytes[i]`. */
function unescaped(bytes: Uint8Array, i: number, end: number): Uint8Array {
  if (block.length - blockAt < BLOCK_BYTES / 16) newBlock(BLOCK_BYTES);
  const limit = Math.min(end, i + block.length - blockAt);
  let after = unescapeInto(bytes, i, limit, block, blockAt);
  if (unescapedUpTo >= limit && limit < end) {
    // Longer than what is left of the block: once more, with room for all of it.
    const close = skipString(bytes, i - 1, end);
    newBlock(Math.max(BLOCK_BYTES, (close < 0 ? end : close) - i));
    after = unescapeInto(bytes, i, end, block, 0);
  }
  const message = block.subarray(blockAt, after);
  blockAt = after;
  return message;
}

function newBlock(bytes: number): void {
  block = Buffer.allocUnsafeSlow(bytes);
  blockAt = 0;
}
