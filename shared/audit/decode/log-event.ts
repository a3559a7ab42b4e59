import { memberKeyIs } from '../json/layout.ts';
import { skipBlanks, skipKey, skipString, skipValue } from '../json/lexer.ts';
import { textOf, unescapeInto } from '../json/text.ts';

/** One event of an envelope. */
export interface LogEvent {
  readonly id: string;
  readonly timestampMs: number;
  /** The message's bytes, exactly: the string unescaped. A lone surrogate stays in its escaped spelling, which Falco's parser reads the same. */
  readonly message: Uint8Array | undefined;
}

/** Messages are unescaped into shared blocks of this size. */
const BLOCK_BYTES = 1024 * 1024;
let block = Buffer.alloc(0);
let blockAt = 0;

/** The last log event that {@link scanLogEvent} read. */
export const read: { event: LogEvent } = { event: { id: '', timestampMs: 0, message: undefined } };

/**
 * Reads the log event (an object) at `bytes[i]` into {@link read}. Returns the offset after it, or `~offset` of the fault.
 * With `wanted` false the message is passed over.
 */
export function scanLogEvent(bytes: Uint8Array, i: number, end: number, wanted: boolean): number {
  if (i >= end || bytes[i] !== 0x7b) return ~i;
  let id = '';
  let timestampMs = Number.NaN;
  let from = -1;
  let to = -1;
  let j = skipBlanks(bytes, i + 1, end);
  if (bytes[j] !== 0x7d || j >= end) {
    for (;;) {
      const key = j + 1;
      const value = skipKey(bytes, j, end);
      if (value < 0) return value;
      if (value >= end) return ~end;
      const quoted = bytes[value] === 0x22;
      const after = quoted ? skipString(bytes, value, end) : skipValue(bytes, value, end);
      if (after < 0) return after;
      if (quoted) {
        if (memberKeyIs(bytes, key, 'message')) {
          from = value + 1;
          to = after - 1;
        } else if (memberKeyIs(bytes, key, 'id')) id = textOf(bytes, value, after);
      } else if (memberKeyIs(bytes, key, 'timestamp')) timestampMs = Number(textOf(bytes, value, after));
      j = skipBlanks(bytes, after, end);
      if (j >= end) return ~end;
      if (bytes[j] === 0x7d) break;
      if (bytes[j] !== 0x2c) return ~j;
      j = skipBlanks(bytes, j + 1, end);
    }
  }
  read.event = { id, timestampMs, message: wanted && from >= 0 ? unescaped(bytes, from, to) : undefined };
  return j + 1;
}

function unescaped(bytes: Uint8Array, i: number, end: number): Uint8Array {
  const most = end - i;
  if (block.length - blockAt < most) {
    block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, most));
    blockAt = 0;
  }
  const after = unescapeInto(bytes, i, end, block, blockAt);
  const message = block.subarray(blockAt, after);
  blockAt = after;
  return message;
}
