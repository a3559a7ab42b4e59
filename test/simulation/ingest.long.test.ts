import { expect, it } from 'vitest';
import { simulate } from './ingest.ts';

const SEEDS = 5000;

it(`keeps every event, in ${SEEDS} further runs`, async () => {
  const failures: string[] = [];
  for (let seed = 1001; seed <= 1000 + SEEDS; seed++) {
    const { violations } = await simulate(seed);
    if (violations.length > 0) failures.push(`npm run sim -- --seed ${seed}: ${violations.join('; ')}`);
  }
  expect(failures).toEqual([]);
});
