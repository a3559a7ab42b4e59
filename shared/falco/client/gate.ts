import type { Clock } from '../../platform/clock.ts';

/** Lets a bounded number in at a time; the others wait in order. Shared by all deliveries of one destination. */
export class Gate {
  #free: number;
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];

  constructor(width: number, clock: Clock) {
    this.#free = width;
    this.#clock = clock;
  }

  /** Resolves to `true` when in (then {@link leave} is owed), `false` when `waitMs` milliseconds were not enough. */
  async enter(waitMs: number): Promise<boolean> {
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    const stop = new AbortController();
    return new Promise<boolean>((resolve) => {
      const admit = () => {
        stop.abort();
        resolve(true);
      };
      this.#waiting.push(admit);
      this.#clock.sleep(waitMs, stop.signal).then(
        () => {
          const place = this.#waiting.indexOf(admit);
          if (place < 0) return; // Let in at the same moment.
          this.#waiting.splice(place, 1);
          resolve(false);
        },
        () => {},
      );
    });
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
