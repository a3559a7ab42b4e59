import { memberKeyIs } from './json/layout.ts';
import { DEEPEST, skipBlanks, skipKey, skipValue } from './json/lexer.ts';
import { append } from './stamp.ts';

/** The suffix the CloudWatch agent puts where it cut an event; newer agents split at {@link SPLIT_SIZES} without one (facts: ingest §1.4). */
const SUFFIX = Buffer.from('[Truncated...]');

/** Lengths at which agents cut: 1 MiB and 256 KiB, less what the service counts for an event (the 200 and 26 bytes of newer and older agents). */
const SPLIT_SIZES: ReadonlySet<number> = new Set([1_048_576 - 200, 262_144 - 200, 262_144 - 26]);

const SMALLEST_SPLIT = Math.min(...SPLIT_SIZES);

/** Where the text of the event ends: before the agent's suffix, if it has one. */
export function endOfHead(bytes: Uint8Array, start: number, end: number): number {
  const at = end - SUFFIX.length;
  if (at < start) return end;
  for (let k = 0; k < SUFFIX.length; k++) if (bytes[at + k] !== SUFFIX[k]) return end;
  return at;
}

/** Whether a line that is no complete value looks as if the log agent cut it, rather than damaged. */
export function looksCut(bytes: Uint8Array, start: number, end: number): boolean {
  return SPLIT_SIZES.has(end - start) || endOfHead(bytes, start, end) < end;
}

/**
 * The length of the head when `bytes[start, end)` is an event that was cut at an agent's limit and whose parts lie on lines of their own: a line feed where the cut
 * is, which the lax grammar takes for part of a string. -1 if it was not cut.
 */
export function cutWithin(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < SMALLEST_SPLIT) return -1;
  for (const size of SPLIT_SIZES) if (start + size < end && bytes[start + size] === 0x0a) return size;
  return -1;
}

/** Without these the head of an event says nothing. They precede everything that can be large. */
const NEEDED = ['kind', 'auditID', 'stage', 'requestURI', 'verb', 'user'];

/**
 * Closes the head of a cut event behind its last complete top-level member (mostly the one before `requestObject`), and gives it the time
 * at which the log received it as `stageTimestamp` if its own was cut off. `undefined` when the cut left too little.
 */
export function closeHead(raw: Uint8Array, timestampMs: number): Uint8Array | undefined {
  const end = endOfHead(raw, 0, raw.length);
  const present = new Set<string>();
  const names = [...NEEDED, 'stageTimestamp'];
  let complete = -1;
  let j = skipBlanks(raw, 0, end);
  if (raw[j] !== 0x7b) return undefined;
  j = skipBlanks(raw, j + 1, end);
  while (j < end) {
    const key = j + 1;
    const value = skipKey(raw, j, end);
    if (value < 0) break;
    const after = skipValue(raw, value, end, DEEPEST);
    if (after < 0) break;
    j = skipBlanks(raw, after, end);
    // Without what follows a number could be longer than it seems.
    if (raw[j] !== 0x2c || j >= end) break;
    complete = after;
    const name = names.find((candidate) => memberKeyIs(raw, key, candidate));
    if (name !== undefined) present.add(name);
    j = skipBlanks(raw, j + 1, end);
  }
  if (complete < 0 || NEEDED.some((name) => !present.has(name))) return undefined;
  const closed = Buffer.allocUnsafe(complete + 1);
  closed.set(raw.subarray(0, complete));
  closed[complete] = 0x7d;
  return present.has('stageTimestamp') ? closed : append(closed, `"stageTimestamp":${JSON.stringify(new Date(timestampMs).toISOString())}`);
}
