import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../../shared/platform/clock.ts';
import { ANSWER_TEXT_BYTES, HttpTransport, type HttpTransportOptions, TransportError } from '../../../../shared/platform/http.ts';
import { TestAuthority } from '../../../support/certificates.ts';
import { FalcoStandIn } from '../../../support/falco-stand-in.ts';

const DEFAULTS: HttpTransportOptions = {
  maxSockets: 4,
  socketMaxAgeMs: 60_000,
  socketMaxIdleMs: 30_000,
  socketMaxRequests: 200,
  connectTimeoutMs: 20_000,
};
const EVENT = '{"kind":"Event","auditID":"a","stageTimestamp":"2026-01-02T03:04:05Z"}';

let falco: FalcoStandIn;
let transports: HttpTransport[];
/** Real timers, a wall clock that can be moved. */
let shiftMs: number;
const clock: Clock = { now: () => Date.now() + shiftMs, sleep: systemClock.sleep };

beforeEach(async () => {
  falco = await FalcoStandIn.start();
  transports = [];
  shiftMs = 0;
});
afterEach(async () => {
  for (const transport of transports) transport.close();
  await falco.stop();
});

function transport(options: Partial<HttpTransportOptions> = {}): HttpTransport {
  const made = new HttpTransport({ ...DEFAULTS, ...options }, clock);
  transports.push(made);
  return made;
}

function post(via: HttpTransport, url = falco.url, signal = AbortSignal.timeout(20_000)) {
  return via.send({ method: 'POST', url: new URL(url), headers: { 'content-type': 'application/json' }, body: Buffer.from(EVENT) }, signal);
}

async function failureOf(answer: Promise<unknown>): Promise<TransportError> {
  const error = await answer.then(
    () => new Error('no failure'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(TransportError);
  return error as TransportError;
}

describe('HttpTransport', () => {
  it('reuses a connection, until it has carried its share of requests', async () => {
    const via = transport({ socketMaxRequests: 3 });
    for (let n = 0; n < 7; n++) expect((await post(via)).status).toBe(200);
    expect(falco.connections).toBe(3);
    expect(falco.events).toHaveLength(7);
  });

  it('retires a connection by age', async () => {
    const via = transport({ socketMaxAgeMs: 10_000 });
    for (const ageMs of [0, 4000, 8000, 12_000, 16_000]) {
      shiftMs = ageMs;
      await post(via);
    }
    expect(falco.connections).toBe(2);
  });

  it('does not use a connection that slept through a frozen environment, or whose age is unknown because the clock was set back', async () => {
    const via = transport();
    await post(via);
    shiftMs = 31_000;
    await post(via);
    expect(falco.connections).toBe(2);
    shiftMs = -10_000;
    await post(via);
    expect(falco.connections).toBe(3);
  });

  it('opens no more connections than allowed', async () => {
    falco.behave({ kind: 'slow', ms: 20 });
    const via = transport({ maxSockets: 2 });
    await Promise.all(Array.from({ length: 8 }, () => post(via)));
    expect(falco.maxInFlight).toBe(2);
  });

  it('knows that a refused connection took nothing', async () => {
    await falco.refuse();
    expect(await failureOf(post(transport()))).toMatchObject({ code: 'ECONNREFUSED', taken: 'no', retryable: true });
  });

  it('knows that a name which does not resolve took nothing', async () => {
    expect(await failureOf(post(transport(), 'http://falco.invalid:9765/k8s-audit'))).toMatchObject({ taken: 'no', retryable: true });
  });

  it('cannot know what a reset or a time-out took', async () => {
    const via = transport();
    falco.script({ kind: 'reset-after-body' }, { kind: 'hang' });
    expect(await failureOf(post(via))).toMatchObject({ code: 'ECONNRESET', taken: 'maybe', retryable: true });
    const late = new AbortController();
    const failure = failureOf(post(via, falco.url, late.signal));
    while (falco.events.length < 2) await clock.sleep(5);
    late.abort();
    expect(await failure).toMatchObject({ code: 'ETIMEDOUT_ANSWER', taken: 'maybe' });
    expect((await post(via)).status).toBe(200);
  });

  it('gives up a connection that does not come to stand', async () => {
    // Accepts TCP, never speaks TLS.
    const mute = createServer(() => {}).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const url = `https://127.0.0.1:${(mute.address() as AddressInfo).port}/k8s-audit`;
    expect(await failureOf(post(transport({ connectTimeoutMs: 50 }), url))).toMatchObject({ code: 'ETIMEDOUT_CONNECT', taken: 'no' });
    expect(await failureOf(post(transport(), url, AbortSignal.timeout(50)))).toMatchObject({ code: 'ETIMEDOUT_CONNECT', taken: 'no' });
    expect(await failureOf(post(transport(), url, AbortSignal.abort()))).toMatchObject({ taken: 'no' });
    mute.close();
  });

  it('takes the status line for the answer, and only the start of an endless text', async () => {
    const chatty = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.write('HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n');
        const flood = setInterval(() => socket.write(`4000\r\n${'x'.repeat(0x4000)}\r\n`), 1);
        socket.on('close', () => clearInterval(flood));
      });
    }).listen(0, '127.0.0.1');
    await once(chatty, 'listening');
    const answer = await post(transport(), `http://127.0.0.1:${(chatty.address() as AddressInfo).port}/`);
    expect(answer.status).toBe(403);
    expect(answer.text).toBe('x'.repeat(ANSWER_TEXT_BYTES));
    chatty.close();
  });

  describe('over TLS', () => {
    const authority = new TestAuthority();
    const server = authority.issue('falco');
    const client = authority.issue('tiercel');
    let secure: FalcoStandIn;
    const start = async (clientCa?: string) => {
      secure = await FalcoStandIn.start({ tls: { ...server, ...(clientCa ? { clientCa } : {}) } });
    };
    afterEach(() => secure.stop());

    it('trusts the authority it is given, and reuses the connection', async () => {
      await start();
      const via = transport({ ca: authority.cert });
      for (let n = 0; n < 3; n++) expect((await post(via, secure.url)).status).toBe(200);
      expect(secure.connections).toBe(1);
    });

    it('trusts nobody else, and says that an operator is needed', async () => {
      await start();
      expect(await failureOf(post(transport(), secure.url))).toMatchObject({ taken: 'no', retryable: false });
      expect(await failureOf(post(transport({ ca: new TestAuthority().cert }), secure.url))).toMatchObject({
        taken: 'no',
        retryable: false,
      });
      const wrongScheme = falco.url.replace('http:', 'https:');
      expect(await failureOf(post(transport({ ca: authority.cert }), wrongScheme))).toMatchObject({ taken: 'no', retryable: false });
      expect(secure.events).toEqual([]);
    });

    it('shows its client certificate', async () => {
      await start(authority.cert);
      expect((await post(transport({ ca: authority.cert, ...client }), secure.url)).status).toBe(200);
      expect(await failureOf(post(transport({ ca: authority.cert }), secure.url))).toMatchObject({ retryable: false });
      expect(secure.events).toHaveLength(1);
    });
  });
});
