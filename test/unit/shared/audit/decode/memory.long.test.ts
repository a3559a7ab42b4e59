import { expect, it } from 'vitest';
import { decodeGenerated } from './generated-object.ts';

it.each(['ndjson', 'list', 'envelopes', 'one-value'])(
  'decodes a generated object of 2 GiB within 128 MiB over the base: %s',
  async (kind) => {
    const { good, broken, records, rejects, riseMiB } = await decodeGenerated(2048, kind);
    expect([records, rejects]).toEqual([good, broken]);
    console.log(`${kind}: ${records} records, ${riseMiB} MiB over the base`);
    expect(riseMiB).toBeLessThan(128);
  },
);
