import type { ClientRequest, Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { Clock } from './clock.ts';

export interface SocketLimits {
  /** A connection older than this is not used for another request. */
  readonly maxAgeMs?: number;
  /** Nor is one that was idle for longer than this, by the wall clock: a frozen environment counts. */
  readonly maxIdleMs: number;
  /** Nor one that has carried this many requests. */
  readonly maxRequests?: number;
}

/** How an agent must be made for {@link KeptSockets}: it skips destroyed connections only at the front of its free list. */
export const KEPT_POOL = { keepAlive: true, scheduling: 'fifo' } as const;

interface SocketUse {
  readonly bornMs: number;
  lastUsedMs: number;
  requests: number;
}

/** Retires the kept-alive connections of an agent by age, idle time and number of requests. */
export class KeptSockets {
  readonly #limits: Required<SocketLimits>;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #uses = new WeakMap<Socket, SocketUse>();

  constructor(limits: SocketLimits, clock: Pick<Clock, 'now'>) {
    this.#limits = { maxAgeMs: Number.POSITIVE_INFINITY, maxRequests: Number.POSITIVE_INFINITY, ...limits };
    this.#clock = clock;
  }

  /** Notes down that a request goes over a connection: on the request's `socket`. */
  count(socket: Socket, call: ClientRequest): void {
    const now = this.#clock.now();
    const use = this.#uses.get(socket) ?? { bornMs: now, lastUsedMs: now, requests: 0 };
    this.#uses.set(socket, use);
    use.lastUsedMs = now;
    use.requests++;
    call.on('close', () => {
      use.lastUsedMs = this.#clock.now();
    });
  }

  /** Asked before every request, so a connection which is due is closed when it would next be used. */
  retire(agent: HttpAgent | HttpsAgent): void {
    const now = this.#clock.now();
    for (const sockets of Object.values(agent.freeSockets)) {
      for (const socket of [...(sockets ?? [])]) {
        const use = this.#uses.get(socket);
        // A wall clock that was set back makes ages negative: then nothing is known about the connection.
        const fresh =
          use !== undefined &&
          use.requests < this.#limits.maxRequests &&
          within(now - use.bornMs, this.#limits.maxAgeMs) &&
          within(now - use.lastUsedMs, this.#limits.maxIdleMs);
        if (!fresh) socket.destroy();
      }
    }
  }
}

function within(ms: number, limit: number): boolean {
  return ms >= 0 && ms <= limit;
}
