/**
 * String values between JSON text and bytes, read as fastjson reads them: unknown escapes and lone surrogates stay as they are written.
 */

const BACKSLASH = 0x5c;
const LITERAL: Readonly<Record<number, number>> = { 34: 0x22, 92: 0x5c, 47: 0x2f, 98: 8, 102: 12, 110: 10, 114: 13, 116: 9 };
/** The byte that `\x` stands for, by `x`; 0 = none (no escape stands for NUL). */
const ESCAPED = Uint8Array.from({ length: 256 }, (_, c) => LITERAL[c] ?? 0);

/**
 * Writes the bytes that the string content `bytes[i, end)` (without its quotes) stands for to `out` at `at`, and returns the offset after them.
 * The result is never longer than the content.
 */
export function unescapeInto(bytes: Uint8Array, i: number, end: number, out: Uint8Array, at: number): number {
  let o = at;
  let j = i;
  while (j < end) {
    const c = bytes[j]!;
    if (c !== BACKSLASH) {
      out[o++] = c;
      j++;
      continue;
    }
    const d = j + 1 < end ? bytes[j + 1]! : 0;
    const literal = ESCAPED[d]!;
    if (literal !== 0) {
      out[o++] = literal;
      j += 2;
    } else if (d === 0x75) {
      const unit = hex4(bytes, j + 2, end);
      let code = unit;
      let width = 6;
      if (unit >= 0xd800 && unit <= 0xdfff) {
        code = -1;
        if (unit < 0xdc00 && bytes[j + 6] === BACKSLASH && bytes[j + 7] === 0x75) {
          const low = hex4(bytes, j + 8, end);
          if (low >= 0xdc00 && low <= 0xdfff) {
            code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            width = 12;
          }
        }
      }
      if (code < 0) {
        // Too short, not hexadecimal, or a lone surrogate: kept as it is spelled.
        out[o++] = BACKSLASH;
        out[o++] = 0x75;
        j += 2;
      } else {
        o = writeUtf8(code, out, o);
        j += width;
      }
    } else {
      out[o++] = BACKSLASH;
      j++;
    }
  }
  return o;
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
