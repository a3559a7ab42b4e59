/** One rules file: its name as the user gave it, and its text. */
export class SourceFile {
  readonly name: string;
  readonly text: string;
  #lineStarts: number[] | undefined;

  constructor(name: string, text: string) {
    this.name = name;
    // A byte order mark is no part of the text, nor a column.
    this.text = text.startsWith('\ufeff') ? text.slice(1) : text;
  }

  /** Line and column, both from 1, of an offset (UTF-16 units) in the text. */
  positionOf(offset: number): { line: number; column: number } {
    const starts = this.#lines();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - starts[low]! + 1 };
  }

  /** The text of a line (from 1), without its line break. */
  lineText(line: number): string {
    const starts = this.#lines();
    let end = starts[line] ?? this.text.length;
    while (end > 0 && (this.text[end - 1] === '\n' || this.text[end - 1] === '\r')) end--;
    return this.text.slice(starts[line - 1] ?? 0, end);
  }

  #lines(): number[] {
    if (!this.#lineStarts) {
      this.#lineStarts = [0];
      for (let at = this.text.indexOf('\n'); at >= 0; at = this.text.indexOf('\n', at + 1)) this.#lineStarts.push(at + 1);
    }
    return this.#lineStarts;
  }
}

/** A place in a rules file, half-open. */
export interface Place {
  readonly source: SourceFile;
  readonly start: number;
  readonly end: number;
}
