/**
 * What went wrong at which byte of a condition text. Thrown inside `parse/`, a value outside of it.
 * The message says what was expected; where it stands is the offset's business.
 */
export class SyntaxProblem extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.name = 'SyntaxProblem';
    this.offset = offset;
  }
}

/** Blanks between tokens. A narrower class than the POSIX space of bare words: vertical tab and form feed end a word but are no blank. */
const BLANK = /[ \t\b\r\n]+/y;
const NOT = /not[ \t\n\v\f\r]+/y;
const IDENTIFIER = /[A-Za-z]+[A-Za-z0-9_]*/y;
const FIELD_NAME = /[A-Za-z]+[A-Za-z0-9_]*(?:\.[A-Za-z]+[A-Za-z0-9_]*)+/y;
const BARE_ARGUMENT = /[^\]["' \t\n\v\f\r]+/y;
const HEX = /0[xX][0-9a-fA-F]+/y;
const NUMBER = /[+-]?[0-9]+\.?[0-9]*(?:[eE][+-][0-9]+)?/y;
const BARE = /[^()"' \t\n\v\f\r=,]+/y;
const ALPHANUMERIC = /[A-Za-z0-9]/;

/** A cursor over a condition text and the lexemes of the language. Every `take…` either consumes and returns, or leaves the cursor. */
export class Scanner {
  readonly text: string;
  offset = 0;
  /** Where the last lexeme ended: spans do not cover the blanks behind it. */
  end = 0;

  constructor(text: string) {
    this.text = text;
  }

  get atEnd(): boolean {
    return this.offset >= this.text.length;
  }

  blanks(): boolean {
    BLANK.lastIndex = this.offset;
    if (!BLANK.test(this.text)) return false;
    this.offset = BLANK.lastIndex;
    return true;
  }

  /** Consumes `word`, whatever follows it: the language knows no word boundary. */
  take(word: string): boolean {
    if (!this.text.startsWith(word, this.offset)) return false;
    this.offset += word.length;
    this.end = this.offset;
    return true;
  }

  /** Consumes `word` and the blanks behind it; without a blank it is not that word. */
  takeSpaced(word: string): boolean {
    const start = this.offset;
    if (!this.text.startsWith(word, start)) return false;
    this.offset += word.length;
    if (this.blanks()) {
      this.end = start + word.length;
      return true;
    }
    this.offset = start;
    return false;
  }

  takeNot(): boolean {
    return this.match(NOT) !== undefined;
  }

  takeIdentifier(): string | undefined {
    return this.match(IDENTIFIER);
  }

  takeFieldName(): string | undefined {
    return this.match(FIELD_NAME);
  }

  takeHex(): string | undefined {
    return this.match(HEX);
  }

  takeNumber(): string | undefined {
    return this.match(NUMBER);
  }

  takeBare(): string | undefined {
    return this.match(BARE);
  }

  takeBareArgument(): string | undefined {
    return this.match(BARE_ARGUMENT);
  }

  /** A quoted string, unescaped. `undefined` when the cursor is not at a quote, or the string never ends. */
  takeQuoted(): string | undefined {
    const quote = this.text[this.offset];
    if (quote !== '"' && quote !== "'") return undefined;
    const start = this.offset;
    for (let at = start + 1; at < this.text.length; at++) {
      const char = this.text[at];
      if (char === '\0') return undefined;
      // The quote ends the string unless the character before it is a backslash, even one that was itself escaped.
      if (char === quote && this.text[at - 1] !== '\\') {
        this.offset = at + 1;
        this.end = this.offset;
        return unescaped(this.text.slice(start + 1, at), quote, start + 1);
      }
    }
    return undefined;
  }

  /** True if the cursor is at `word` and no letter or digit follows it. */
  atWord(word: string): boolean {
    return this.text.startsWith(word, this.offset) && !ALPHANUMERIC.test(this.text[this.offset + word.length] ?? '');
  }

  atIdentifier(): boolean {
    IDENTIFIER.lastIndex = this.offset;
    return IDENTIFIER.test(this.text);
  }

  /** A short piece of the text at the cursor, for messages. */
  ahead(): string {
    if (this.atEnd) return 'the end of the condition';
    const piece = /^\S{1,24}/.exec(this.text.slice(this.offset, this.offset + 24))?.[0] ?? ' ';
    return `'${piece}'`;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.offset;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined) return undefined;
    this.offset += found.length;
    this.end = this.offset;
    return found;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '\\': '\\',
  '/': '/',
  // A backslash before a space stands for a backslash: a leniency of Falco for rules that were once written that way.
  ' ': '\\',
};

function unescaped(raw: string, quote: string, offset: number): string {
  if (!raw.includes('\\')) return raw;
  let result = '';
  for (let at = 0; at < raw.length; at++) {
    const char = raw[at]!;
    if (char !== '\\') {
      result += char;
      continue;
    }
    const next = raw[++at] ?? '';
    const value = next === quote ? quote : ESCAPES[next];
    if (value === undefined) {
      throw new SyntaxProblem(
        `unknown escape \\${next}: write \\\\ for a backslash; allowed are \\b \\f \\n \\r \\t \\\\ \\/ \\${quote}`,
        offset + at - 1,
      );
    }
    result += value;
  }
  return result;
}
