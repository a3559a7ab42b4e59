import type { Clock } from '../../shared/platform/clock.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { SeededRandom } from './random.ts';

/** How likely each kind of fault is, per operation. */
export interface Faults {
  /** A service refuses a request: throttled, unavailable. Nothing happened. */
  readonly refused: number;
  /** A service does what it was asked, and its answer is lost. */
  readonly answerLost: number;
  /** The process dies, just before or just after an operation. */
  readonly crash: number;
  /** Something takes tens of seconds. */
  readonly slow: number;
  /** A trigger comes twice. */
  readonly duplicate: number;
  /** Nobody is told of an object in the spool: its message was lost, or given up. */
  readonly unannounced: number;
  /** Falco: a body is taken and the answer lost. */
  readonly falcoLost: number;
  /** Falco: the connection is refused, or a balancer answers 503. */
  readonly falcoAway: number;
}

export const NO_FAULTS: Faults = { refused: 0, answerLost: 0, crash: 0, slow: 0, duplicate: 0, unannounced: 0, falcoLost: 0, falcoAway: 0 };

/** A service failed. What the client libraries throw differs; that they throw does not. */
class ServiceFault extends Error {}

/** Time, chance and the faults of one run, and a trace of what happened. */
export class World {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly trace: string[] = [];
  faults: Faults = NO_FAULTS;
  /** Falco refuses every connection. */
  falcoDown = false;

  constructor(seed: number) {
    this.clock = new VirtualClock();
    this.random = new SeededRandom(seed);
  }

  log(text: string): void {
    this.trace.push(`${new Date(this.clock.now()).toISOString()} ${text}`);
  }

  latencyMs(): number {
    return this.random.chance(this.faults.slow) ? this.random.int(1000, 40_000) : this.random.int(1, 30);
  }

  /** Starts work that nobody waits for. What it throws ends the run. */
  spawn(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      this.failure ??= error;
    });
  }

  failure: unknown;
}

/** Each time a new one: a promise shared by all would hold on to everything that ever waited for it. */
const never = (): Promise<never> => new Promise(() => {});

/** One Lambda execution environment. When it dies, nothing that it waits for ever comes. */
export class Process {
  readonly name: string;
  alive = true;
  readonly died: Promise<'died'>;
  readonly clock: Clock;
  readonly #world: World;
  #die: (how: 'died') => void = () => {};

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.died = new Promise((resolve) => {
      this.#die = resolve;
    });
    this.clock = {
      now: () => world.clock.now(),
      sleep: async (ms, signal) => {
        await this.lasting(world.clock.sleep(ms, signal));
      },
    };
  }

  die(why: string): void {
    if (!this.alive) return;
    this.#world.log(`${this.name} dies: ${why}`);
    this.alive = false;
    this.#die('died');
  }

  /** What a dead process waits for never comes. */
  async lasting<T>(work: Promise<T>): Promise<T> {
    try {
      const value = await work;
      if (this.alive) return value;
    } catch (error) {
      if (this.alive) throw error;
    }
    return never();
  }

  /** A call to a service: takes time, may fail before or after its effect, and the process may die around it. */
  async call<T>(what: string, effect: () => T): Promise<T> {
    const { random, faults, clock } = this.#world;
    if (!this.alive) return never();
    if (random.chance(faults.crash)) {
      this.die(`before ${what}`);
      return never();
    }
    const refused = random.chance(faults.refused);
    const answerLost = random.chance(faults.answerLost);
    const crashAfter = random.chance(faults.crash);
    const arrivesDeadOrAlive = random.chance(0.5);
    await clock.sleep(this.#world.latencyMs());
    if (!this.alive && !arrivesDeadOrAlive) return never();
    if (refused) {
      this.#world.log(`${this.name}: ${what} is refused`);
      return this.lasting(Promise.reject(new ServiceFault(`${what}: unavailable`)));
    }
    const value = effect();
    this.#world.log(`${this.name}: ${what}${typeof value === 'string' ? `: ${value}` : ''}`);
    await clock.sleep(this.#world.latencyMs());
    if (crashAfter) this.die(`after ${what}`);
    if (answerLost) {
      this.#world.log(`${this.name}: the answer to ${what} is lost`);
      return this.lasting(Promise.reject(new ServiceFault(`${what}: no answer`)));
    }
    return this.lasting(Promise.resolve(value));
  }
}
