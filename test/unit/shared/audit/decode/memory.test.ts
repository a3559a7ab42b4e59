import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/** A process of its own, so that nothing else of the test run is measured. */
function decodeGenerated(mebibytes: number, kind: string) {
  const { stdout, stderr } = spawnSync(process.execPath, [resolve(import.meta.dirname, 'decode-generated.ts'), String(mebibytes), kind], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as { good: number; broken: number; records: number; rejects: number; riseMiB: number };
}

describe('memory', () => {
  it.each(['ndjson', 'list', 'envelopes'])('stays within 128 MiB over the base for a large object: %s', (kind) => {
    const { good, broken, records, rejects, riseMiB } = decodeGenerated(100, kind);
    expect([records, rejects]).toEqual([good, broken]);
    expect(riseMiB).toBeLessThan(128);
  });

  it('passes over a value that is too large to be held, and rejects it by reference', () => {
    const { records, rejects, riseMiB } = decodeGenerated(150, 'one-value');
    expect([records, rejects]).toEqual([2, 1]);
    expect(riseMiB).toBeLessThan(128);
  });
});
