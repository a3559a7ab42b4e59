import { sourceOffset } from '../read/position.ts';
import type { Place } from '../read/source.ts';
import type { YamlScalar } from '../read/yaml.ts';

/** A stretch of pasted text that was copied from a scalar, byte for byte. */
interface Piece {
  /** Where it starts in the pasted text. */
  readonly start: number;
  readonly length: number;
  readonly scalar: YamlScalar;
  /** Where it starts in the scalar's text. */
  readonly from: number;
}

/**
 * A condition text (byte string) put together from the user's scalars: appended parts, exceptions, list items. It remembers which
 * byte came from which scalar, so that a diagnostic can point at the file although Falco parses the text after everything was pasted.
 */
export class Paste {
  readonly text: string;
  readonly #pieces: readonly Piece[];
  #words: ReadonlySet<string> | undefined;

  constructor(text: string, pieces: readonly Piece[]) {
    this.text = text;
    this.#pieces = pieces;
  }

  static of(scalar: YamlScalar): Paste {
    return new Paste(scalar.text, [{ start: 0, length: scalar.text.length, scalar, from: 0 }]);
  }

  /**
   * The place in a rules file of a range of the text. Glue between pieces (a comma, ` and not `) belongs to the piece before it, but an
   * opening parenthesis or quote to the piece behind it; a range over several scalars ends with the first.
   */
  placeOf(start: number, end: number): Place | undefined {
    const index = Math.max(0, this.#indexAt(start));
    const next = this.#pieces[index + 1];
    const opens = next !== undefined && /^[("]+$/.test(this.text.slice(start, next.start));
    const piece = opens ? next : this.#pieces[index];
    if (!piece) return undefined;
    const from = sourceOffset(piece.scalar, piece.from + Math.min(piece.length, Math.max(0, start - piece.start)));
    const last = Math.min(piece.length, Math.max(0, end - piece.start));
    const to = sourceOffset(piece.scalar, piece.from + last);
    return { source: piece.scalar.source, start: from, end: Math.max(from + 1, to) };
  }

  /** What stands between delimiters: the candidates for names of lists. */
  get words(): ReadonlySet<string> {
    this.#words ??= new Set(wordsOf(this.text));
    return this.#words;
  }

  /** False: the text is what stands in one place of one file. */
  get isPasted(): boolean {
    const [only] = this.#pieces;
    return this.#pieces.length !== 1 || only!.length !== this.text.length;
  }

  /** Hands a range of this text, with its origins, to a builder. */
  copyTo(builder: PasteBuilder, start: number, end: number): void {
    let at = start;
    let index = this.#indexAt(start);
    if (index < 0) index = 0;
    for (; at < end && index < this.#pieces.length; index++) {
      const piece = this.#pieces[index]!;
      if (piece.start >= end) break;
      if (piece.start > at) builder.glue(this.text.slice(at, piece.start));
      const from = Math.max(at, piece.start);
      const to = Math.min(end, piece.start + piece.length);
      if (to > from) builder.piece(this.text.slice(from, to), piece.scalar, piece.from + from - piece.start);
      at = Math.max(at, piece.start, to);
    }
    if (at < end) builder.glue(this.text.slice(at, end));
  }

  /** Index of the last piece that starts at or before the offset; -1 if none does. */
  #indexAt(offset: number): number {
    let low = -1;
    let high = this.#pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#pieces[middle]!.start <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

export function wordsOf(text: string): string[] {
  return text.split(/[ \t\n\r(),=]+/);
}

interface Part {
  text: string;
  readonly scalar: YamlScalar | undefined;
  readonly from: number;
}

export class PasteBuilder {
  readonly #parts: Part[] = [];
  length = 0;

  /** Text that stands in no file. */
  glue(text: string): void {
    this.#add({ text, scalar: undefined, from: 0 });
  }

  piece(text: string, scalar: YamlScalar, from = 0): void {
    this.#add({ text, scalar, from });
  }

  paste(paste: Paste): void {
    paste.copyTo(this, 0, paste.text.length);
  }

  /** Takes away the last characters as long as they are of `set`, at most `most`. Returns how many. */
  trimEnd(set: string, most = Number.POSITIVE_INFINITY): number {
    let removed = 0;
    while (removed < most) {
      const last = this.#parts.at(-1);
      if (!last) break;
      if (last.text === '') {
        this.#parts.pop();
        continue;
      }
      if (!set.includes(last.text.at(-1)!)) break;
      last.text = last.text.slice(0, -1);
      removed++;
      this.length--;
    }
    return removed;
  }

  /** The last character, or '' at the start. */
  get last(): string {
    for (let index = this.#parts.length - 1; index >= 0; index--) {
      const { text } = this.#parts[index]!;
      if (text !== '') return text.at(-1)!;
    }
    return '';
  }

  build(): Paste {
    const pieces: Piece[] = [];
    let start = 0;
    for (const { text, scalar, from } of this.#parts) {
      if (scalar && text !== '') pieces.push({ start, length: text.length, scalar, from });
      start += text.length;
    }
    return new Paste(this.#parts.map(({ text }) => text).join(''), pieces);
  }

  #add(part: Part): void {
    if (part.text === '') return;
    this.#parts.push(part);
    this.length += part.text.length;
  }
}
