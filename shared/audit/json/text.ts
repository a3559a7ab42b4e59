/**
 * String values between JSON text and bytes, read as fastjson reads them: unknown escapes and lone surrogates stay as they are written.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LITERAL: Readonly<Record<number, number>> = { 34: 0x22, 92: 0x5c, 47: 0x2f, 98: 8, 102: 12, 110: 10, 114: 13, 116: 9 };
/** The byte that `\x` stands for, by `x`; 0 = none (no escape stands for NUL). */
const ESCAPED = Uint8Array.from({ length: 256 }, (_, c) => LITERAL[c] ?? 0);

/** Where {@link unescapeInto} stopped reading: at the closing quote, or at the end of what it was given. */
export let unescapedUpTo = 0;

/**
 * Writes the bytes that a string's content stands for to `out` at `at`, and returns the offset after them. The content starts at `bytes[i]`, behind the
 * opening quote, and goes on to the closing quote, or to `end`: {@link unescapedUpTo}. The result is never longer than the content.
 */
export function unescapeInto(bytes: Uint8Array, i: number, end: number, out: Uint8Array, at: number): number {
  let o = unescapeRun(bytes, i, end, out, at);
  while (unescapedUpTo < end && bytes[unescapedUpTo] === BACKSLASH) {
    const after = unicodeInto(bytes, unescapedUpTo, end, out, o);
    o = unescapeRun(bytes, after, end, out, unicodeEnd);
  }
  return o;
}

/** Goes on to the next `\u`, which is rare. The loop within the loop is what makes this half as expensive as the plain one. */
function unescapeRun(bytes: Uint8Array, i: number, end: number, out: Uint8Array, at: number): number {
  let o = at;
  let j = i;
  while (j < end) {
    let c = bytes[j]!;
    while (c !== QUOTE && c !== BACKSLASH && j < end) {
      out[o] = c;
      o = (o + 1) | 0;
      j = (j + 1) | 0;
      c = bytes[j]!;
    }
    if (j >= end || c === QUOTE) break;
    if (j + 1 === end) {
      out[o++] = c;
      j = end;
      break;
    }
    const d = bytes[j + 1]!;
    if (d === 0x75) break;
    const literal = ESCAPED[d]!;
    out[o++] = literal !== 0 ? literal : c;
    j += literal !== 0 ? 2 : 1;
  }
  unescapedUpTo = j;
  return o;
}

/** Where {@link unicodeInto} stopped writing. */
let unicodeEnd = 0;

/** Writes what the `\u` escape at `bytes[i]` stands for; returns the offset after the escape, or after its pair. */
function unicodeInto(bytes: Uint8Array, i: number, end: number, out: Uint8Array, at: number): number {
  const unit = hex4(bytes, i + 2, end);
  if (unit >= 0 && (unit < 0xd800 || unit > 0xdfff)) {
    unicodeEnd = writeUtf8(unit, out, at);
    return i + 6;
  }
  if (unit >= 0xd800 && unit < 0xdc00 && bytes[i + 6] === BACKSLASH && bytes[i + 7] === 0x75) {
    const low = hex4(bytes, i + 8, end);
    if (low >= 0xdc00 && low <= 0xdfff) {
      unicodeEnd = writeUtf8(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), out, at);
      return i + 12;
    }
  }
  // Too short, not hexadecimal, or a lone surrogate: kept as it is spelled.
  out[at] = BACKSLASH;
  out[at + 1] = 0x75;
  unicodeEnd = at + 2;
  return i + 2;
}

function hex4(bytes: Uint8Array, i: number, end: number): number {
  if (i + 4 > end) return -1;
  let value = 0;
  for (let k = i; k < i + 4; k++) {
    const c = bytes[k]!;
    const digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : (c | 0x20) >= 0x61 && (c | 0x20) <= 0x66 ? (c | 0x20) - 0x57 : -1;
    if (digit < 0) return -1;
    value = (value << 4) | digit;
  }
  return value;
}

function writeUtf8(code: number, out: Uint8Array, at: number): number {
  let o = at;
  if (code < 0x80) out[o++] = code;
  else if (code < 0x800) {
    out[o++] = 0xc0 | (code >> 6);
    out[o++] = 0x80 | (code & 0x3f);
  } else if (code < 0x10000) {
    out[o++] = 0xe0 | (code >> 12);
    out[o++] = 0x80 | ((code >> 6) & 0x3f);
    out[o++] = 0x80 | (code & 0x3f);
  } else {
    out[o++] = 0xf0 | (code >> 18);
    out[o++] = 0x80 | ((code >> 12) & 0x3f);
    out[o++] = 0x80 | ((code >> 6) & 0x3f);
    out[o++] = 0x80 | (code & 0x3f);
  }
  return o;
}

/** The text of the value at `bytes[i, end)` as Falco's fields render it: a string unescaped, anything else as it is written. */
export function textOf(bytes: Uint8Array, i: number, end: number): string {
  if (bytes[i] !== 0x22) return utf8(bytes, i, end);
  if (!bytes.subarray(i, end).includes(BACKSLASH)) return utf8(bytes, i + 1, end - 1);
  const out = Buffer.allocUnsafe(end - i);
  return out.toString('utf8', 0, unescapeInto(bytes, i + 1, end - 1, out, 0));
}

/** Bytes as text, without copying them first. */
export function utf8(bytes: Uint8Array, i: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + i, end - i).toString('utf8');
}
