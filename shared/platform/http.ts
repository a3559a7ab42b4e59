import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { Socket } from 'node:net';
import type { Clock } from './clock.ts';
import { messageOf, TiercelError } from './errors.ts';
import { KEPT_POOL, KeptSockets } from './kept-sockets.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface HttpAnswer {
  readonly status: number;
  /** The start of the answer's body, at most {@link ANSWER_TEXT_BYTES} bytes. */
  readonly text: string;
  /** `Retry-After`, as it came: seconds or a date. */
  readonly retryAfter?: string;
}

/** Carries one request. An interface, so that the fault harness can stand in for the network. */
export interface Transport {
  /** @throws TransportError when no status line came before `signal` aborted or the connection broke. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>;
}

/**
 * No answer. `taken` says what the other side may have of the request:
 * `no`: the connection never stood, so nothing was sent; `maybe`: bytes went out, the request may have had its effect.
 */
export class TransportError extends TiercelError {
  readonly taken: 'no' | 'maybe';

  constructor(code: string, message: string, taken: 'no' | 'maybe', cause?: unknown) {
    super(code, message, { retryable: !NEEDS_AN_OPERATOR.test(code), cause });
    this.taken = taken;
  }
}

/** Codes of failed certificate checks (OpenSSL's verification results and Node's own): the same call fails until somebody changes something. */
const NEEDS_AN_OPERATOR = /^(CERT_|ERR_TLS_CERT|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(GET|VERIFY|DECRYPT|DECODE)|EPROTO$)/;

export interface HttpTransportOptions {
  /** Open connections per host, at most. */
  readonly maxSockets: number;
  /** A connection older than this is not used for another request. */
  readonly socketMaxAgeMs: number;
  /** Nor is one that was idle for longer than this, by the wall clock: a frozen environment counts. */
  readonly socketMaxIdleMs: number;
  /** Nor one that has carried this many requests. */
  readonly socketMaxRequests: number;
  /** How long a connection may take to stand, TLS included. */
  readonly connectTimeoutMs: number;
  /** PEM. Replaces the system's authorities. */
  readonly ca?: string;
  /** PEM of the client certificate and its key. */
  readonly cert?: string;
  readonly key?: string;
}

export const ANSWER_TEXT_BYTES = 1024;

/** HTTP and HTTPS over `node:http(s)` with kept-alive connections which are retired by age, idle time and number of requests. Redirects are answers like any other. */
export class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #clock: Clock;
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;
  readonly #kept: KeptSockets;

  constructor(options: HttpTransportOptions, clock: Clock) {
    const { maxSockets, socketMaxAgeMs, socketMaxIdleMs, socketMaxRequests, ca, cert, key } = options;
    const pool = { ...KEPT_POOL, maxSockets };
    this.#kept = new KeptSockets({ maxAgeMs: socketMaxAgeMs, maxIdleMs: socketMaxIdleMs, maxRequests: socketMaxRequests }, clock);
    this.#options = options;
    this.#clock = clock;
    this.#http = new HttpAgent(pool);
    this.#https = new HttpsAgent({ ...pool, ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) });
  }

  send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const secure = request.url.protocol === 'https:';
    const agent = secure ? this.#https : this.#http;
    this.#kept.retire(agent);
    return new Promise((resolve, reject) => {
      let connected = false;
      let answered = false;
      const call = (secure ? requestHttps : requestHttp)(request.url, {
        method: request.method,
        agent,
        headers: { ...request.headers, 'content-length': request.body.byteLength },
      });
      const connecting = new AbortController();
      const settle = () => {
        connecting.abort();
        signal.removeEventListener('abort', onAbort);
      };
      const fail = (error: unknown, code = codeOf(error)) => {
        settle();
        if (!answered) reject(new TransportError(code, messageOf(error), connected ? 'maybe' : 'no', error));
      };
      const onAbort = () => {
        const what = connected ? 'no answer came in time' : 'no connection stood in time';
        fail(new Error(what), connected ? 'ETIMEDOUT_ANSWER' : 'ETIMEDOUT_CONNECT');
        call.destroy();
      };
      call.on('error', fail);
      call.on('socket', (socket: Socket) => {
        this.#kept.count(socket, call);
        // From here on bytes may leave: the kernel does not tell which of them arrived.
        const stands = () => {
          connected = true;
          connecting.abort();
        };
        if (call.reusedSocket) return stands();
        socket.once(secure ? 'secureConnect' : 'connect', stands);
        this.#clock.sleep(this.#options.connectTimeoutMs, connecting.signal).then(onAbort, () => {});
      });
      call.on('response', (response: IncomingMessage) => {
        readStart(response, signal).then((text) => {
          // The status line is the answer, whatever becomes of the text after it.
          answered = true;
          settle();
          const retryAfter = response.headers['retry-after'];
          resolve({ status: response.statusCode ?? 0, text, ...(retryAfter === undefined ? {} : { retryAfter }) });
        });
      });
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      call.end(request.body);
    });
  }

  /** Closes idle connections. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'TRANSPORT';
}

/** Reads an answer to its end, keeps its start. An answer that grows or lasts too long costs its connection. */
async function readStart(response: IncomingMessage, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const stop = () => response.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of response) {
      if (size < ANSWER_TEXT_BYTES) chunks.push(chunk);
      size += chunk.length;
      if (size > 64 * ANSWER_TEXT_BYTES) break;
    }
  } catch {
    // Cut off: what came is enough.
  } finally {
    signal.removeEventListener('abort', stop);
  }
  return Buffer.concat(chunks).subarray(0, ANSWER_TEXT_BYTES).toString('utf8');
}
