/**
 * Lexing of JSON over UTF-8 bytes, with the grammar of fastjson, the parser Falco's k8saudit plugin uses.
 * It is laxer than RFC 8259 in the same places: control characters and unknown escapes inside strings pass, so do `NaN`, `+1`, `01`
 * (facts: falco-rule-language §4.1). What passes here, Falco can read; what fails here would make Falco discard the whole body.
 *
 * Positions are byte offsets. A function that skips something returns the offset after it, or a negative number: `~offset` of the fault.
 * A fault at `end` or beyond means that the text ends too early: with more bytes it could still become valid.
 */

/** fastjson's MaxDepth. A scalar counts as a level of its own: `[1]` has depth 2. */
export const MAX_DEPTH = 300;

/** The deepest nesting {@link skipValue} can be asked to follow; the API server itself refuses request bodies nested deeper than 10,000. */
export const DEEPEST = 65_536;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

/** Offset of the first byte at or after `i` that is not a blank (space, tab, LF, CR); `end` if there is none. */
export function skipBlanks(bytes: Uint8Array, i: number, end: number): number {
  while (i < end) {
    const c = bytes[i]!;
    if (c > 0x20 || (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09)) break;
    i++;
  }
  return i;
}

/** Skips a string whose opening quote is at `i`. */
export function skipString(bytes: Uint8Array, i: number, end: number): number {
  let j = i + 1;
  while (j < end) {
    const c = bytes[j]!;
    if (c === QUOTE) return j + 1;
    j += c === BACKSLASH ? 2 : 1;
  }
  return ~end;
}

/** Skips a number, `true`, `false`, `null`, `NaN` or `Inf` that starts at `i`. */
export function skipScalar(bytes: Uint8Array, i: number, end: number): number {
  const first = bytes[i];
  if (first === 0x74) return spells(bytes, i, end, 'true') ? i + 4 : faultIn(bytes, i, end);
  if (first === 0x66) return spells(bytes, i, end, 'false') ? i + 5 : faultIn(bytes, i, end);
  if (first === 0x6e && spells(bytes, i, end, 'null')) return i + 4;
  let j = i;
  while (j < end && isNumberByte(bytes[j]!)) j++;
  if (j > i + 1 || (j === i + 1 && first !== 0x2d && first !== 0x2b)) return j;
  if (j === end && j > i) return j;
  // fastjson: `inf` and `nan` in any case, after an optional sign; a leading `n` that is not `null` may only be `nan`.
  if (spellsFolded(bytes, j, end, 'nan') || (first !== 0x6e && spellsFolded(bytes, j, end, 'inf'))) return j + 3;
  return faultIn(bytes, i, end);
}

/** The open containers around the current value, by their opening bracket. */
const containers = new Uint8Array(DEEPEST + 1);

/**
 * Skips any value that starts at `i` (blanks before it already skipped).
 * `maxDepth` (≤ {@link DEEPEST}) bounds nesting, counted as fastjson counts; deeper is a fault at the offset of the value that is too deep.
 */
export function skipValue(bytes: Uint8Array, i: number, end: number, maxDepth: number = MAX_DEPTH): number {
  let depth = 0;
  let j = i;
  for (;;) {
    // A value starts at j, inside `depth` containers.
    if (j >= end || depth >= maxDepth) return ~j;
    const c = bytes[j]!;
    if (c === QUOTE) {
      j++;
      for (;;) {
        if (j >= end) return ~end;
        const d = bytes[j]!;
        j++;
        if (d === QUOTE) break;
        if (d === BACKSLASH) j++;
      }
    } else if (c === OPEN_OBJECT) {
      j = skipBlanks(bytes, j + 1, end);
      if (j < end && bytes[j] === CLOSE_OBJECT) j++;
      else {
        containers[depth++] = OPEN_OBJECT;
        j = skipKey(bytes, j, end);
        if (j < 0) return j;
        continue;
      }
    } else if (c === OPEN_ARRAY) {
      j = skipBlanks(bytes, j + 1, end);
      if (j < end && bytes[j] === CLOSE_ARRAY) j++;
      else {
        containers[depth++] = OPEN_ARRAY;
        continue;
      }
    } else {
      j = skipScalar(bytes, j, end);
      if (j < 0) return j;
    }
    // A value has just ended at j: close what ends with it, or go on to the next one.
    for (;;) {
      if (depth === 0) return j;
      let d = bytes[j]!;
      if (d <= 0x20) {
        j = skipBlanks(bytes, j, end);
        d = bytes[j]!;
      }
      if (j >= end) return ~j;
      if (d === COMMA) {
        j++;
        if (bytes[j]! <= 0x20) j = skipBlanks(bytes, j, end);
        if (containers[depth - 1] === OPEN_OBJECT) {
          j = skipKey(bytes, j, end);
          if (j < 0) return j;
        }
        break;
      }
      if (d !== (containers[depth - 1] === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY)) return ~j;
      depth--;
      j++;
    }
  }
}

/** Skips `"key" :` and the blanks after it; `i` is at the key's quote. Returns the offset of the member's value. */
export function skipKey(bytes: Uint8Array, i: number, end: number): number {
  if (i >= end || bytes[i] !== QUOTE) return ~i;
  let j = i + 1;
  for (;;) {
    if (j >= end) return ~end;
    const c = bytes[j]!;
    j++;
    if (c === QUOTE) break;
    if (c === BACKSLASH) j++;
  }
  if (bytes[j]! <= 0x20) j = skipBlanks(bytes, j, end);
  if (j >= end || bytes[j] !== COLON) return ~j;
  j++;
  if (bytes[j]! <= 0x20) j = skipBlanks(bytes, j, end);
  return j;
}

function isNumberByte(c: number): boolean {
  return (c >= 0x30 && c <= 0x39) || c === 0x2e || c === 0x2d || c === 0x2b || c === 0x65 || c === 0x45;
}

const WORDS = ['true', 'false', 'null', 'nan', '+nan', '-nan', 'inf', '+inf', '-inf'];

/** `~end` when the bytes from `i` on are the beginning of a word that is cut off by the end of the text, else `~i`. */
function faultIn(bytes: Uint8Array, i: number, end: number): number {
  const rest = end - i;
  if (rest > 4) return ~i;
  const text = String.fromCharCode(...bytes.subarray(i, end)).toLowerCase();
  return WORDS.some((word) => word.length > rest && word.startsWith(text)) ? ~end : ~i;
}

function spells(bytes: Uint8Array, i: number, end: number, word: string): boolean {
  if (i + word.length > end) return false;
  for (let k = 0; k < word.length; k++) if (bytes[i + k] !== word.charCodeAt(k)) return false;
  return true;
}

function spellsFolded(bytes: Uint8Array, i: number, end: number, word: string): boolean {
  if (i + word.length > end) return false;
  for (let k = 0; k < word.length; k++) if ((bytes[i + k]! | 0x20) !== word.charCodeAt(k)) return false;
  return true;
}
