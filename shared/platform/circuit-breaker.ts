import type { Clock } from './clock.ts';

export interface CircuitBreakerOptions {
  /** Failures in a row that open the circuit. */
  readonly failures: number;
  /** How long it stays open before one call may try again, milliseconds. */
  readonly openMs: number;
}

/**
 * Keeps callers away from a receiver that is down. Closed: all calls pass. Open: none does. When `openMs` is over, one call passes as a probe;
 * its success closes the circuit, its failure opens it again. A probe that is never reported (the process was frozen) is replaced after another `openMs`.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  readonly #clock: Clock;
  #failures = 0;
  /** Set while the circuit is not closed: when the next call may pass, epoch milliseconds. */
  #nextProbeMs: number | undefined;

  constructor(options: CircuitBreakerOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Asks to make a call. Who gets `true` reports back with {@link succeeded} or {@link failed}. */
  enter(): boolean {
    if (this.#nextProbeMs === undefined) return true;
    const now = this.#clock.now();
    if (now < this.#nextProbeMs) return false;
    this.#nextProbeMs = now + this.#options.openMs;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#nextProbeMs = undefined;
  }

  failed(): void {
    this.#failures++;
    if (this.#failures >= this.#options.failures) this.#nextProbeMs = this.#clock.now() + this.#options.openMs;
  }
}
