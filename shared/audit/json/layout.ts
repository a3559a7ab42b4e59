import { DEEPEST, skipBlanks, skipKey, skipString, skipValue } from './lexer.ts';

/**
 * Where the members of an audit event that matter to us lie in its text: start and end offset of each value, relative to the text.
 * As in fastjson the first of two equal keys counts.
 */
export interface EventLayout {
  /** The bytes this layout was made for. */
  readonly of: Uint8Array;
  /** Two numbers per {@link Member}: start and end of its value, -1 when the key is absent. */
  readonly spans: readonly number[];
  /** Some top-level key is spelled with an escape: fastjson may then read another member than the one noted here, see stamp.ts. */
  readonly escapedKeys: boolean;
  /** Nested deeper than {@link MAX_EVENT_DEPTH}: Falco's parser would refuse it, and everything else in the same body. */
  readonly deep: boolean;
}

/** Index of a member's span in {@link EventLayout.spans}. */
export const Member = {
  kind: 0,
  auditID: 2,
  stage: 4,
  requestURI: 6,
  verb: 8,
  user: 10,
  objectRef: 12,
  responseStatus: 14,
  requestObject: 16,
  responseObject: 18,
  requestReceivedTimestamp: 20,
  stageTimestamp: 22,
  annotations: 24,
} as const;
export type MemberName = keyof typeof Member;

/** Names by length, so that a key costs one look-up and one comparison. */
const BY_LENGTH: readonly (readonly { name: string; slot: number }[])[] = Array.from({ length: 25 }, (_, length) =>
  Object.entries(Member)
    .filter(([name]) => name.length === length)
    .map(([name, slot]) => ({ name, slot })),
);

/** The depth an event may have before it is stamped and put into a list: fastjson's 300, less the list around it (design: "acceptable to Falco"). */
export const MAX_EVENT_DEPTH = 297;

/** Result of {@link scanEvent}, kept apart from its return value to spare an allocation per event. */
export const scanned = { spans: [] as number[], escapedKeys: false };

/**
 * Validates the JSON object that starts at `i` and notes where its members lie, in one pass.
 * Returns the offset after it, or `~offset` of the fault; the layout is then in {@link scanned} until the next call.
 */
export function scanEvent(bytes: Uint8Array, i: number, end: number, maxDepth: number = MAX_EVENT_DEPTH): number {
  const spans: number[] = [-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1];
  scanned.spans = spans;
  scanned.escapedKeys = false;
  if (i >= end || bytes[i] !== 0x7b) return ~i;
  let j = skipBlanks(bytes, i + 1, end);
  if (j < end && bytes[j] === 0x7d) return j + 1;
  for (;;) {
    const key = j + 1;
    const value = skipKey(bytes, j, end);
    if (value < 0) return value;
    const after = skipValue(bytes, value, end, maxDepth - 1);
    if (after < 0) return after;
    const slot = slotOf(bytes, key, value);
    if (slot === -2) scanned.escapedKeys = true;
    else if (slot >= 0 && spans[slot] === -1) {
      spans[slot] = value - i;
      spans[slot + 1] = after - i;
    }
    j = skipBlanks(bytes, after, end);
    if (j >= end) return ~j;
    const c = bytes[j]!;
    if (c === 0x7d) return j + 1;
    if (c !== 0x2c) return ~j;
    j = skipBlanks(bytes, j + 1, end);
  }
}

/** The slot of the key that starts after the quote at `key - 1`, -1 if it is none of ours, -2 if it holds an escape. */
function slotOf(bytes: Uint8Array, key: number, limit: number): number {
  let last = key;
  for (; last < limit; last++) {
    const c = bytes[last]!;
    if (c === 0x22) break;
    if (c === 0x5c) return -2;
  }
  const candidates = BY_LENGTH[last - key];
  if (candidates === undefined) return -1;
  next: for (const { name, slot } of candidates) {
    for (let k = 0; k < name.length; k++) if (bytes[key + k] !== name.charCodeAt(k)) continue next;
    return slot;
  }
  return -1;
}

/** One member of an object as it stands in the text; `key` and `keyEnd` enclose the raw key without its quotes. */
export interface MemberSpan {
  readonly key: number;
  readonly keyEnd: number;
  readonly value: number;
  readonly valueEnd: number;
}

/** The members of the object that starts at `i`, in the order of the text, duplicates included; ends early at a fault. */
export function* membersOf(bytes: Uint8Array, i: number, end: number): Generator<MemberSpan> {
  let j = skipBlanks(bytes, i + 1, end);
  while (j < end && bytes[j] === 0x22) {
    const value = skipKey(bytes, j, end);
    if (value < 0) return;
    const valueEnd = skipValue(bytes, value, end, DEEPEST);
    if (valueEnd < 0) return;
    yield { key: j + 1, keyEnd: skipString(bytes, j, end) - 1, value, valueEnd };
    j = skipBlanks(bytes, valueEnd, end);
    if (bytes[j] !== 0x2c) return;
    j = skipBlanks(bytes, j + 1, end);
  }
}

/** Whether the raw key that starts at `key` (after its quote) is `name`. */
export function memberKeyIs(bytes: Uint8Array, key: number, name: string): boolean {
  for (let k = 0; k < name.length; k++) if (bytes[key + k] !== name.charCodeAt(k)) return false;
  return bytes[key + name.length] === 0x22;
}

/** The layout of a record's text: as decoding left it, or made now. `undefined` if the text is not a JSON object. */
export function layoutOf(record: { readonly raw: Uint8Array; readonly layout?: EventLayout }): EventLayout | undefined {
  if (record.layout?.of === record.raw) return record.layout;
  return layOut(record.raw);
}

/** The layout of a whole text, at any depth. `undefined` if it is not one JSON object. */
export function layOut(raw: Uint8Array): EventLayout | undefined {
  let after = scanEvent(raw, 0, raw.length);
  const deep = after < 0 && ~after < raw.length;
  if (deep) after = scanEvent(raw, 0, raw.length, DEEPEST);
  if (after < 0 || skipBlanks(raw, after, raw.length) !== raw.length) return undefined;
  return { of: raw, spans: scanned.spans, escapedKeys: scanned.escapedKeys, deep };
}
