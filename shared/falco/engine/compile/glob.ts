/**
 * fnmatch(3) of glibc in the C locale, flags 0 or FNM_CASEFOLD, over byte strings: `*` and `?` match any byte, slashes and leading dots too.
 * Between two stars the leftmost match is as good as any, so nothing is tried twice: time is pattern × text.
 */

/** One byte of a pattern: the bytes it accepts, or a star. */
type Token = number | Uint8Array | typeof ANY | typeof STAR;
const ANY = -1;
const STAR = -2;

export type Glob = (text: string) => boolean;

export function compileGlob(pattern: string, foldCase = false): Glob {
  const tokens = tokenize(pattern, foldCase);
  return tokens === undefined ? () => false : (text) => match(tokens, text);
}

let lastText = '';
let lastFolded = '';

/** A–Z to a–z, nothing else. One value is mostly compared with several constants in a row. */
export function foldAscii(text: string): string {
  if (text !== lastText) {
    lastFolded = /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text;
    lastText = text;
  }
  return lastFolded;
}

function match(tokens: readonly Token[], text: string): boolean {
  let t = 0;
  let i = 0;
  let starAt = -1;
  let retry = 0;
  while (i < text.length) {
    const token = tokens[t];
    if (token === STAR) {
      starAt = t++;
      retry = i;
    } else if (token !== undefined && accepts(token, text.charCodeAt(i))) {
      t++;
      i++;
    } else if (starAt >= 0) {
      t = starAt + 1;
      i = ++retry;
    } else return false;
  }
  while (tokens[t] === STAR) t++;
  return t === tokens.length;
}

function accepts(token: number | Uint8Array, byte: number): boolean {
  if (typeof token !== 'number') return token[byte] === 1;
  return token === ANY || token === byte;
}

/** `undefined`: a pattern that matches nothing at all, because it ends in a backslash. */
function tokenize(pattern: string, foldCase: boolean): Token[] | undefined {
  const tokens: Token[] = [];
  const literal = (byte: number) => tokens.push(foldCase && isAlpha(byte) ? setOf((other) => (other | 0x20) === (byte | 0x20)) : byte);
  let i = 0;
  while (i < pattern.length) {
    const c = pattern[i]!;
    if (c === '*') {
      if (tokens[tokens.length - 1] !== STAR) tokens.push(STAR);
      i++;
    } else if (c === '?') {
      tokens.push(ANY);
      i++;
    } else if (c === '\\') {
      if (i + 1 === pattern.length) return undefined;
      literal(pattern.charCodeAt(i + 1));
      i += 2;
    } else {
      const bracket = c === '[' ? readBracket(pattern, i, foldCase) : undefined;
      if (bracket) {
        tokens.push(bracket.set);
        i = bracket.end;
      } else {
        literal(c.charCodeAt(0));
        i++;
      }
    }
  }
  return tokens;
}

function setOf(belongs: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (belongs(byte) ? 1 : 0));
}

const isBetween = (low: number, high: number) => (byte: number) => byte >= low && byte <= high;
const isAlpha = (byte: number) => isBetween(0x61, 0x7a)(byte | 0x20);
const isDigit = isBetween(0x30, 0x39);
const isGraphic = isBetween(0x21, 0x7e);

const CLASSES: Readonly<Record<string, (byte: number) => boolean>> = {
  alpha: isAlpha,
  digit: isDigit,
  alnum: (byte) => isAlpha(byte) || isDigit(byte),
  upper: isBetween(0x41, 0x5a),
  lower: isBetween(0x61, 0x7a),
  space: (byte) => byte === 0x20 || isBetween(0x09, 0x0d)(byte),
  blank: (byte) => byte === 0x20 || byte === 0x09,
  punct: (byte) => isGraphic(byte) && !isAlpha(byte) && !isDigit(byte),
  print: isBetween(0x20, 0x7e),
  graph: isGraphic,
  cntrl: (byte) => byte < 0x20 || byte === 0x7f,
  xdigit: (byte) => isDigit(byte) || isBetween(0x61, 0x66)(byte | 0x20),
};

/** The bracket expression at `start`; `undefined` when it is not closed and `[` stands for itself. */
function readBracket(pattern: string, start: number, foldCase: boolean): { set: Uint8Array; end: number } | undefined {
  const elements: ((byte: number) => boolean)[] = [];
  const fold = (byte: number) => (foldCase && byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);
  let i = start + 1;
  const negated = pattern[i] === '!' || pattern[i] === '^';
  if (negated) i++;
  // Behind an element glibc does not know nothing matches any more, not even by being outside of the set.
  let spoilt = false;
  const add = (belongs: (byte: number) => boolean) => spoilt || elements.push(belongs);
  for (let first = true; pattern[i] !== ']' || first; first = false) {
    if (i >= pattern.length) return undefined;
    const named = readClass(pattern, i);
    if (named) {
      if (named.belongs) add(named.belongs);
      else spoilt = true;
      i = named.end;
      continue;
    }
    if (pattern.startsWith('[=', i)) {
      if (pattern[i + 3] !== '=' || pattern[i + 4] !== ']') return undefined;
      const byte = pattern.charCodeAt(i + 2);
      add((other) => other === byte);
      i += 5;
      continue;
    }
    const low = readElement(pattern, i);
    let high = low;
    const isSymbol = pattern.startsWith('[.', i);
    i = low.end;
    if (pattern[i] === '-' && pattern[i + 1] !== ']' && pattern[i + 1] !== undefined) {
      high = readElement(pattern, i + 1);
      i = high.end;
    }
    spoilt ||= Number.isNaN(low.byte) || Number.isNaN(high.byte);
    const from = fold(low.byte);
    const to = fold(high.byte);
    // A collating symbol by itself is not folded.
    add(isSymbol && high === low ? (byte) => byte === low.byte : (byte) => fold(byte) >= from && fold(byte) <= to);
  }
  const isIn = (byte: number) => elements.some((belongs) => belongs(byte));
  return { set: setOf((byte) => (negated ? !spoilt && !isIn(byte) : isIn(byte))), end: i + 1 };
}

/** `[:name:]`; without `belongs` when there is no class of that name. */
function readClass(pattern: string, at: number): { belongs: ((byte: number) => boolean) | undefined; end: number } | undefined {
  const match = /^\[:([a-z]*):\]/.exec(pattern.slice(at, at + 300));
  return match ? { belongs: CLASSES[match[1]!], end: at + match[0].length } : undefined;
}

/** One byte, an escaped one, or `[.x.]`, which in the C locale is one byte too. NaN for what glibc refuses. */
function readElement(pattern: string, at: number): { byte: number; end: number } {
  if (pattern.startsWith('[.', at)) {
    const close = pattern.indexOf('.]', at + 2);
    return close === at + 3 ? { byte: pattern.charCodeAt(at + 2), end: close + 2 } : { byte: Number.NaN, end: at + 1 };
  }
  const position = pattern[at] === '\\' ? at + 1 : at;
  return { byte: position < pattern.length ? pattern.charCodeAt(position) : Number.NaN, end: position + 1 };
}
