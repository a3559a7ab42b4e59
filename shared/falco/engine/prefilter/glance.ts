import { skipValue } from '../../../audit/json/lexer.ts';
import { ABSENT, equalsAt, JsonDocument, type MemberIndex, readBytes, type Value } from '../document/index.ts';
import { STEP_PATHS } from './cheap.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * What tells events apart at a step: two events for which it is the same look the same to every field that reads the path of the step (both
 * plugins find the same text there; the first step knows only that there is an auditID).
 * Strings are taken straight from the bytes; everything else goes through the document that fields use.
 */
export function glance(index: MemberIndex, step: number): string | undefined {
  const path = STEP_PATHS[step]!;
  const first = path[0];
  const second = path[1];
  const member = index.seek(first);
  if (index.escapedKeys) return thorough(index, step);
  if (member < 0) return undefined;
  if (step === 0) return 'present';
  let value: Value = index.valueStarts[member]!;
  if (second !== undefined) {
    if (index.bytes[value] !== OPEN_OBJECT) return thorough(index, step);
    value = nested(index.bytes, value, second, index.end);
    if (value === UNUSUAL) return thorough(index, step);
    if (value === ABSENT) return undefined;
  }
  return spelling(index, value) ?? thorough(index, step);
}

/** Found something that is not spelt plainly. */
const UNUSUAL = -2;

/** The member of an object whose text is valid and, as the API server writes it, has no blanks. */
function nested(bytes: Buffer, object: Value, key: string, end: number): Value {
  const length = key.length;
  let at = object + 1;
  while (bytes[at] === QUOTE) {
    const start = at + 1;
    let close = start;
    for (let c = bytes[close]!; c !== QUOTE; c = bytes[close]!) {
      if (c === BACKSLASH) return UNUSUAL;
      close++;
    }
    at = close + 2;
    if (bytes[close + 1] !== 0x3a || bytes[at]! <= 0x20) return UNUSUAL;
    if (close - start === length && equalsAt(bytes, start, key)) return at;
    at = skipValue(bytes, at, end);
    if (bytes[at] === COMMA) at++;
  }
  return bytes[at] === CLOSE_OBJECT ? ABSENT : UNUSUAL;
}

/** What stands between a string's quotes. Texts that are spelt alike are alike, and the answers for other spellings are remembered beside them. */
function spelling(index: MemberIndex, value: Value): string | undefined {
  const { bytes } = index;
  if (bytes[value] !== QUOTE) return undefined;
  let end = value + 1;
  for (let c = bytes[end]!; c !== QUOTE; c = bytes[end]!) end += c === BACKSLASH ? 2 : 1;
  return readBytes(bytes, value + 1, end);
}

function thorough(index: MemberIndex, step: number): string | undefined {
  const view = new JsonDocument(index);
  const value = STEP_PATHS[step]!.reduce<Value>((at, key) => view.get(at, key), view.root);
  if (value === ABSENT) return undefined;
  return step === 0 ? 'present' : view.text(value);
}
