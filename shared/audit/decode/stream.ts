import type { DecodedItem } from '../item.ts';
import type { ClusterIdentity, FileOrigin, ObjectOrigin } from '../record.ts';
import { Collector } from './collector.ts';
import { openFailedInvocation } from './failed-invocation.ts';
import { type Budget, type Gap, inflateMembers } from './gzip.ts';
import { type Pause, type Place, ValueReader } from './values.ts';
import { Window } from './window.ts';

export interface StreamOptions {
  /** Whose events these are, as far as the operator says so; wins over what envelopes say. */
  readonly identity?: ClusterIdentity;
  /** When the object was written, epoch milliseconds: stands in for the time of events that were cut before their own. */
  readonly timestampMs?: number;
  /** Bytes that all layers together may inflate to; beyond, the rest is rejected. Default: 64 GiB. */
  readonly maxInflatedBytes?: number;
  /** Items handed out together at most. Default: 512. */
  readonly batchSize?: number;
}

const MAX_LAYERS = 4;

/**
 * Decodes an object, a file or standard input, of any size, in bounded memory (some 100 MiB at worst): gzip in up to four layers, members back to back or
 * joined by blanks; JSON documents with or without delimiters; envelopes, bare events, lists of events. All of it is recognised by its bytes, at every
 * place anew, so mixtures work too. Lambda's records of failed invocations are opened. Never throws for bad data: that becomes rejects. Errors of `source` itself are passed on.
 *
 * The same bytes give the same items in the same order however `source` cuts them. Records refer to buffers of up to 16 MiB:
 * who keeps a record for long should copy its `raw`.
 */
export async function* decodeStream(
  source: AsyncIterable<Uint8Array>,
  at: Omit<ObjectOrigin, 'offset'> | Omit<FileOrigin, 'offset' | 'line'>,
  options: StreamOptions = {},
): AsyncGenerator<DecodedItem[]> {
  const decoder = new StreamDecoder(at, options);
  let any = false;
  for await (const items of decoder.layer(asBuffers(source), 0)) {
    any = true;
    yield items.flatMap((item) => openFailedInvocation(item, options.identity));
  }
  if (!any) yield [{ kind: 'skipped', reason: 'empty', count: 1, origin: decoder.originAt(0) }];
}

async function* asBuffers(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    if (chunk.length > 0) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
  }
}

class StreamDecoder {
  readonly #place: NonNullable<Place>;
  readonly #options: StreamOptions;
  readonly #budget: Budget;
  readonly #collect = new Collector();
  /** Decoded bytes of the text read so far, over all layers. */
  #decoded = 0;
  /** 1-based line that has been reached; counted for files only. */
  #line: number | undefined;

  constructor(place: NonNullable<Place>, options: StreamOptions) {
    this.#place = place;
    this.#options = options;
    this.#line = place.kind === 'file' ? 1 : undefined;
    this.#budget = { left: options.maxInflatedBytes ?? 64 * 1024 ** 3 };
  }

  originAt(offset: number) {
    return this.#place.kind === 'object' ? { ...this.#place, offset } : { ...this.#place, offset, line: 1 };
  }

  /** One layer: reads values from `chunks`, and what is gzip among them as a layer of its own. */
  async *layer(chunks: AsyncIterable<Buffer | Gap>, depth: number): AsyncGenerator<DecodedItem[]> {
    const iterator = chunks[Symbol.asyncIterator]();
    let window = new Window(this.#decoded, this.#line);
    let reader = this.#reader(window);
    let gap: Gap | undefined;

    const fill = async (): Promise<boolean> => {
      if (window.ended) return false;
      const got: Buffer[] = [];
      let length = window.length;
      const before = length;
      do {
        const next = await iterator.next();
        if (next.done === true || !Buffer.isBuffer(next.value)) {
          window.ended = true;
          gap = next.done === true ? undefined : (next.value as Gap);
          break;
        }
        got.push(next.value);
        length += next.value.length;
      } while (length < window.wanted);
      if (got.length > 0) window.append(got);
      return length > before;
    };

    try {
      for (;;) {
        const pause: Pause | 'full' = reader.read(this.#options.batchSize ?? 512);
        if (this.#collect.items.length > 0) yield this.#collect.take();
        if (pause === 'full') continue;
        if (pause === 'more') {
          await fill();
          continue;
        }
        if (this.#line !== undefined) this.#line = window.lineOf(window.at);
        if (pause === 'gzip' && depth < MAX_LAYERS) {
          this.#decoded = window.base + window.at;
          // The members are one text: a value may begin in one and end in the next.
          window.wanted = 1;
          yield* this.layer(inflateMembers({ window, fill }, this.#budget), depth + 1);
          window.base = this.#decoded - window.at;
          continue;
        }
        const reason = pause === 'gzip' ? 'too-many-layers' : gap?.reason;
        const offset = window.base + window.at;
        this.#decoded = offset;
        if (reason !== undefined) this.#collect.reject(reason, this.originAt(offset), { range: { start: offset, end: offset } });
        if (this.#collect.items.length > 0) yield this.#collect.take();
        if (pause === 'gzip') {
          // The layers above are only in step again when this one has been read to its end.
          do window.at = window.bytes.length;
          while (await fill());
          return;
        }
        if (gap === undefined) return;
        gap = undefined;
        window = new Window(offset, this.#line);
        reader = this.#reader(window);
      }
    } finally {
      await iterator.return?.();
    }
  }

  #reader(window: Window): ValueReader {
    return new ValueReader(window, this.#collect, this.#place, {
      identity: this.#options.identity ?? {},
      timestampMs: this.#options.timestampMs,
    });
  }
}
