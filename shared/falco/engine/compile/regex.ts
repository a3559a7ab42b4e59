import { isUtf8 as isUtf8Bytes } from 'node:buffer';
import { RE2JS } from 're2js';
import { fromByteString } from '../bytes.ts';

/**
 * Most work of one match, bytes of the text times instructions of the pattern: time grows with both, at worst to a few seconds here.
 * A 256 KiB value meets it with a pattern like `.{500}`; such a match is false, where Falco would give an answer.
 */
const MAX_WORK = 1 << 27;

/**
 * RE2 with POSIX options, whole text (byte strings in, matched by code point): `^` and `$` are line anchors, `.` is no newline, no Perl
 * classes, flags, lazy quantifiers or non-capturing groups. re2js speaks RE2's Perl dialect only, so the pattern is translated; what the
 * POSIX dialect lacks is refused here. Time is linear in the text.
 */
export function compileRegex(pattern: string): { readonly matches: (text: string) => boolean } | { readonly error: string } {
  try {
    const compiled = RE2JS.compile(translate(fromByteString(pattern)), RE2JS.MULTILINE);
    const longest = MAX_WORK / compiled.programSize();
    return { matches: remembered((text) => text.length <= longest && isUtf8(text) && compiled.matches(fromByteString(text))) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** The answer for the text asked about last: users, agents and names come in runs. */
function remembered(matches: (text: string) => boolean): (text: string) => boolean {
  let last: string | undefined;
  let answer = false;
  return (text) => {
    if (text !== last) {
      answer = matches(text);
      last = text;
    }
    return answer;
  };
}

/** No pattern matches bytes that are not UTF-8, and all bytes must be matched. */
function isUtf8(text: string): boolean {
  return !/[\x80-\xff]/.test(text) || isUtf8Bytes(Buffer.from(text, 'latin1'));
}

class PosixError extends Error {}

/** A group being read: where its last atom starts in the output, and whether that atom already carries a quantifier. */
interface Group {
  atom: number | undefined;
  quantified: boolean;
}

/** POSIX dialect → Perl dialect. `a*?`, `a**`: POSIX means (a*)?, (a*)*, so a second quantifier gets a group of its own. */
function translate(pattern: string): string {
  let out = '';
  const groups: Group[] = [{ atom: undefined, quantified: false }];
  const starts: number[] = [];
  let i = 0;
  const atom = (text: string, length: number) => {
    const group = groups[groups.length - 1]!;
    group.atom = out.length;
    group.quantified = false;
    out += text;
    i += length;
  };
  while (i < pattern.length) {
    const c = String.fromCodePoint(pattern.codePointAt(i)!);
    const group = groups[groups.length - 1]!;
    if (c === '(') {
      starts.push(out.length);
      groups.push({ atom: undefined, quantified: false });
      out += '(?:';
      i++;
    } else if (c === ')') {
      if (groups.length === 1) throw new PosixError('a closing parenthesis has no opening one');
      groups.pop();
      const outer = groups[groups.length - 1]!;
      outer.atom = starts.pop()!;
      outer.quantified = false;
      out += ')';
      i++;
    } else if (c === '|') {
      group.atom = undefined;
      out += c;
      i++;
    } else if (c === '*' || c === '+' || c === '?' || (c === '{' && repeatAt(pattern, i))) {
      const quantifier = c === '{' ? repeatAt(pattern, i)! : c;
      if (group.atom === undefined) throw new PosixError(`the quantifier ${quantifier} has nothing to repeat`);
      if (group.quantified) out = `${out.slice(0, group.atom)}(?:${out.slice(group.atom)})`;
      group.quantified = true;
      out += quantifier;
      i += quantifier.length;
    } else if (c === '[') {
      const bracket = readBracket(pattern, i);
      atom(bracket.text, bracket.length);
    } else if (c === '\\') {
      const escaped = readEscape(pattern, i);
      atom(spelt(escaped), escaped.length);
    } else atom(c === '{' || c === '}' ? `\\${c}` : c, c.length);
  }
  if (groups.length > 1) throw new PosixError('an opening parenthesis has no closing one');
  return out;
}

/** `{2}`, `{2,}`, `{2,3}` at `at`; anything else in braces is text, numbers with a leading zero or ten digits among it. */
function repeatAt(pattern: string, at: number): string | undefined {
  return /^\{(?:0|[1-9][0-9]{0,8})(?:,(?:0|[1-9][0-9]{0,8})?)?\}/.exec(pattern.slice(at, at + 32))?.[0];
}

/** Escapes that both dialects share: punctuation, octal, hexadecimal, \a \f \n \r \t \v. */
function readEscape(pattern: string, at: number): string {
  const rest = pattern.slice(at, at + 16);
  const escaped = /^\\(?:[afnrtv]|0[0-7]{0,2}|[1-7][0-7]{1,2}|x[0-9a-fA-F]{2}|x\{[0-9a-fA-F]+\}|[\x00-\x2f:-@[-`{-\x7f])/.exec(rest)?.[0];
  if (!escaped) throw new PosixError(`${rest.slice(0, 2)} is no escape of POSIX regular expressions (no \\d, \\w, \\s, \\b, \\p)`);
  return escaped;
}

/** re2js knows all escapes of RE2 but one. */
function spelt(escaped: string): string {
  return escaped === '\\_' ? '_' : escaped;
}

/** A bracket expression, checked, its literal opening brackets escaped. A minus that makes no range stands first or last. */
function readBracket(pattern: string, at: number): { text: string; length: number } {
  let i = at + 1;
  let text = '[';
  if (pattern[i] === '^') text += pattern[i++];
  const element = () => {
    if (i >= pattern.length) throw new PosixError('a bracket expression is not closed');
    const read = pattern[i] === '\\' ? readEscape(pattern, i) : String.fromCodePoint(pattern.codePointAt(i)!);
    text += read === '[' ? '\\[' : read.replace(/\\./su, spelt);
    i += read.length;
  };
  for (let first = true; ; first = false) {
    const c = pattern[i];
    if (c === ']' && !first) break;
    if (c === '-' && !first && pattern[i + 1] !== ']')
      throw new PosixError('in a bracket expression a minus has no start of a range before it');
    const close = c === '[' && pattern[i + 1] === ':' ? pattern.indexOf(':]', i + 2) : -1;
    if (close >= 0) {
      const named = pattern.slice(i, close + 2);
      if (!/^\[:\^?[a-z]+:\]$/.test(named)) throw new PosixError(`${named} is no character class`);
      text += named;
      i = close + 2;
      continue;
    }
    element();
    if (pattern[i] === '-' && pattern[i + 1] !== ']') {
      text += pattern[i++];
      element();
    }
  }
  return { text: `${text}]`, length: i + 1 - at };
}
