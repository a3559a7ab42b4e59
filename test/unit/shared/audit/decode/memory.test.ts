import { describe, expect, it } from 'vitest';
import { decodeGenerated } from './generated-object.ts';

describe('memory', () => {
  it.each(['ndjson', 'list', 'envelopes'])('stays within 128 MiB over the base for a large object: %s', async (kind) => {
    const { good, broken, records, rejects, riseMiB } = await decodeGenerated(100, kind);
    expect([records, rejects]).toEqual([good, broken]);
    expect(riseMiB).toBeLessThan(128);
  });

  it('passes over a value that is too large to be held, and rejects it by reference', async () => {
    const { records, rejects, riseMiB } = await decodeGenerated(150, 'one-value');
    expect([records, rejects]).toEqual([2, 1]);
    expect(riseMiB).toBeLessThan(128);
  });
});
