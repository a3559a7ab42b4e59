import type { Clock } from '../../shared/platform/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Time that stands still until everything that could run has run, then jumps to the next timer. Nothing waits for real. */
export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs = Date.UTC(2026, 0, 2, 3, 4, 5)) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        this.#timers.delete(timer);
        reject(signal?.reason);
      };
      const timer: Timer = {
        atMs: this.#nowMs + Math.max(0, ms),
        order: this.#order++,
        fire: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      this.#timers.add(timer);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Sets the wall clock forward (or back) without anything running in between: a frozen environment. */
  jump(ms: number): void {
    this.#nowMs += ms;
  }

  /** Jumps to the next timer and fires it. `false` when nobody sleeps. */
  step(): boolean {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (!next || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order)) next = timer;
    }
    if (!next) return false;
    this.#timers.delete(next);
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    next.fire();
    return true;
  }

  /** Runs `work` to its end, time passing only while it waits. @throws Error when it waits for something that is not a timer. */
  async run<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    const done = () => {
      settled = true;
    };
    work.then(done, done);
    for (let idle = 0; !settled; ) {
      await new Promise(setImmediate);
      if (settled) break;
      if (this.step()) idle = 0;
      else if (++idle > 1000) throw new Error('deadlock in virtual time: the work waits, and no timer is set');
    }
    return work;
  }
}
