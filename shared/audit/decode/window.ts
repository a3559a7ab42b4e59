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
  #searchedEnded = false;

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
   * quote would end it. The magic bytes of gzip are no text.
   * So no content of an event, whoever chose it, is ever taken for the beginning of another event.
   */
  nextStart(i: number): number {
    const known =
      this.#searchedEnded === this.ended && this.#searchedFrom >= 0 && this.#searchedFrom <= i && (this.#found < 0 || this.#found > i);
    if (!known) {
      this.#searchedFrom = i;
      this.#searchedEnded = this.ended;
      this.#found = findStart(this.bytes, i, this.ended);
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

function findStart(bytes: Buffer, from: number, ended: boolean): number {
  let line = bytes.indexOf(LINE_FEED, from);
  while (line >= 0 && !startsBehind(bytes, line)) line = bytes.indexOf(LINE_FEED, line + 1);
  let joint = bytes.indexOf('}{"', from, 'latin1');
  while (joint >= 0 && !isLetter(bytes[joint + 3])) joint = bytes.indexOf('}{"', joint + 3, 'latin1');
  const starts = [line, joint].filter((at) => at >= 0).map((at) => at + 1);
  const member = nextMember(bytes, from + 1);
  if (member >= 0) starts.push(member);
  const first = starts.length === 0 ? -1 : Math.min(...starts);
  if (ended) return first;
  // Near the end of the window it depends on what follows whether a member starts there.
  const doubtful = bytes.indexOf('\x1f\x8b\x08', Math.max(from + 1, bytes.length - MEMBER_HEADER + 1), 'latin1');
  return doubtful >= 0 && doubtful < first ? -1 : first;
}

/** The least bytes that the header of a gzip member has. */
export const MEMBER_HEADER = 10;

/**
 * Where the next gzip member seems to start at or after `i`, with its whole header; -1 if nowhere.
 * Its magic bytes cannot occur in text, and what follows them is bounded.
 */
export function nextMember(bytes: Buffer, i: number): number {
  for (let at = bytes.indexOf('\x1f\x8b\x08', i, 'latin1'); at >= 0; at = bytes.indexOf('\x1f\x8b\x08', at + 1, 'latin1')) {
    if (at + MEMBER_HEADER > bytes.length) return -1;
    const [flags, extra, system] = [bytes[at + 3]!, bytes[at + 8]!, bytes[at + 9]!];
    if (flags < 0x20 && (extra === 0 || extra === 2 || extra === 4) && (system <= 13 || system === 255)) return at;
  }
  return -1;
}

function isLetter(c: number | undefined): boolean {
  return c !== undefined && (c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a;
}
