import { skipBlanks, skipKey, skipValue } from '../../../audit/json/lexer.ts';
import { readBytes } from './intern.ts';
import { equalsAt, type MemberIndex } from './members.ts';
import { quoteLikeGo } from './quote.ts';
import { unescapeJson } from './unescape.ts';

/** A value is named by the offset of its first byte; {@link ABSENT} is no value. */
export type Value = number;
export const ABSENT = -1;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

/**
 * One plugin's view of an event: values are found in the bytes when asked for, nothing is built that nobody reads.
 * Reading a member of the top level validates the text up to there; what is read below it has been validated then.
 * The text of the whole event may be asked for only when all of it has been (`index.complete`).
 *
 * It has fastjson's memory, because that shows in the texts of objects and arrays: a string that was read by itself, and the keys of an
 * object in which a key was sought in vain, are written anew (see quote.ts) when the value around them is written; everything else keeps its spelling.
 */
export class JsonDocument {
  readonly #index: MemberIndex;
  readonly #bytes: Buffer;
  readonly #end: number;
  readonly root: Value;
  #readStrings: Set<Value> | undefined;
  #unescapedObjects: Set<Value> | undefined;
  /** Counts changes of the memory above: a text of an object or array is good as long as this stands. */
  rewrites = 0;

  constructor(index: MemberIndex) {
    this.#index = index;
    this.#bytes = index.bytes;
    this.#end = index.end;
    this.root = index.start;
  }

  isString(value: Value): boolean {
    return this.#typeOf(value) === QUOTE;
  }

  isArray(value: Value): boolean {
    return this.#typeOf(value) === OPEN_ARRAY;
  }

  isObject(value: Value): boolean {
    return this.#typeOf(value) === OPEN_OBJECT;
  }

  /** First byte of a value. As with fastjson, to ask a string for its type is to read it. */
  #typeOf(value: Value): number | undefined {
    const first = this.#bytes[value];
    if (first === QUOTE) this.rawText(value);
    return first;
  }

  isTrue(value: Value): boolean {
    return this.#bytes[value] === 0x74;
  }

  /** One step of a path: an object's member, or an array's element when the key reads as a number. */
  get(value: Value, key: string): Value {
    if (value === ABSENT) return ABSENT;
    const first = this.#bytes[value];
    if (first === OPEN_OBJECT) return this.#member(value, key);
    if (first !== OPEN_ARRAY) return ABSENT;
    const position = goAtoi(key);
    return position >= 0 ? this.element(value, position) : ABSENT;
  }

  element(array: Value, position: number): Value {
    let left = position;
    for (const element of this.elements(array)) if (left-- === 0) return element;
    return ABSENT;
  }

  /** The elements of an array; none for anything else. */
  elements(value: Value): Value[] {
    const found: Value[] = [];
    const bytes = this.#bytes;
    if (bytes[value] !== OPEN_ARRAY) return found;
    let at = this.#skip(value + 1);
    while (bytes[at] !== CLOSE_ARRAY) {
      found.push(at);
      at = this.#skip(skipValue(bytes, at, this.#end));
      if (bytes[at] === COMMA) at = this.#skip(at + 1);
    }
    return found;
  }

  /** The keys of an object, unescaped, duplicates included. As with fastjson's Visit, the object is written with Go's quotes from now on. */
  keys(object: Value): string[] {
    const found: string[] = [];
    let escaped = false;
    this.#eachMember(object, (start, end) => {
      const key = this.#bytes.toString('latin1', start, end);
      escaped ||= /[\\\x00-\x1f]/.test(key);
      found.push(unescapeJson(key));
      return false;
    });
    if (escaped) this.#rememberUnescaped(object);
    return found;
  }

  /** A string's text, unescaped; the compact JSON text of anything else. Cut at the first NUL, as everything that passes through C is. */
  text(value: Value): string {
    const text = this.rawText(value);
    const nul = text.indexOf('\0');
    return nul < 0 ? text : text.slice(0, nul);
  }

  /** {@link text} with what follows a NUL. */
  rawText(value: Value): string {
    const bytes = this.#bytes;
    if (bytes[value] !== QUOTE) return this.write(value);
    let end = value + 1;
    let special = false;
    for (let c = bytes[end]!; c !== QUOTE; c = bytes[end]!) {
      if (c === BACKSLASH) {
        special = true;
        end++;
      } else if (c < 0x20) special = true;
      end++;
    }
    const raw = readBytes(bytes, value + 1, end);
    if (!special) return raw;
    if (!this.#readStrings?.has(value)) {
      this.#readStrings ??= new Set();
      this.#readStrings.add(value);
      this.rewrites++;
    }
    return unescapeJson(raw);
  }

  /** The compact JSON text of a value. */
  write(value: Value): string {
    const end = skipValue(this.#bytes, value, this.#end);
    const text = readBytes(this.#bytes, value, end);
    const first = this.#bytes[value];
    if (first !== OPEN_OBJECT && first !== OPEN_ARRAY && first !== QUOTE) return text;
    if (this.#readStrings === undefined && this.#unescapedObjects === undefined && !/[ \t\r\n]/.test(text)) return text;
    return this.#rewrite(value, end);
  }

  #skip(at: number): number {
    return this.#bytes[at]! <= 0x20 ? skipBlanks(this.#bytes, at, this.#end) : at;
  }

  #member(object: Value, key: string): Value {
    if (!this.#unescapedObjects?.has(object)) {
      const found = object === this.root ? this.#rootMember(key) : this.#nestedMember(object, key);
      if (found !== SEEK_UNESCAPED) return found;
      this.#rememberUnescaped(object);
    }
    let found: Value = ABSENT;
    this.#eachMember(object, (start, end, value) => {
      if (unescapeJson(this.#bytes.toString('latin1', start, end)) !== key) return false;
      found = value;
      return true;
    });
    return found;
  }

  #rootMember(key: string): Value {
    const i = this.#index.seek(key);
    return i >= 0 ? this.#index.valueStarts[i]! : this.#index.escapedKeys ? SEEK_UNESCAPED : ABSENT;
  }

  #nestedMember(object: Value, key: string): Value {
    const bytes = this.#bytes;
    const end = this.#end;
    const length = key.length;
    let escaped = false;
    let at = this.#skip(object + 1);
    while (bytes[at] !== CLOSE_OBJECT) {
      const keyStart = at + 1;
      let keyEnd = keyStart;
      for (let c = bytes[keyEnd]!; c !== QUOTE; c = bytes[keyEnd]!) {
        if (c === BACKSLASH || c < 0x20) {
          escaped = true;
          if (c === BACKSLASH) keyEnd++;
        }
        keyEnd++;
      }
      if (escaped) this.#index.nestedEscapedKeys = true;
      at = this.#skip(this.#skip(keyEnd + 1) + 1);
      if (keyEnd - keyStart === length && equalsAt(bytes, keyStart, key)) return at;
      at = this.#skip(skipValue(bytes, at, end));
      if (bytes[at] === COMMA) at = this.#skip(at + 1);
    }
    return escaped ? SEEK_UNESCAPED : ABSENT;
  }

  /** Calls `see` with the bounds of each key and its value until it returns true. */
  #eachMember(object: Value, see: (keyStart: number, keyEnd: number, value: Value) => boolean): void {
    const bytes = this.#bytes;
    let at = this.#skip(object + 1);
    while (bytes[at] !== CLOSE_OBJECT) {
      let keyEnd = at + 1;
      for (let c = bytes[keyEnd]!; c !== QUOTE; c = bytes[keyEnd]!) {
        if (c === BACKSLASH || c < 0x20) {
          this.#index.nestedEscapedKeys = true;
          if (c === BACKSLASH) keyEnd++;
        }
        keyEnd++;
      }
      const value = skipKey(bytes, at, this.#end);
      if (see(at + 1, keyEnd, value)) return;
      at = this.#skip(skipValue(bytes, value, this.#end));
      if (bytes[at] === COMMA) at = this.#skip(at + 1);
    }
  }

  #rememberUnescaped(object: Value): void {
    if (this.#unescapedObjects?.has(object)) return;
    this.#unescapedObjects ??= new Set();
    this.#unescapedObjects.add(object);
    this.rewrites++;
  }

  /** Copies [value, end) without blanks, with what fastjson would write anew. Strings are met one by one, so nesting needs no stack but for keys. */
  #rewrite(value: Value, end: number): string {
    const bytes = this.#bytes;
    const objects: boolean[] = [];
    const rewritten: boolean[] = [];
    let expectKey = false;
    let text = '';
    let at = value;
    while (at < end) {
      const c = bytes[at]!;
      if (c === QUOTE) {
        let close = at + 1;
        for (let d = bytes[close]!; d !== QUOTE; d = bytes[close]!) close += d === BACKSLASH ? 2 : 1;
        const raw = bytes.toString('latin1', at + 1, close);
        const anew = expectKey ? rewritten[rewritten.length - 1] : this.#readStrings?.has(at);
        text += anew ? quoteLikeGo(unescapeJson(raw)) : `"${raw}"`;
        expectKey = false;
        at = close + 1;
        continue;
      }
      if (c > 0x20) {
        text += String.fromCharCode(c);
        if (c === OPEN_OBJECT || c === OPEN_ARRAY) {
          objects.push(c === OPEN_OBJECT);
          rewritten.push(c === OPEN_OBJECT && this.#unescapedObjects?.has(at) === true);
          expectKey = c === OPEN_OBJECT;
        } else if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) {
          objects.pop();
          rewritten.pop();
        } else if (c === COMMA) expectKey = objects[objects.length - 1] === true;
      }
      at++;
    }
    return text;
  }
}

const SEEK_UNESCAPED = -2;

/** Go's strconv.Atoi for what can be an index: optional sign, decimal digits. −1 for anything else and for what no array can hold. */
export function goAtoi(key: string): number {
  if (!/^[+-]?[0-9]+$/.test(key)) return -1;
  const number = Number(key);
  return number >= 0 && number <= 0x7fffffff ? number : -1;
}
