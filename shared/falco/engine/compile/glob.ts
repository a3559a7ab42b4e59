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
  const tokens = tokenize(foldCase ? foldAscii(pattern) : pattern, pattern, foldCase);
  if (tokens === undefined) return () => false;
  return (text) => match(tokens, foldCase ? foldAscii(text) : text);
}

/** A–Z to a–z, nothing else. */
export function foldAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
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

/** `undefined`: a pattern that matches nothing at all (trailing backslash, unknown character class). `exact` is the pattern before folding. */
function tokenize(pattern: string, exact: string, foldCase: boolean): Token[] | undefined {
  const tokens: Token[] = [];
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
      tokens.push(pattern.charCodeAt(i + 1));
      i += 2;
    } else if (c === '[') {
      const bracket = readBracket(exact, i, foldCase);
      if (bracket === 'matches nothing') return undefined;
      if (bracket === undefined) {
        tokens.push(0x5b);
        i++;
      } else {
        tokens.push(bracket.set);
        i = bracket.end;
      }
    } else {
      tokens.push(c.charCodeAt(0));
      i++;
    }
  }
  return tokens;
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
function readBracket(pattern: string, start: number, foldCase: boolean): { set: Uint8Array; end: number } | undefined | 'matches nothing' {
  const set = new Uint8Array(256);
  const fold = (text: string) => (foldCase ? foldAscii(text) : text).charCodeAt(0);
  let i = start + 1;
  const negated = pattern[i] === '!' || pattern[i] === '^';
  if (negated) i++;
  for (let first = true; ; first = false) {
    let c = pattern[i];
    if (c === undefined) return undefined;
    if (c === ']' && !first) break;
    if (c === '[' && pattern[i + 1] === ':') {
      const close = pattern.indexOf(':]', i + 2);
      const name = close < 0 ? '' : pattern.slice(i + 2, close);
      if (close >= 0 && /^[a-z]*$/.test(name)) {
        const belongs = CLASSES[name];
        if (!belongs) return 'matches nothing';
        for (let byte = 0; byte < 256; byte++) if (belongs(byte)) set[byte] = 1;
        i = close + 2;
        continue;
      }
    } else if (c === '[' && pattern[i + 1] === '=') {
      if (pattern[i + 3] !== '=' || pattern[i + 4] !== ']') return undefined;
      set[fold(pattern[i + 2]!)] = 1;
      i += 5;
      continue;
    }
    let low: number;
    const symbol = collatingSymbol(pattern, i);
    if (symbol === 'matches nothing') return symbol;
    if (symbol) {
      low = symbol.byte;
      i = symbol.end;
    } else {
      if (c === '\\') {
        c = pattern[++i];
        if (c === undefined) return 'matches nothing';
      }
      low = fold(c);
      i++;
    }
    let high = low;
    if (pattern[i] === '-' && pattern[i + 1] !== ']' && pattern[i + 1] !== undefined) {
      const last = collatingSymbol(pattern, i + 1);
      if (last === 'matches nothing') return last;
      if (last) {
        high = last.byte;
        i = last.end;
      } else {
        i += pattern[i + 1] === '\\' ? 2 : 1;
        if (pattern[i] === undefined) return 'matches nothing';
        // glibc folds a range's lower end and not its upper one.
        high = pattern.charCodeAt(i++);
      }
    }
    for (let byte = low; byte <= high; byte++) set[byte] = 1;
  }
  if (negated) for (let byte = 0; byte < 256; byte++) set[byte] = set[byte] === 1 ? 0 : 1;
  return { set, end: i + 1 };
}

/** `[.x.]`: in the C locale one byte. */
function collatingSymbol(pattern: string, at: number): { byte: number; end: number } | undefined | 'matches nothing' {
  if (pattern[at] !== '[' || pattern[at + 1] !== '.') return undefined;
  const close = pattern.indexOf('.]', at + 2);
  if (close !== at + 3) return 'matches nothing';
  return { byte: pattern.charCodeAt(at + 2), end: close + 2 };
}
