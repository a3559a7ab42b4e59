/** Bytes (characters of text) that are worth a call. */
const WORTH_WRITING = 1 << 16;

const LINE_FEED = Buffer.from('\n');

/** Lines to a stream, without piling up what its reader does not take. */
export class LineWriter {
  readonly #out: NodeJS.WritableStream;
  #texts: string[] = [];
  #raws: Uint8Array[] = [];
  #size = 0;
  #failure: NodeJS.ErrnoException | undefined;

  constructor(out: NodeJS.WritableStream) {
    this.#out = out;
    out.once('error', (error: NodeJS.ErrnoException) => {
      this.#failure = error;
    });
  }

  /** A line of text. Texts and raw lines are not mixed: one writer writes one kind. */
  text(line: string): void {
    this.#texts.push(line);
    this.#size += line.length;
  }

  /** A line as it was read. */
  raw(line: Uint8Array): void {
    this.#raws.push(line, LINE_FEED);
    this.#size += line.length;
  }

  /** Writes what has come together, if it is enough; waits until it is taken. */
  async pause(): Promise<void> {
    if (this.#size >= WORTH_WRITING) await this.flush();
  }

  /** Nobody reads on behind `| head`, so what is left to write is dropped; any other failure of the stream is thrown. */
  async flush(): Promise<void> {
    const content = this.#texts.length > 0 ? `${this.#texts.join('\n')}\n` : Buffer.concat(this.#raws);
    this.#texts = [];
    this.#raws = [];
    this.#size = 0;
    if (content.length > 0 && !this.#hasFailed() && !this.#out.write(content)) await this.#drained();
    this.#hasFailed();
  }

  #drained(): Promise<void> {
    const events = ['drain', 'close', 'error'] as const;
    return new Promise((resolve) => {
      const done = () => {
        for (const event of events) this.#out.off(event, done);
        resolve();
      };
      for (const event of events) this.#out.on(event, done);
      if (this.#failure) done();
    });
  }

  #hasFailed(): boolean {
    if (this.#failure && this.#failure.code !== 'EPIPE') throw this.#failure;
    return this.#failure !== undefined;
  }
}
