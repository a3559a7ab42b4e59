import { gzipSync } from 'node:zlib';
import type { AuditRecord } from '../audit/index.ts';
import type { ObjectStore } from '../platform/object-store.ts';
import type { Chunk } from './chunk.ts';
import { NDJSON_GZIP } from './quarantine.ts';

/**
 * Parks prepared records that the destination did not take: gzip NDJSON of their stamped text, under the chunk's id.
 *
 * An object that is already there is a success: an earlier attempt at this chunk got as far as writing down what it had not delivered,
 * and everything else of the chunk it had delivered. What that attempt missed is in the object, so nothing is lost by keeping it.
 */
export async function writeSpool(store: ObjectStore, chunk: Pick<Chunk, 'id'>, records: readonly AuditRecord[]): Promise<void> {
  const lines = records.flatMap((record) => [record.raw, LINE_FEED]);
  await store.putIfAbsent(`${chunk.id}.ndjson.gz`, gzipSync(Buffer.concat(lines)), NDJSON_GZIP);
}

const LINE_FEED = Buffer.from('\n');
