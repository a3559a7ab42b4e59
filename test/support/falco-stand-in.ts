import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { skipBlanks, skipKey, skipValue } from '../../shared/audit/json/lexer.ts';

/** Falco's defaults (`webhookMaxBatchSize`, `maxEventSize`). */
const MAX_BATCH_BYTES = 12_582_912;
const MAX_EVENT_BYTES = 262_144;

export interface StandInOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  readonly path?: string;
  /** PEM texts. With `clientCa` a client certificate signed by it is required. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly clientCa?: string };
  readonly maxBatchBytes?: number;
  readonly maxEventBytes?: number;
  /** Default true. Off for benchmarks: bodies are counted and let go, not parsed. */
  readonly keep?: boolean;
}

/** What the receiver does with a request. */
export type Behaviour =
  | { readonly kind: 'accept' }
  /** Takes the body, answers 200 after `ms`: Falco's back-pressure. The body counts even when the client has left. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** Takes the body, never answers. */
  | { readonly kind: 'hang' }
  /** Reads the body, throws it away, answers `code` (503: a balancer with no target). */
  | { readonly kind: 'status'; readonly code: number }
  /** Takes the body, then resets the connection instead of answering. */
  | { readonly kind: 'reset-after-body' }
  /** Resets the connection when the request's head has come; nothing is taken. */
  | { readonly kind: 'reset-before-body' };

export interface ReceivedBody {
  readonly bytes: Buffer;
  /** What Falco would make of it: events read, or why all of it is dropped. */
  readonly events: number;
  readonly form: 'EventList' | 'array' | 'Event' | 'dropped';
  readonly at: number;
}

/**
 * A local receiver that behaves like the webhook of Falco's k8saudit plugin 0.18.0: POST on one path only, JSON content type, body limit, and a 200
 * that says nothing about what the parser does later. It keeps what the parser would accept and why it would drop the rest.
 */
export class FalcoStandIn {
  /** Raw text of every event Falco would evaluate, in order of arrival. */
  readonly events: string[] = [];
  /** What Falco would drop without telling the client. */
  readonly dropped: { readonly reason: string; readonly text: string }[] = [];
  readonly bodies: ReceivedBody[] = [];
  /** Every request whose head was read, with the status answered (0: none). */
  readonly answers: { readonly method: string; readonly url: string; readonly status: number }[] = [];
  /** TCP connections accepted. */
  connections = 0;
  /** Bodies and bytes taken, kept or not. */
  taken = { bodies: 0, bytes: 0 };
  /** Requests being served, now and at most. */
  inFlight = 0;
  maxInFlight = 0;

  #default: Behaviour = { kind: 'accept' };
  #script: Behaviour[] = [];
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #options: StandInOptions;
  #port: number;

  private constructor(options: StandInOptions) {
    this.#options = options;
    this.#port = options.port ?? 0;
  }

  static async start(options: StandInOptions = {}): Promise<FalcoStandIn> {
    const standIn = new FalcoStandIn(options);
    await standIn.listen();
    return standIn;
  }

  get port(): number {
    return this.#port;
  }

  get path(): string {
    return this.#options.path ?? '/k8s-audit';
  }

  get url(): string {
    return `${this.#options.tls ? 'https' : 'http'}://127.0.0.1:${this.#port}${this.path}`;
  }

  /** What happens to every request from now on that no script covers. */
  behave(behaviour: Behaviour): void {
    this.#default = behaviour;
  }

  /** What happens to the next requests, one each. */
  script(...behaviours: readonly Behaviour[]): void {
    this.#script.push(...behaviours);
  }

  /** Refuses connections from now on and cuts the open ones, as a killed Falco does. What was taken stays taken. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  /** Listens (again), on the same port as before. */
  async listen(): Promise<void> {
    if (this.#server) return;
    const tls = this.#options.tls;
    const onRequest = (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response);
    const server = tls
      ? createTlsServer(
          { key: tls.key, cert: tls.cert, ...(tls.clientCa ? { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true } : {}) },
          onRequest,
        )
      : createServer(onRequest);
    server.keepAliveTimeout = 0;
    server.on('connection', (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  stop(): Promise<void> {
    return this.refuse();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.refuse();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.inFlight++;
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    response.on('close', () => {
      this.inFlight--;
    });
    const answer = (status: number, text = '') => {
      this.answers.push({ method: request.method ?? '', url: request.url ?? '', status });
      response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
    };
    const reset = () => {
      this.answers.push({ method: request.method ?? '', url: request.url ?? '', status: 0 });
      request.socket.resetAndDestroy();
    };
    request.on('error', () => {});

    if (request.url?.split('?')[0] !== this.path) return void request.resume().on('end', () => answer(404, '404 page not found\n'));
    if (request.method !== 'POST') return answer(405, `${request.method} method not allowed\n`);
    if (!request.headers['content-type']?.includes('application/json')) {
      return void request.resume().on('end', () => answer(400, 'wrong Content Type\n'));
    }
    const behaviour = this.#script.shift() ?? this.#default;
    if (behaviour.kind === 'reset-before-body') return reset();

    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of request) {
        size += chunk.length;
        if (size <= (this.#options.maxBatchBytes ?? MAX_BATCH_BYTES)) chunks.push(chunk);
      }
    } catch {
      return; // The client went away before the body was complete: Falco has nothing.
    }
    if (size > (this.#options.maxBatchBytes ?? MAX_BATCH_BYTES)) return answer(400, 'bad request: http: request body too large\n');
    if (behaviour.kind === 'status') return answer(behaviour.code);

    this.taken.bodies++;
    this.taken.bytes += size;
    if (this.#options.keep !== false) this.#take(Buffer.concat(chunks, size));
    switch (behaviour.kind) {
      case 'accept':
        return answer(200);
      case 'slow':
        setTimeout(() => answer(200), behaviour.ms).unref();
        return;
      case 'hang':
        return;
      case 'reset-after-body':
        return reset();
    }
  }

  #take(body: Buffer): void {
    const verdict = judge(body, this.#options.maxEventBytes ?? MAX_EVENT_BYTES);
    this.events.push(...verdict.events);
    this.dropped.push(...verdict.dropped);
    this.bodies.push({ bytes: body, events: verdict.events.length, form: verdict.form, at: Date.now() });
  }
}

interface Verdict {
  readonly form: ReceivedBody['form'];
  readonly events: readonly string[];
  readonly dropped: readonly { readonly reason: string; readonly text: string }[];
}

/** What the plugin's parser does with a body, after its 200. */
function judge(body: Buffer, maxEventBytes: number): Verdict {
  const drop = (reason: string): Verdict => ({ form: 'dropped', events: [], dropped: [{ reason, text: body.toString() }] });
  const keep = (form: Verdict['form'], items: readonly Item[]): Verdict => {
    const judged = items.map((item) => ({ text: item.text, reason: whyDropped(item, maxEventBytes) }));
    return {
      form,
      events: judged.filter((item) => !item.reason).map((item) => item.text),
      dropped: judged.flatMap(({ reason, text }) => (reason ? [{ reason, text }] : [])),
    };
  };

  const start = skipBlanks(body, 0, body.length);
  const end = skipValue(body, start, body.length);
  if (end < 0 || skipBlanks(body, end, body.length) !== body.length)
    return drop(`syntax error in the body at byte ${end < 0 ? ~end : end}`);
  if (body[start] === 0x5b) {
    const items = itemsOf(body, start).map((span) => readItem(body, span));
    if (items.some((item) => item.members.get('kind') !== '"Event"')) return drop('an element of a bare array is not an Event');
    return keep('array', items);
  }
  if (body[start] !== 0x7b) return drop('the body is neither an object nor an array');
  const whole = readItem(body, [start, end]);
  const kind = whole.members.get('kind');
  if (kind === '"Event"') return keep('Event', [whole]);
  const list = whole.spans.get('items');
  const items = list && body[list[0]] === 0x5b ? itemsOf(body, list[0]) : [];
  if (kind !== '"EventList"' || items.length === 0) return drop('unrecognised: neither an Event nor an EventList with items');
  return keep(
    'EventList',
    items.map((span) => readItem(body, span)),
  );
}

type Span = readonly [start: number, end: number];

interface Item {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** Raw text of each top-level member; the first of duplicates, as Falco's parser reads. */
  readonly members: ReadonlyMap<string, string>;
  readonly spans: ReadonlyMap<string, Span>;
}

/** The items of an EventList are not asked for their kind: those that kube-apiserver sends have none. */
function whyDropped(item: Item, maxEventBytes: number): string | undefined {
  const stamp = item.members.get('stageTimestamp');
  if (!stamp || !/^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"$/.test(stamp)) return 'no parsable stageTimestamp';
  if (compactLength(item.bytes) > maxEventBytes) return 'larger than maxEventSize';
  return undefined;
}

function itemsOf(body: Uint8Array, open: number): Span[] {
  const spans: Span[] = [];
  let i = skipBlanks(body, open + 1, body.length);
  while (body[i] !== 0x5d) {
    const end = skipValue(body, i, body.length);
    spans.push([i, end]);
    i = skipBlanks(body, end, body.length);
    if (body[i] === 0x2c) i = skipBlanks(body, i + 1, body.length);
  }
  return spans;
}

function readItem(body: Buffer, [start, end]: Span): Item {
  const members = new Map<string, string>();
  const spans = new Map<string, Span>();
  if (body[start] === 0x7b) {
    let i = skipBlanks(body, start + 1, end);
    while (body[i] !== 0x7d) {
      const value = skipKey(body, i, end);
      const after = skipValue(body, value, end);
      const key = body.toString('utf8', i + 1, body.lastIndexOf(0x22, value - 1));
      if (!spans.has(key)) {
        spans.set(key, [value, after]);
        if (after - value < 256) members.set(key, body.toString('utf8', value, after));
      }
      i = skipBlanks(body, after, end);
      if (body[i] === 0x2c) i = skipBlanks(body, i + 1, end);
    }
  }
  return { text: body.toString('utf8', start, end), bytes: body.subarray(start, end), members, spans };
}

/** Bytes left when the blanks outside strings are taken away. */
function compactLength(bytes: Uint8Array): number {
  let length = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const c = bytes[i]!;
    if (!inString && (c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09)) continue;
    length++;
    if (inString && c === 0x5c) {
      i++;
      length++;
    } else if (c === 0x22) inString = !inString;
  }
  return length;
}
