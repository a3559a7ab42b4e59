import { skipBlanks, skipKey, skipValue } from '../../../audit/json/lexer.ts';

/**
 * The members of an event's top level, found from left to right and only as far as somebody asks: the pre-filter mostly stops long before
 * the request's body. Reaching the end validates the whole text with fastjson's grammar.
 */
export class MemberIndex {
  readonly bytes: Buffer;
  /** Offset of the opening brace. */
  readonly start: number;
  readonly end: number;
  count = 0;
  /** Offsets of the first byte of key `i` (after its quote), of the byte after it, of its value and of the byte after that. */
  readonly keyStarts: number[] = [];
  readonly keyEnds: number[] = [];
  readonly valueStarts: number[] = [];
  readonly valueEnds: number[] = [];
  /** A key with a backslash in it was met: byte comparison of keys is not the whole truth any more. */
  escapedKeys = false;
  /** Offset of the fault, −1 while there is none. */
  fault = -1;
  /** The whole text has been seen and is valid. */
  complete = false;
  #position: number;
  readonly #maxDepth: number;

  /** `bytes` must not change while the index lives. `maxDepth` as in the lexer, for the whole text. */
  constructor(bytes: Buffer, start: number, end: number, maxDepth: number) {
    this.bytes = bytes;
    this.end = end;
    this.#maxDepth = maxDepth;
    const open = skipBlanks(bytes, start, end);
    this.start = open;
    this.#position = open;
    if (open >= end || bytes[open] !== 0x7b) this.fault = open;
    else {
      const first = skipBlanks(bytes, open + 1, end);
      if (bytes[first] === 0x7d && first < end) this.#finish(first + 1);
      else this.#position = first;
    }
  }

  /** Finds one more member. False at the end and at a fault. */
  advance(): boolean {
    if (this.complete || this.fault >= 0) return false;
    const { bytes, end, count } = this;
    const key = this.#position;
    const value = skipKey(bytes, key, end);
    if (value < 0) return this.#fail(~value);
    const after = skipValue(bytes, value, end, this.#maxDepth - 1);
    if (after < 0) return this.#fail(~after);
    let keyEnd = key + 1;
    for (let c = bytes[keyEnd]!; c !== 0x22; c = bytes[keyEnd]!) {
      if (c === 0x5c) {
        this.escapedKeys = true;
        keyEnd++;
      }
      keyEnd++;
    }
    this.keyStarts[count] = key + 1;
    this.keyEnds[count] = keyEnd;
    this.valueStarts[count] = value;
    this.valueEnds[count] = after;
    this.count = count + 1;
    const next = skipBlanks(bytes, after, end);
    if (next >= end) this.#fail(next);
    else if (bytes[next] === 0x2c) this.#position = skipBlanks(bytes, next + 1, end);
    else if (bytes[next] === 0x7d) this.#finish(next + 1);
    else this.#fail(next);
    return true;
  }

  /** Reads to the end; true if the whole text is valid. */
  finish(): boolean {
    while (this.advance());
    return this.complete;
  }

  /** Number of the first member whose key is spelt exactly so, among those found so far, from `from` on; −1 if none. */
  find(key: string, from = 0): number {
    const { bytes, keyStarts, keyEnds, count } = this;
    const length = key.length;
    for (let i = from; i < count; i++) {
      const start = keyStarts[i]!;
      if (keyEnds[i]! - start === length && equalsAt(bytes, start, key)) return i;
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
