import { expect, it } from 'vitest';
import { checkSoundness } from '../../../../../support/pre-filter-soundness.ts';

it('drops no event that a rule fires for, in 200,000 pairs', () => {
  const seen = checkSoundness(10_000);
  expect(seen.pairs).toBeGreaterThanOrEqual(100_000);
  expect(seen.fired / seen.pairs).toBeGreaterThanOrEqual(0.3);
});
