import { MAX_DEPTH, skipBlanks, skipString, skipValue } from '../../../audit/json/lexer.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const EMPTY = Buffer.alloc(0);

/**
 * The members of an event's top level, found from left to right and only as far as somebody asks: the pre-filter mostly stops long before
 * the request's body. Reaching the end validates the whole text with fastjson's grammar.
 */
export class MemberIndex {
  bytes: Buffer = EMPTY;
  /** Offset of the opening brace. */
  start = 0;
  end = 0;
  count = 0;
  /** Offsets of the first byte of key `i` (after its quote), of the byte after it, of its value and of the byte after that. */
  readonly keyStarts: number[] = [];
  readonly keyEnds: number[] = [];
  readonly valueStarts: number[] = [];
  readonly valueEnds: number[] = [];
  /** Length and first byte of each key: tells most keys apart at one glance. */
  readonly #hints: number[] = [];
  /** A key with a backslash or a control character in it was met: byte comparison of keys, and their spelling, are not the whole truth any more. */
  escapedKeys = false;
  /** The same below the top level, where somebody who looked has noted it. */
  nestedEscapedKeys = false;
  /** Offset of the fault, −1 while there is none. */
  fault = -1;
  /** The whole text has been seen and is valid. */
  complete = false;
  #position = 0;

  /** `bytes` must not change while the index lives, or until it is {@link reset}. */
  constructor(bytes: Buffer, start: number, end: number) {
    this.reset(bytes, start, end);
  }

  /** Makes it the index of another text; who kept documents or events of the old one must not use them any more. */
  reset(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.end = end;
    this.count = 0;
    this.escapedKeys = false;
    this.nestedEscapedKeys = false;
    this.fault = -1;
    this.complete = false;
    const open = skipBlanks(bytes, start, end);
    this.start = open;
    this.#position = open;
    if (open >= end || bytes[open] !== OPEN_OBJECT) this.fault = open;
    else {
      const first = skipBlanks(bytes, open + 1, end);
      if (first < end && bytes[first] === CLOSE_OBJECT) this.#finish(first + 1);
      else this.#position = first;
    }
  }

  /** Finds one more member. False at the end and at a fault. */
  advance(): boolean {
    if (this.complete || this.fault >= 0) return false;
    const { bytes, end, count } = this;
    const key = this.#position;
    if (key >= end || bytes[key] !== QUOTE) return this.#fail(key);
    let at = key + 1;
    for (;;) {
      if (at >= end) return this.#fail(key);
      const c = bytes[at]!;
      if (c === QUOTE) break;
      if (c === BACKSLASH || c < 0x20) {
        this.escapedKeys = true;
        if (c === BACKSLASH) at++;
      }
      at++;
    }
    const keyEnd = at++;
    if (bytes[at]! <= 0x20) at = skipBlanks(bytes, at, end);
    if (at >= end || bytes[at] !== COLON) return this.#fail(at);
    at++;
    if (bytes[at]! <= 0x20) at = skipBlanks(bytes, at, end);
    // The object itself is the first level.
    const after = bytes[at] === QUOTE ? skipString(bytes, at, end) : skipValue(bytes, at, end, MAX_DEPTH - 1);
    if (after < 0) return this.#fail(~after);
    this.#hints[count] = ((keyEnd - key - 1) << 8) | bytes[key + 1]!;
    this.keyStarts[count] = key + 1;
    this.keyEnds[count] = keyEnd;
    this.valueStarts[count] = at;
    this.valueEnds[count] = after;
    this.count = count + 1;
    at = bytes[after]! <= 0x20 ? skipBlanks(bytes, after, end) : after;
    if (at >= end) this.#fail(at);
    else if (bytes[at] === COMMA) this.#position = bytes[at + 1]! <= 0x20 ? skipBlanks(bytes, at + 1, end) : at + 1;
    else if (bytes[at] === CLOSE_OBJECT) this.#finish(at + 1);
    else this.#fail(at);
    return true;
  }

  /** Where reading goes on: what stands before has been seen. */
  get frontier(): number {
    return this.#position;
  }

  /** Reads to the end; true if the whole text is valid. */
  finish(): boolean {
    while (this.advance());
    return this.complete;
  }

  /** Number of the first member whose key is spelt exactly so, among those found so far, from `from` on; −1 if none. */
  find(key: string, from = 0): number {
    // Behind an empty key stands its closing quote.
    const hint = (key.length << 8) | (key.length > 0 ? key.charCodeAt(0) : QUOTE);
    for (let i = from; i < this.count; i++) {
      if (this.#hints[i] === hint && equalsAt(this.bytes, this.keyStarts[i]!, key)) return i;
    }
    return -1;
  }

  /** {@link find}, reading on until the key turns up or the text ends. */
  seek(key: string): number {
    let i = this.find(key);
    while (i < 0) {
      const from = this.count;
      if (!this.advance()) return -1;
      i = this.find(key, from);
    }
    return i;
  }

  #finish(position: number): void {
    const tail = skipBlanks(this.bytes, position, this.end);
    if (tail < this.end) this.fault = tail;
    else this.complete = true;
  }

  #fail(offset: number): false {
    this.fault = offset;
    return false;
  }
}

/** Whether `text` (a byte string) stands at `at`. The caller has compared lengths. */
export function equalsAt(bytes: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
