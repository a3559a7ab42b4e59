import { once } from 'node:events';

/** Text that is handed to the stream when it is worth a call. */
const WORTH_WRITING = 1 << 16;

/** Lines to a stream, without piling up what its reader does not take. */
export class LineWriter {
  readonly #out: NodeJS.WritableStream;
  #pieces: (string | Uint8Array)[] = [];
  #size = 0;
  #failure: NodeJS.ErrnoException | undefined;

  constructor(out: NodeJS.WritableStream) {
    this.#out = out;
    out.once('error', (error: NodeJS.ErrnoException) => {
      this.#failure = error;
    });
  }

  line(content: string | Uint8Array): void {
    this.#pieces.push(content);
    this.#size += content.length + 1;
  }

  /** Writes what has come together, if it is enough; waits until it is taken. */
  async pause(): Promise<void> {
    if (this.#size >= WORTH_WRITING) await this.flush();
  }

  /** Nobody reads on behind `| head`, so what is left to write is dropped; any other failure of the stream is thrown. */
  async flush(): Promise<void> {
    const lines = this.#pieces.splice(0).map((piece) => (typeof piece === 'string' ? Buffer.from(`${piece}\n`) : piece));
    this.#size = 0;
    if (lines.length === 0 || this.#hasFailed()) return;
    const parts = lines.flatMap((line) => (line[line.length - 1] === 0x0a ? [line] : [line, LINE_FEED]));
    if (!this.#out.write(Buffer.concat(parts)) && !this.#hasFailed()) {
      await Promise.race([once(this.#out, 'drain'), once(this.#out, 'close')]).catch(() => undefined);
    }
    this.#hasFailed();
  }

  #hasFailed(): boolean {
    if (this.#failure && this.#failure.code !== 'EPIPE') throw this.#failure;
    return this.#failure !== undefined;
  }
}

const LINE_FEED = Buffer.from('\n');
