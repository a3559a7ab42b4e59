import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DecodedItem } from '../../../../shared/audit/index.ts';
import { CHUNK_MAX_BYTES, CHUNK_MAX_ITEMS, chunkDelivery, chunkObject } from '../../../../shared/flows/chunk.ts';

const place = { place: ['123456789012', '/aws/eks/prod/cluster', 'kube-apiserver-audit-0'] };

function record(eventId: string, bytes: number, offset = 0): DecodedItem {
  return {
    kind: 'record',
    record: {
      raw: new Uint8Array(bytes),
      origin: {
        kind: 'cloudwatch',
        account: '123456789012',
        logGroup: '/aws/eks/prod/cluster',
        logStream: 'kube-apiserver-audit-0',
        eventId,
        timestampMs: 0,
        within: { kind: 'object', bucket: 'b', key: 'k', offset },
      },
      identity: {},
    },
  };
}

const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 100_000, max: 900_000 })), { maxLength: 1500 });

async function* inBatches(items: readonly DecodedItem[], size: number): AsyncGenerator<DecodedItem[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

async function collect<Item>(source: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of source) all.push(item);
  return all;
}

describe('chunks', () => {
  it('hold every item once, in order, within their bounds', () => {
    fc.assert(
      fc.property(sizes, (bytes) => {
        const items = bytes.map((size, at) => record(String(at), size));
        const chunks = chunkDelivery(items, place);
        expect(chunks.flatMap((chunk) => chunk.items)).toEqual(items);
        for (const chunk of chunks) {
          const total = chunk.items.reduce((sum, item) => sum + (item.kind === 'record' ? item.record.raw.length : 0), 0);
          expect(chunk.items.length).toBeLessThanOrEqual(CHUNK_MAX_ITEMS);
          expect(chunk.items.length === 1 || total <= CHUNK_MAX_BYTES).toBe(true);
        }
        expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(chunks.length);
      }),
      { numRuns: 30 },
    );
  });

  it('fall in the same places however the decoder batches an object', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 700 }), async (bytes, batch) => {
        const items = bytes.map((size, at) => record(String(at), size, at * 10));
        const object = { bucket: 'b', key: 'k', versionId: 'v' };
        const whole = await collect(chunkObject(inBatches(items, items.length + 1), object));
        const batched = await collect(chunkObject(inBatches(items, batch), object));
        expect(batched.map(({ id, number, items: inside }) => [id, number, inside.length])).toEqual(
          whole.map(({ id, number, items: inside }) => [id, number, inside.length]),
        );
      }),
      { numRuns: 20 },
    );
  });

  it('have other ids in another stream, for other events, and in another version of an object', async () => {
    const items = [record('1', 10), record('2', 10)];
    const idOf = (where: string[], what: readonly DecodedItem[]) => chunkDelivery(what, { place: where })[0]!.id;
    const ids = [
      idOf(place.place, items),
      idOf(['123456789012', '/aws/eks/prod/cluster', 'kube-apiserver-audit-1'], items),
      idOf(['123456789012', '/aws/eks/prod', '/clusterkube-apiserver-audit-0'], items),
      idOf(place.place, [record('1', 10), record('3', 10)]),
      (await collect(chunkObject(inBatches(items, 9), { bucket: 'b', key: 'k', versionId: 'v1' })))[0]!.id,
      (await collect(chunkObject(inBatches(items, 9), { bucket: 'b', key: 'k', versionId: 'v2' })))[0]!.id,
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});
