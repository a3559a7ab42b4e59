import { expect, it } from 'vitest';
import { fuzz } from '../../../../../support/engine-fuzz.ts';

it('neither crashes nor hangs over any condition, output and event', () => {
  const { conditions, loaded } = fuzz(400, 5);
  // Without conditions that load nothing would be evaluated.
  expect(loaded / conditions).toBeGreaterThan(0.2);
});
