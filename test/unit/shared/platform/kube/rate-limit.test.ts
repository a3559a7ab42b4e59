import { expect, it } from 'vitest';
import { createRateLimiter } from '../../../../../shared/platform/kube/rate-limit.ts';

it('lets a burst through, then one at a time, in order', async () => {
  let now = 0;
  const waits: number[] = [];
  const limiter = createRateLimiter({ perSecond: 10, burst: 3 }, { now: () => now, sleep: async (ms) => void waits.push(ms) });
  for (let call = 0; call < 5; call++) await limiter.take();
  expect(waits).toEqual([100, 200]);
  // After a long pause the burst is full again, and no fuller.
  now = 1_000_000;
  for (let call = 0; call < 4; call++) await limiter.take();
  expect(waits).toEqual([100, 200, 100]);
});
