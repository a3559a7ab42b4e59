import { skipKey, skipValue } from '../../../audit/json/lexer.ts';
import type { Moment } from '../accept/index.ts';
import { parseTimestamp, parseTimestampAt } from '../accept/timestamp.ts';
import { ABSENT, JsonDocument, type MemberIndex } from '../document/index.ts';

const KEY = Buffer.from('"stageTimestamp"');
const EPOCH: Moment = { seconds: 0, nanoseconds: 0 };

/**
 * The event's time, found without reading all of what stands before it.
 *
 * The first place behind the members read so far where `"stageTimestamp"` is spelt is the member Falco reads, if it stands at the top level;
 * and it does if the text that follows closes exactly one object and ends there. (A quote behind a comma cannot be inside a string, and text
 * that is no JSON Falco refuses anyway.) Whenever anything is not so, the whole event is read. An event without a usable time is refused by
 * Falco, so any answer is right for it.
 */
export function glimpseMoment(index: MemberIndex): Moment {
  return glimpse(index) ?? read(index) ?? EPOCH;
}

function glimpse(index: MemberIndex): Moment | undefined {
  const { bytes, end } = index;
  // With a `kind` spelt plainly Falco has not unescaped the keys, and a plainly spelt key goes before an escaped one.
  if (index.escapedKeys || index.fault >= 0 || index.find('kind') < 0) return undefined;
  const known = index.find('stageTimestamp');
  let value: number;
  let after: number;
  if (known >= 0) {
    value = index.valueStarts[known]!;
    after = index.valueEnds[known]!;
    if (bytes[value] !== QUOTE) return undefined;
  } else {
    const at = index.complete ? -1 : search(bytes, index.frontier, end);
    if (at < 0 || bytes[at - 1] !== COMMA) return undefined;
    value = at + KEY.length + 1;
    if (bytes[value - 1] !== COLON || bytes[value] !== QUOTE) return undefined;
    after = skipValue(bytes, value, end);
    if (after < 0 || !endsTopLevel(index, after)) return undefined;
  }
  for (let i = value; i < after; i++) if (bytes[i] === BACKSLASH) return undefined;
  return parseTimestampAt(bytes, value + 1, after - 1);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const CLOSE_OBJECT = 0x7d;

/** Whether members follow (or none), then one closing brace, then the end. */
function endsTopLevel(index: MemberIndex, from: number): boolean {
  const { bytes, end } = index;
  let at = from;
  while (at < end && bytes[at] === COMMA) {
    const value = skipKey(bytes, at + 1, end);
    if (value < 0) return false;
    at = skipValue(bytes, value, end);
    if (at < 0) return false;
  }
  return bytes[at] === CLOSE_OBJECT && at + 1 === end;
}

/** How far the key can be moved on when the byte under its last one is this (Horspool). */
const SHIFTS = new Uint8Array(256).fill(KEY.length);
for (let i = 0; i < KEY.length - 1; i++) SHIFTS[KEY[i]!] = KEY.length - 1 - i;

/** Offset of the first {@link KEY} from `start` on, −1 if there is none. Looks at every sixteenth byte, which a call into C++ does not beat. */
function search(bytes: Buffer, start: number, end: number): number {
  const last = KEY.length - 1;
  let at = start + last;
  while (at < end) {
    const shift = SHIFTS[bytes[at]!]!;
    if (bytes[at] === QUOTE) {
      let i = last - 1;
      while (i >= 0 && bytes[at - last + i] === KEY[i]) i--;
      if (i < 0) return at - last;
    }
    at += shift;
  }
  return -1;
}

function read(index: MemberIndex): Moment | undefined {
  const document = new JsonDocument(index);
  const kind = document.get(document.root, 'kind');
  if (kind !== ABSENT) document.rawText(kind);
  const value = document.get(document.root, 'stageTimestamp');
  return value !== ABSENT && document.isString(value) ? parseTimestamp(document.rawText(value)) : undefined;
}
