import { expect, it } from 'vitest';
import { fuzz } from '../../../../../support/engine-fuzz.ts';

it('neither crashes nor hangs over a million conditions with events', () => {
  expect(fuzz(130_000, 10).evaluated).toBeGreaterThanOrEqual(1_000_000);
});
