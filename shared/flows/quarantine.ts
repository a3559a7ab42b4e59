import { gzipSync } from 'node:zlib';
import { describeOrigin, type Reject } from '../audit/index.ts';
import type { ObjectStore } from '../platform/object-store.ts';
import type { Chunk } from './chunk.ts';

/**
 * Parks what can never be delivered, one object per chunk: gzip NDJSON of
 * `{reason, message, origin, where, range?, base64?}`. Written before the chunk is confirmed, under the chunk's own id, so a repeated
 * attempt finds it there and changes nothing.
 */
export async function writeQuarantine(store: ObjectStore, chunk: Pick<Chunk, 'id'>, rejects: readonly Reject[]): Promise<void> {
  if (rejects.length === 0) return;
  const lines = rejects.map((reject) =>
    JSON.stringify({
      reason: reject.reason,
      message: reject.message,
      where: describeOrigin(reject.origin),
      origin: reject.origin,
      ...(reject.range ? { range: reject.range } : {}),
      ...(reject.bytes ? { base64: Buffer.from(reject.bytes).toString('base64') } : {}),
    }),
  );
  await store.putIfAbsent(`${chunk.id}.ndjson.gz`, gzipSync(`${lines.join('\n')}\n`), NDJSON_GZIP);
}

/** No Content-Encoding: readers must get the bytes as they are, layers are recognised by magic bytes. */
export const NDJSON_GZIP = { contentType: 'application/x-ndjson+gzip' } as const;
