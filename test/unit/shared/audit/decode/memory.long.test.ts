import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

it.each(['ndjson', 'list', 'envelopes', 'one-value'])('decodes a generated object of 2 GiB within 128 MiB over the base: %s', (kind) => {
  const { stdout, stderr } = spawnSync(process.execPath, [resolve(import.meta.dirname, 'decode-generated.ts'), '2048', kind], {
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(stderr);
  const { good, broken, records, rejects, riseMiB } = JSON.parse(stdout) as Record<string, number>;
  expect([records, rejects]).toEqual([good, broken]);
  expect(riseMiB).toBeLessThan(128);
  console.log(`${kind}: ${records} records, ${riseMiB} MiB over the base`);
});
