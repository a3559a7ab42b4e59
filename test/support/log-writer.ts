import { closeSync, copyFileSync, openSync, renameSync, truncateSync, writeSync } from 'node:fs';

export interface LogWriterOptions {
  readonly path: string;
  readonly linesPerSecond: number;
  /** The text of line `n`, without its end. */
  readonly line: (n: number) => string;
}

/**
 * Writes a log at a steady rate, as a server does: appending, several lines a write. Rotation happens between two writes, as a server that rotates
 * its own log does it, or a logrotate that it does not notice but that runs while nothing is written.
 */
export class LogWriter {
  written = 0;
  rotations = 0;
  readonly #options: LogWriterOptions;
  #file: number;
  readonly #startedMs = Date.now();
  #timer: NodeJS.Timeout;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#file = openSync(options.path, 'a');
    this.#timer = setInterval(() => this.#write(), 10);
  }

  rename(): void {
    renameSync(
      this.#options.path,
      this.#options.path.replace(/\.log$/, `-2026-11-21T10-00-00.${String(this.rotations++).padStart(3, '0')}.log`),
    );
    closeSync(this.#file);
    this.#file = openSync(this.#options.path, 'a');
  }

  copyTruncate(): void {
    for (let n = this.rotations++; n > 0; n--) renameSync(`${this.#options.path}.${n}`, `${this.#options.path}.${n + 1}`);
    copyFileSync(this.#options.path, `${this.#options.path}.1`);
    truncateSync(this.#options.path, 0);
  }

  /** Ends writing. Resolves to the rate that was reached, lines per second. */
  stop(): number {
    clearInterval(this.#timer);
    this.#write();
    closeSync(this.#file);
    return this.written / ((Date.now() - this.#startedMs) / 1000);
  }

  /** As many lines as are due by now, in writes that may end in the middle of a line. */
  #write(): void {
    const due = Math.floor(((Date.now() - this.#startedMs) / 1000) * this.#options.linesPerSecond) - this.written;
    const text = Array.from({ length: due }, () => `${this.#options.line(this.written++)}\n`).join('');
    const half = Math.floor(text.length / 2);
    writeSync(this.#file, text.slice(0, half));
    writeSync(this.#file, text.slice(half));
  }
}
