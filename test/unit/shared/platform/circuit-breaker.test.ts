import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from '../../../../shared/platform/circuit-breaker.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

describe('CircuitBreaker', () => {
  const opened = () => {
    const clock = new VirtualClock();
    const breaker = new CircuitBreaker({ failures: 3, openMs: 1000 }, clock);
    for (let n = 0; n < 3; n++) {
      expect(breaker.enter()).toBe(true);
      breaker.failed();
    }
    return { clock, breaker };
  };

  it('opens after failures in a row, not after scattered ones', () => {
    const breaker = new CircuitBreaker({ failures: 3, openMs: 1000 }, new VirtualClock());
    for (let n = 0; n < 10; n++) {
      breaker.failed();
      breaker.failed();
      breaker.succeeded();
    }
    expect(breaker.enter()).toBe(true);
    expect(opened().breaker.enter()).toBe(false);
  });

  it('lets one probe through when its time is over, and closes on its success', () => {
    const { clock, breaker } = opened();
    clock.jump(999);
    expect(breaker.enter()).toBe(false);
    clock.jump(1);
    expect([breaker.enter(), breaker.enter()]).toEqual([true, false]);
    breaker.succeeded();
    expect([breaker.enter(), breaker.enter()]).toEqual([true, true]);
  });

  it('opens again when the probe fails, and replaces a probe that is never heard of again', () => {
    const { clock, breaker } = opened();
    clock.jump(1000);
    expect(breaker.enter()).toBe(true);
    breaker.failed();
    expect(breaker.enter()).toBe(false);
    clock.jump(1000);
    expect([breaker.enter(), breaker.enter()]).toEqual([true, false]);
    clock.jump(1000);
    expect([breaker.enter(), breaker.enter()]).toEqual([true, false]);
  });
});
