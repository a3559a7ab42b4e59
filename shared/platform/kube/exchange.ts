import { type Agent, request as send } from 'node:https';
import type { Socket } from 'node:net';
import { messageOf } from '../errors.ts';
import type { KeptSockets } from '../kept-sockets.ts';
import { KubeConnectionError } from './errors.ts';

/** How much of an answer is kept: all of it or nothing, or its end. */
export interface Keeping {
  readonly bytes: number;
  readonly what: 'whole' | 'end';
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** Bytes that came; more than `body` has when its start was dropped. */
  readonly received: number;
  /** What the server wants to be left alone for, milliseconds. */
  readonly waitMs?: number;
}

export interface Connections {
  readonly agent: Agent;
  readonly kept: KeptSockets;
}

interface Request {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body?: string | undefined;
  /** Milliseconds from asking to the last byte of the answer; an answer that trickles is none. */
  readonly timeoutMs: number;
  /** Milliseconds a new connection may take to stand, TLS included. */
  readonly connectTimeoutMs: number;
}

/** One request and its answer; never more than `keeping.bytes` and one chunk are in memory. @throws KubeConnectionError */
export function exchange(
  what: string,
  url: URL,
  { method, headers, body, timeoutMs, connectTimeoutMs }: Request,
  { agent, kept }: Connections,
  keeping: Keeping,
): Promise<Answer> {
  kept.retire(agent);
  const signal = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      const why = signal.aborted ? `none came whole in ${timeoutMs} ms` : `got ${messageOf(error)}`;
      reject(new KubeConnectionError(what, why, error, signal.aborted));
    };
    const outgoing = send(url, { method, headers, agent, signal }, (incoming) => {
      const parts: Buffer[] = [];
      let held = 0;
      let received = 0;
      incoming.on('data', (part: Buffer) => {
        received += part.length;
        held += part.length;
        parts.push(part);
        if (keeping.what === 'whole') {
          if (held > keeping.bytes) incoming.destroy(new Error(`the answer is longer than ${keeping.bytes} bytes`));
          return;
        }
        while (held - parts[0]!.length >= keeping.bytes) held -= parts.shift()!.length;
      });
      incoming.on('end', () => {
        const text = Buffer.concat(parts);
        const seconds = /^\d{1,6}$/.exec(incoming.headers['retry-after'] ?? '')?.[0];
        resolve({
          status: incoming.statusCode ?? 0,
          body: text.subarray(Math.max(0, text.length - keeping.bytes)),
          received,
          ...(seconds === undefined ? {} : { waitMs: Number(seconds) * 1000 }),
        });
      });
      incoming.on('error', fail);
    });
    outgoing.on('socket', (socket: Socket) => {
      kept.count(socket, outgoing);
      if (outgoing.reusedSocket) return;
      const limit = setTimeout(() => outgoing.destroy(new Error(`no connection in ${connectTimeoutMs} ms`)), connectTimeoutMs);
      for (const event of ['secureConnect', 'close']) socket.once(event, () => clearTimeout(limit));
    });
    outgoing.on('error', fail);
    outgoing.end(body);
  });
}
