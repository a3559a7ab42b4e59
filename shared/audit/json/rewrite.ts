import { DEEPEST, skipBlanks, skipKey, skipScalar, skipString, skipValue } from './lexer.ts';
import { utf8 } from './text.ts';

/** A value met on the way, before it is looked into. */
export interface Visit {
  /** An object or a list. */
  readonly container: boolean;
  /** Raw keys from the outside in; elements of a list count as `[]`. The whole text is not visited, so there is at least one. */
  readonly path: readonly string[];
  /** Position among its siblings, from 0. */
  readonly index: number;
  /** Bytes between the quotes if the value is a string, else 0. */
  readonly stringBytes: number;
}

export type Verdict =
  | 'keep'
  | 'drop'
  /** Puts this JSON text in the place of the value. */
  | { readonly replaceBy: string }
  /** Keeps at most so many bytes of a string, never half an escape or character, and adds the mark. */
  | { readonly cutTo: number; readonly mark: string };

/**
 * Copies valid JSON without the blanks between its tokens, leaving out or replacing what `decide` says. Strings, numbers and keys keep their
 * spelling and order, as in fastjson's own output. Follows any nesting up to {@link DEEPEST} without recursion.
 */
export function rewrite(bytes: Uint8Array, decide: (visit: Visit) => Verdict): Uint8Array {
  const end = bytes.length;
  const out = new Output(bytes);
  const path: string[] = [];
  const isObject: boolean[] = [];
  const index: number[] = [];
  const written: number[] = [];
  let j = skipBlanks(bytes, 0, end);
  if (bytes[j] !== 0x7b && bytes[j] !== 0x5b) return bytes.subarray(j, skipValue(bytes, j, end, DEEPEST));
  const open = () => {
    isObject.push(bytes[j] === 0x7b);
    index.push(0);
    written.push(0);
    out.copy(j, j + 1);
    j = skipBlanks(bytes, j + 1, end);
  };
  open();
  while (isObject.length > 0) {
    const top = isObject.length - 1;
    const c = bytes[j]!;
    if (c === 0x7d || c === 0x5d) {
      out.copy(j, j + 1);
      j = skipBlanks(bytes, j + 1, end);
      isObject.pop();
      index.pop();
      written.pop();
      path.pop();
      continue;
    }
    if (c === 0x2c) {
      j = skipBlanks(bytes, j + 1, end);
      continue;
    }
    let key = -1;
    let keyEnd = -1;
    if (isObject[top]) {
      key = j;
      keyEnd = skipString(bytes, j, end);
      j = skipKey(bytes, j, end);
    }
    path.push(key < 0 ? '[]' : utf8(bytes, key + 1, keyEnd - 1));
    const quoted = bytes[j] === 0x22;
    const container = bytes[j] === 0x7b || bytes[j] === 0x5b;
    const stringEnd = quoted ? skipString(bytes, j, end) : j;
    const verdict = decide({ path, container, index: index[top]!++, stringBytes: quoted ? stringEnd - j - 2 : 0 });
    if (verdict === 'drop') {
      j = skipBlanks(bytes, skipValue(bytes, j, end, DEEPEST), end);
      path.pop();
      continue;
    }
    if (written[top]!++ > 0) out.text(',');
    if (key >= 0) {
      out.copy(key, keyEnd);
      out.text(':');
    }
    if (container && verdict === 'keep') {
      open();
      continue;
    }
    const after = quoted ? stringEnd : container ? skipValue(bytes, j, end, DEEPEST) : skipScalar(bytes, j, end);
    if (verdict === 'keep' || ('cutTo' in verdict && !quoted)) out.copy(j, after);
    else if ('replaceBy' in verdict) out.text(verdict.replaceBy);
    else {
      out.copy(j, cutString(bytes, j + 1, after - 1, verdict.cutTo));
      out.text(`${verdict.mark}"`);
    }
    j = skipBlanks(bytes, after, end);
    path.pop();
  }
  return out.bytes();
}

/** The offset at which string content `bytes[i, end)` may be cut so that at most `limit` bytes, whole escapes and whole characters remain. */
function cutString(bytes: Uint8Array, i: number, end: number, limit: number): number {
  let j = i;
  for (;;) {
    let next = j + 1;
    if (bytes[j] === 0x5c) next = j + (bytes[j + 1] === 0x75 ? 6 : 2);
    else while (next < end && (bytes[next]! & 0xc0) === 0x80) next++;
    if (next > end || next - i > limit) return j;
    j = next;
  }
}

/** Text under construction: runs of the input, joined up where they touch, and text in between. */
class Output {
  readonly #source: Uint8Array;
  #out: Buffer;
  #at = 0;
  #from = 0;
  #to = 0;

  constructor(source: Uint8Array) {
    this.#source = source;
    this.#out = Buffer.allocUnsafe(source.length + 1024);
  }

  copy(from: number, to: number): void {
    if (from !== this.#to) {
      this.#flush();
      this.#from = from;
    }
    this.#to = to;
  }

  text(text: string): void {
    this.#flush();
    this.#reserve(text.length);
    this.#at += this.#out.write(text, this.#at, 'latin1');
  }

  bytes(): Uint8Array {
    this.#flush();
    return Buffer.from(this.#out.subarray(0, this.#at));
  }

  #flush(): void {
    if (this.#to > this.#from) {
      this.#reserve(this.#to - this.#from);
      this.#out.set(this.#source.subarray(this.#from, this.#to), this.#at);
      this.#at += this.#to - this.#from;
    }
    this.#from = this.#to;
  }

  /** Replacements can be longer than what they replace. */
  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#out.length) return;
    const larger = Buffer.allocUnsafe((this.#at + bytes) * 2);
    larger.set(this.#out.subarray(0, this.#at));
    this.#out = larger;
  }
}
