import { skipKey, skipValue } from '../../../audit/json/lexer.ts';
import type { Moment } from '../accept/index.ts';
import { parseTimestamp } from '../accept/timestamp.ts';
import { JsonDocument, type MemberIndex } from '../document/index.ts';

const KEY = Buffer.from('"stageTimestamp"');
const EPOCH: Moment = { seconds: 0, nanoseconds: 0 };

/**
 * The event's time, found without reading what stands before it.
 *
 * The first place where `"stageTimestamp"` is spelt is the member Falco reads if it stands at the top level, and it does if the text that
 * follows closes exactly one object and ends there. (A quote behind a comma cannot be inside a string, and text that is no JSON Falco refuses
 * anyway.) Whenever anything is not so, the whole event is read. An event without a usable time is refused by Falco: any answer is right.
 */
export function glimpseMoment(index: MemberIndex): Moment {
  const text = glimpse(index) ?? read(index);
  return (text === undefined ? undefined : parseTimestamp(text)) ?? EPOCH;
}

function glimpse(index: MemberIndex): string | undefined {
  const { bytes, end } = index;
  // With a `kind` spelt plainly Falco has not unescaped the keys, and a plainly spelt key goes before an escaped one.
  if (index.escapedKeys || index.find('kind') < 0) return undefined;
  const at = bytes.indexOf(KEY, index.start);
  if (at < 0 || at >= end || bytes[at - 1] !== 0x2c) return undefined;
  const value = at + KEY.length + 1;
  if (bytes[value - 1] !== 0x3a || bytes[value] !== 0x22) return undefined;
  const after = skipValue(bytes, value, end);
  if (after < 0 || !endsTopLevel(index, after)) return undefined;
  const text = bytes.toString('latin1', value + 1, after - 1);
  return text.includes('\\') ? undefined : text;
}

/** Whether members follow (or none), then one closing brace, then the end. */
function endsTopLevel(index: MemberIndex, from: number): boolean {
  const { bytes, end } = index;
  let at = from;
  while (at < end && bytes[at] === 0x2c) {
    const value = skipKey(bytes, at + 1, end);
    if (value < 0) return false;
    at = skipValue(bytes, value, end);
    if (at < 0) return false;
  }
  return bytes[at] === 0x7d && at + 1 === end;
}

function read(index: MemberIndex): string | undefined {
  const document = new JsonDocument(index);
  const kind = document.get(document.root, 'kind');
  if (kind >= 0) document.rawText(kind);
  const value = document.get(document.root, 'stageTimestamp');
  return value >= 0 && document.isString(value) ? document.rawText(value) : undefined;
}
