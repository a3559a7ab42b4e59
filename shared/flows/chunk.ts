import { createHash } from 'node:crypto';
import type { DecodedItem } from '../audit/index.ts';

/**
 * A run of decoded items that is claimed, delivered and kept as one.
 * Cut before anything is selected or stamped, by ordinals and raw bytes alone, so that a change of rules or configuration between two
 * attempts moves no boundary and the ids stay the same.
 */
export interface Chunk {
  /** sha256, hex. The same bytes from the same place always give the same id. */
  readonly id: string;
  readonly items: readonly DecodedItem[];
  /** 0-based position among the chunks of its delivery or object; what a checkpoint counts. */
  readonly number: number;
}

/** One chunk becomes one request body: 500 events, 768 KiB raw, so that with the stamps it stays under the 1 MiB default body. */
export const CHUNK_MAX_ITEMS = 500;
export const CHUNK_MAX_BYTES = 768 * 1024;

/** Cuts one CloudWatch Logs delivery. The id names the stream, its first and last event id, and the chunk's number in the delivery. */
export function chunkDelivery(items: readonly DecodedItem[], source: { readonly place: readonly string[] }): Chunk[] {
  const ids = items.map(eventIdOf).filter((id) => id !== undefined);
  const place = [...source.place, ids[0] ?? '', ids.at(-1) ?? ''];
  const cutter = new Cutter((_start, number) => digest([...place, String(number)]));
  const chunks = items.flatMap((item) => cutter.add(item) ?? []);
  return [...chunks, ...(cutter.rest() ?? [])];
}

/** Cuts an object as it is decoded. The id names the object's version and the chunk's first decoded offset. */
export async function* chunkObject(
  batches: AsyncIterable<readonly DecodedItem[]>,
  object: { readonly bucket: string; readonly key: string; readonly versionId?: string },
): AsyncGenerator<Chunk> {
  const place = [object.bucket, object.key, object.versionId ?? ''];
  const cutter = new Cutter((startOffset, number) => digest([...place, String(startOffset), String(number)]));
  for await (const batch of batches) {
    for (const item of batch) {
      const chunk = cutter.add(item);
      if (chunk) yield* chunk;
    }
  }
  const last = cutter.rest();
  if (last) yield* last;
}

class Cutter {
  readonly #idOf: (startOffset: number, number: number) => string;
  #items: DecodedItem[] = [];
  #bytes = 0;
  #number = 0;

  constructor(idOf: (startOffset: number, number: number) => string) {
    this.#idOf = idOf;
  }

  /** Takes an item in; returns the chunk that it closed, if any. */
  add(item: DecodedItem): [Chunk] | undefined {
    const bytes = bytesOf(item);
    const full = this.#items.length >= CHUNK_MAX_ITEMS || (this.#items.length > 0 && this.#bytes + bytes > CHUNK_MAX_BYTES);
    const closed = full ? this.rest() : undefined;
    this.#items.push(item);
    this.#bytes += bytes;
    return closed;
  }

  rest(): [Chunk] | undefined {
    const first = this.#items[0];
    if (!first) return undefined;
    const number = this.#number++;
    const chunk = { id: this.#idOf(offsetOf(first), number), items: this.#items, number };
    this.#items = [];
    this.#bytes = 0;
    return [chunk];
  }
}

function bytesOf(item: DecodedItem): number {
  if (item.kind === 'record') return item.record.raw.length;
  return item.kind === 'rejected' ? (item.reject.bytes?.length ?? 0) : 0;
}

function originOf(item: DecodedItem) {
  if (item.kind === 'record') return item.record.origin;
  return item.kind === 'rejected' ? item.reject.origin : item.origin;
}

function eventIdOf(item: DecodedItem): string | undefined {
  const origin = originOf(item);
  return origin?.kind === 'cloudwatch' ? origin.eventId : undefined;
}

/** Where the item starts in the decoded object; events inside an envelope share their envelope's offset. */
function offsetOf(item: DecodedItem): number {
  const origin = originOf(item);
  if (!origin) return 0;
  if (origin.kind === 'cloudwatch') return origin.within?.offset ?? 0;
  return origin.offset;
}

/** Every part is prefixed with its length, so that no two lists of parts share a digest. */
function digest(parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part}`);
  return hash.digest('hex');
}
