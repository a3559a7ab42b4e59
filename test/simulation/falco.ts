import { type HttpAnswer, type HttpRequest, type Transport, TransportError } from '../../shared/platform/http.ts';
import type { Process, World } from './world.ts';

/** One run of a function for one trigger. */
export interface Invocation {
  readonly name: string;
  outcome: 'running' | 'finished' | 'unfinished' | 'died';
}

/** A body Falco has taken. */
export interface Taken {
  readonly ids: readonly string[];
  readonly invocation: Invocation;
  /** The sender got the 200. */
  answered: boolean;
}

/** All replicas of Falco, behind their balancer. */
export class SimulatedFalco {
  readonly taken: Taken[] = [];
  /** Always-on checks that failed. */
  readonly complaints: string[] = [];
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** The network from one process to Falco. */
  transport(process: Process, invocation: () => Invocation): Transport {
    return { send: (request, signal) => process.lasting(this.#send(request, signal, process, invocation())) };
  }

  async #send(request: HttpRequest, signal: AbortSignal, process: Process, invocation: Invocation): Promise<HttpAnswer> {
    const { random, faults, clock } = this.#world;
    const away = this.#world.falcoDown || random.chance(faults.falcoAway);
    const balancer = random.chance(0.3);
    const lost = random.chance(faults.falcoLost);
    const lostLate = random.chance(0.5);
    const crashBefore = random.chance(faults.crash);
    const crashAfter = random.chance(faults.crash);
    await untilAborted(clock.sleep(random.int(1, 10)), signal, 'no');
    if (crashBefore) process.die('before a body went out');
    if (!process.alive) throw new TransportError('GONE', 'the sender is gone', 'no');
    if (away && balancer) return { status: 503, text: '' };
    if (away) throw new TransportError('ECONNREFUSED', 'connection refused', 'no');
    if (lost && !lostLate) throw new TransportError('ECONNRESET', 'reset before the body was complete', 'maybe');

    const body: Taken = { ids: this.#read(request.body), invocation, answered: false };
    this.taken.push(body);
    this.#world.log(`${process.name}: Falco takes ${body.ids.length} events, ${body.ids[0]} to ${body.ids.at(-1)}`);
    if (crashAfter) process.die('after a body was taken');
    if (lost && random.chance(0.5)) {
      // No answer, ever.
      await untilAborted(new Promise<void>(() => {}), signal, 'maybe');
    }
    await untilAborted(clock.sleep(this.#world.latencyMs()), signal, 'maybe');
    if (lost) throw new TransportError('ECONNRESET', 'reset after the body was taken', 'maybe');
    body.answered = process.alive;
    return { status: 200, text: '' };
  }

  #read(bytes: Uint8Array): string[] {
    if (bytes.length > 12_582_912) this.complaints.push(`a body of ${bytes.length} bytes`);
    const list = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
      kind: string;
      items: { auditID: string; kind: string; stageTimestamp: string }[];
    };
    if (list.kind !== 'EventList' || list.items.length === 0) this.complaints.push('a body that is no EventList with items');
    for (const item of list.items) {
      if (item.kind !== 'Event' || !item.auditID || !item.stageTimestamp)
        this.complaints.push(`an item Falco would drop: ${JSON.stringify(item).slice(0, 200)}`);
    }
    return list.items.map(({ auditID }) => auditID);
  }
}

async function untilAborted(work: Promise<void>, signal: AbortSignal, taken: 'no' | 'maybe'): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => reject(new TransportError('ETIMEDOUT_ANSWER', 'timed out', taken));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, reject);
  });
}
