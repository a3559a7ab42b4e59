import { type DecodedItem, decodeStream, describeOrigin, MAX_VALUE_BYTES } from '../../shared/audit/index.ts';

/** Takes what a file holds. `place` names where something stands, for messages. */
export interface EventSink {
  /** One event. False: it is none (fast path only); it is then decoded with what follows it. */
  event(raw: Buffer, place: () => string): boolean;
  /** Something that is not an event, and why. */
  broken(place: string, why: string): void;
  /** What a wrapping holds beside events. */
  skipped(count: number): void;
  /** Called between events; holds the reader up while output is not taken. */
  pause(): Promise<void>;
}

/** How the API server begins an event: kind first, and plain. */
const EVENT = Buffer.from('{"kind":"Event",');
const LINE_FEED = 0x0a;

/**
 * Reads the events of one source. Lines of plain events go straight to the sink; from the first line that is anything else (another wrapping,
 * gzip, JSON over several lines, broken JSON) the rest is decoded as replay decodes it.
 */
export async function readEvents(source: AsyncIterable<Uint8Array>, path: string, sink: EventSink): Promise<void> {
  const lines = new Lines(path, sink);
  const chunks = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await chunks.next();
      const plain = done ? lines.end() : lines.take(asBuffer(value));
      await sink.pause();
      if (!plain) return await decodeRest(lines, done ? undefined : chunks, path, sink);
      if (done) return;
    }
  } finally {
    await chunks.return?.();
  }
}

class Lines {
  readonly #path: string;
  readonly #sink: EventSink;
  /** The beginning of a line whose end has not been read, in pieces. */
  #carried: Buffer[] = [];
  #carriedLength = 0;
  /** Lines before {@link rest}. */
  line = 0;
  rest: Buffer = Buffer.alloc(0);

  constructor(path: string, sink: EventSink) {
    this.#path = path;
    this.#sink = sink;
  }

  /** False: a line is no event; it and what follows are in `rest`. */
  take(chunk: Buffer): boolean {
    if (this.#carriedLength === 0) return this.#lines(chunk, 0);
    const end = chunk.indexOf(LINE_FEED);
    this.#carried.push(end < 0 ? chunk : chunk.subarray(0, end));
    this.#carriedLength += end < 0 ? chunk.length : end;
    // A line that never ends is not looked at again with every chunk.
    if (end < 0 && this.#carriedLength <= MAX_VALUE_BYTES) return true;
    const line = Buffer.concat(this.#carried.splice(0));
    this.#carriedLength = 0;
    if (end < 0) return this.#stop(line);
    if (!this.#isEvent(line, 0, line.length)) return this.#stop(Buffer.concat([line, chunk.subarray(end)]));
    this.line++;
    return this.#lines(chunk, end + 1);
  }

  /** The last line may lack its end. */
  end(): boolean {
    const last = Buffer.concat(this.#carried.splice(0));
    return last.length === 0 || this.#isEvent(last, 0, last.length) || this.#stop(last);
  }

  #lines(bytes: Buffer, from: number): boolean {
    let start = from;
    for (let end = bytes.indexOf(LINE_FEED, start); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      if (!this.#isEvent(bytes, start, end)) return this.#stop(bytes.subarray(start));
      this.line++;
      start = end + 1;
    }
    const tail = bytes.subarray(start);
    this.#carried = tail.length > 0 ? [tail] : [];
    this.#carriedLength = tail.length;
    return true;
  }

  #isEvent(bytes: Buffer, start: number, end: number): boolean {
    if (bytes.compare(EVENT, 0, EVENT.length, start, Math.min(start + EVENT.length, end)) !== 0) return false;
    return this.#sink.event(bytes.subarray(start, end), () => `${this.#path}:${this.line + 1}`);
  }

  #stop(rest: Buffer): false {
    this.rest = rest;
    return false;
  }
}

async function decodeRest(before: Lines, chunks: AsyncIterator<Uint8Array> | undefined, path: string, sink: EventSink): Promise<void> {
  async function* rest(): AsyncGenerator<Uint8Array> {
    yield before.rest;
    for (;;) {
      const next = await chunks?.next();
      if (next === undefined || next.done) return;
      yield next.value;
    }
  }
  for await (const items of decodeStream(rest(), { kind: 'file', path })) {
    for (const item of items) hand(item, before.line, sink);
    await sink.pause();
  }
}

function hand(item: DecodedItem, linesBefore: number, sink: EventSink): void {
  if (item.kind === 'skipped') {
    sink.skipped(item.count);
    return;
  }
  const { origin } = item.kind === 'record' ? item.record : item.reject;
  const place = () => describeOrigin(origin.kind === 'file' ? { ...origin, line: origin.line + linesBefore } : origin);
  // Falco takes events without an id: their ka.* fields have no values.
  const raw = item.kind === 'record' ? item.record.raw : item.reject.reason === 'no-audit-id' ? item.reject.bytes : undefined;
  if (raw === undefined) sink.broken(place(), item.kind === 'rejected' ? item.reject.message : 'no event');
  else if (!sink.event(asBuffer(raw), place)) sink.broken(place(), 'this is not JSON that Falco can read');
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
