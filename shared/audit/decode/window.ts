/**
 * The part of a decoded text that is in memory. Bytes that were handed out are never overwritten, so records may refer to them;
 * what has been read is let go by moving on to a new buffer.
 */
export class Window {
  bytes: Buffer = Buffer.alloc(0);
  /** Offset in `bytes` of what is to be read next. */
  at = 0;
  /** Offset of `bytes[0]` in the whole decoded text. */
  base: number;
  /** Nothing follows `bytes`. */
  ended = false;
  /** How many bytes from `at` on the reader needs before it can go on. */
  wanted = 1;
  /** 1-based line that ends with the line feed at `#lineEnd`; see {@link lineOf}. */
  #line: number;
  #lineEnd = -1;
  #lineFrom = 0;
  /** What {@link nextStart} found when it searched from `#searchedFrom` on. */
  #found = -1;
  #searchedFrom = -1;

  readonly #countsLines: boolean;

  /** `line`: the line its text begins with; left out, lines are not counted. */
  constructor(base = 0, line?: number) {
    this.base = base;
    this.#countsLines = line !== undefined;
    this.#line = line ?? 1;
  }

  get length(): number {
    return this.bytes.length - this.at;
  }

  append(chunks: readonly Buffer[]): void {
    if (this.#countsLines) this.lineOf(this.at);
    this.base += this.at;
    this.#lineEnd = -1;
    this.#lineFrom = 0;
    this.#searchedFrom = -1;
    const rest = this.bytes.subarray(this.at);
    this.bytes = rest.length === 0 && chunks.length === 1 ? chunks[0]! : Buffer.concat([rest, ...chunks]);
    this.at = 0;
  }

  /** 1-based line of the byte at offset `i`, which must not be before the one asked for last. Only if the window counts lines. */
  lineOf(i: number): number {
    if (this.#lineEnd < 0) this.#lineEnd = lineFeedAt(this.bytes, this.#lineFrom);
    while (this.#lineEnd < i) {
      this.#line++;
      this.#lineEnd = lineFeedAt(this.bytes, this.#lineEnd + 1);
    }
    this.#lineFrom = i;
    return this.#line;
  }

  /**
   * The first offset after `i` at which a new value certainly starts, whatever stands before it; -1 if there is none in the window.
   * A raw line feed cannot lie inside a value in compact JSON, and `}{"` before a letter cannot lie in any JSON: within a string the
   * quote would end it.
   * So no content of an event, whoever chose it, is ever taken for the beginning of another event.
   */
  nextStart(i: number): number {
    const known = this.#searchedFrom >= 0 && this.#searchedFrom <= i && (this.#found < 0 || this.#found > i);
    if (!known) {
      this.#searchedFrom = i;
      this.#found = findStart(this.bytes, i);
    }
    return this.#found;
  }
}

/** The next line feed at or after `i`; the end of the bytes if there is none. */
function lineFeedAt(bytes: Buffer, i: number): number {
  const at = bytes.indexOf(0x0a, i);
  return at < 0 ? bytes.length : at;
}

const LINE_FEED = 0x0a;

/** Whether a value starts right behind the line feed at `i`: an object, a list or a gzip member in the first column. */
export function startsBehind(bytes: Uint8Array, i: number): boolean {
  const next = bytes[i + 1];
  return next === 0x7b || next === 0x5b || (next === 0x1f && bytes[i + 2] === 0x8b);
}

function findStart(bytes: Buffer, from: number): number {
  let line = bytes.indexOf(LINE_FEED, from);
  while (line >= 0 && !startsBehind(bytes, line)) line = bytes.indexOf(LINE_FEED, line + 1);
  let joint = bytes.indexOf('}{"', from, 'latin1');
  while (joint >= 0 && !isLetter(bytes[joint + 3])) joint = bytes.indexOf('}{"', joint + 3, 'latin1');
  if (line < 0) return joint < 0 ? -1 : joint + 1;
  return joint < 0 ? line + 1 : Math.min(line, joint) + 1;
}

function isLetter(c: number | undefined): boolean {
  return c !== undefined && (c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a;
}
