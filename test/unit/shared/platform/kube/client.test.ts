import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createDeafServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createKubeClient, KubeConnectionError, KubeStatusError } from '../../../../../shared/platform/kube/index.ts';
import { TestAuthority } from '../../../../support/certificates.ts';

const authority = new TestAuthority();
const pod = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' };
const object = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
};
const CALL = { auditId: 'tiercel/x/0' };

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
type Answer = (seen: Seen, response: ServerResponse) => void;

let stop: (() => Promise<void>) | undefined;
afterEach(() => stop?.());

/** A server that gives the answers in turn, the last one for ever. */
async function serve(...answers: Answer[]) {
  const seen: Seen[] = [];
  const slept: number[] = [];
  const time = { nowMs: 0 };
  const connections = new Set<Socket>();
  const tokens = { given: 0, refused: [] as (string | undefined)[] };
  const { key, cert } = authority.issue('api');
  const server = createServer({ key, cert }, async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    const { method, url, headers } = request;
    expect(url).toMatch(/^\/clusters\/c-1\/api/);
    seen.push({ method, url: url?.replace('/clusters/c-1', ''), headers, body });
    (answers[seen.length - 1] ?? answers.at(-1)!)(seen.at(-1)!, response);
  });
  server.on('secureConnection', (socket: Socket) => connections.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = createKubeClient({
    endpoint: {
      server: `https://127.0.0.1:${(server.address() as AddressInfo).port}/clusters/c-1/`,
      caPem: authority.cert,
      token: async (refused) => {
        tokens.refused.push(refused);
        return `secret-token${refused === undefined ? '' : `-${++tokens.given}`}`;
      },
    },
    clock: {
      now: () => time.nowMs,
      sleep: async (ms) => {
        slept.push(ms);
      },
    },
    random: { next: () => 0.5, hex: () => '' },
    timeoutMs: answers.some((answer) => answer === silence || answer === trickle) ? 300 : 20_000,
  });
  stop = async () => {
    client.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { client, seen, slept, time, connections, tokens };
}

const json =
  (status: number, body: unknown): Answer =>
  (_seen, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
const status = (code: number, reason: string) => json(code, { kind: 'Status', reason, message: `because ${reason}` });
const reset: Answer = (_seen, response) => {
  response.socket?.destroy();
};
const silence: Answer = () => {};
const trickle: Answer = (_seen, response) => {
  response.writeHead(200);
  const drip = setInterval(() => response.write(' '), 20);
  response.on('close', () => clearInterval(drip));
};

describe('the Kubernetes client', () => {
  it('says who asks, and why, with every request', async () => {
    const { client, seen } = await serve(json(200, object));
    expect(await client.get(pod, CALL)).toEqual(object);
    expect(seen[0]).toMatchObject({
      method: 'GET',
      url: '/api/v1/namespaces/prod/pods/web',
      headers: { 'audit-id': 'tiercel/x/0', authorization: 'Bearer secret-token' },
    });
  });

  describe('reading logs', () => {
    const question = { namespace: 'prod', pod: 'web', container: 'c', previous: false, lines: 100, bytes: 1000 };
    const text =
      (...parts: string[]): Answer =>
      (_seen, response) => {
        response.writeHead(200, { 'content-type': 'text/plain' });
        for (const part of parts) response.write(part);
        response.end();
      };

    it('asks for the end of one container’s log', async () => {
      const { client, seen } = await serve(text('one\n', 'two\n'));
      expect(await client.logs({ ...question, previous: true }, CALL)).toEqual({ text: Buffer.from('one\ntwo\n'), cut: false });
      expect(seen[0]?.url).toBe(
        '/api/v1/namespaces/prod/pods/web/log?container=c&timestamps=true&tailLines=100&limitBytes=16777216&previous=true',
      );
      expect(seen[0]?.headers['audit-id']).toBe(CALL.auditId);
    });

    it('keeps the last bytes of a long one, whatever its pieces, and says so', async () => {
      const { client } = await serve(text('x'.repeat(70_000), 'y'.repeat(990), 'the end 10'), text('z'.repeat(1000)));
      const long = await client.logs(question, CALL);
      expect(long).toEqual({ text: Buffer.from(`${'y'.repeat(990)}the end 10`), cut: true });
      expect(await client.logs(question, CALL)).toMatchObject({ cut: false });
    });

    it('tells why there is none', async () => {
      const { client, seen } = await serve(status(400, 'BadRequest'));
      await expect(client.logs(question, CALL)).rejects.toMatchObject({ status: 400, retryable: false, detail: 'because BadRequest' });
      expect(seen).toHaveLength(1);
    });

    it('does not wait for one that trickles for ever', async () => {
      const { client, seen } = await serve(trickle);
      await expect(client.logs(question, CALL)).rejects.toMatchObject({ code: 'KUBE_CONNECTION', retryable: true });
      expect(seen.length).toBeGreaterThan(0);
    });
  });

  it('lists what a selector names, and stops when it has enough', async () => {
    const { client, seen } = await serve(json(200, { items: [object, object], metadata: { continue: 'more' } }));
    expect(await client.list(pod, CALL, { fieldSelector: 'involvedObject.uid=u&x', atMost: 2 })).toHaveLength(2);
    expect(seen.map(({ url }) => url)).toEqual(['/api/v1/namespaces/prod/pods?limit=2&fieldSelector=involvedObject.uid%3Du%26x']);
  });

  it('keeps names inside their segment of the path', async () => {
    const { client, seen } = await serve(json(200, object));
    await client.get({ ...pod, apiGroup: 'a.b/c', name: '../../secrets?x=%2e#' }, CALL);
    expect(seen[0]?.url).toBe('/apis/a.b%2Fc/v1/namespaces/prod/pods/..%2F..%2Fsecrets%3Fx%3D%252e%23');
    for (const name of ['', '.', '..']) await expect(client.get({ ...pod, name }, CALL)).rejects.toThrow(RangeError);
  });

  it('takes only a 404 for an absence', async () => {
    const { client } = await serve(status(404, 'NotFound'));
    expect(await client.get(pod, CALL)).toBeUndefined();
    await stop?.();
    const forbidden = await serve(status(403, 'Forbidden'));
    await expect(forbidden.client.get(pod, CALL)).rejects.toMatchObject({ status: 403, reason: 'Forbidden', retryable: false });
  });

  it.each([
    ['429', status(429, 'TooManyRequests')],
    ['500', status(500, 'InternalError')],
    ['a reset', reset],
  ])('repeats a read after %s', async (_name, answer) => {
    const { client, seen, slept } = await serve(answer, answer, json(200, object));
    expect(await client.get(pod, CALL)).toEqual(object);
    expect(seen).toHaveLength(3);
    expect(slept).toHaveLength(2);
  });

  it.each([
    ['silence', silence],
    ['an answer that trickles', trickle],
  ])('repeats a read after %s, once: the next one would take as long', async (_name, answer) => {
    const { client, seen } = await serve(answer, json(200, object), answer, answer);
    expect(await client.get(pod, CALL)).toEqual(object);
    await expect(client.get(pod, CALL)).rejects.toMatchObject({ code: 'KUBE_CONNECTION', retryable: true });
    expect(seen).toHaveLength(4);
  });

  it('does not wait long for a connection', async () => {
    const sockets: Socket[] = [];
    const deaf = createDeafServer((socket) => sockets.push(socket.on('error', () => {})));
    deaf.listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    const client = createKubeClient({
      endpoint: { server: `https://127.0.0.1:${(deaf.address() as AddressInfo).port}` },
      clock: { now: () => 0, sleep: async () => {} },
      random: { next: () => 0, hex: () => '' },
      connectTimeoutMs: 50,
    });
    await expect(client.get(pod, CALL)).rejects.toThrow('no connection in 50 ms');
    expect(sockets).toHaveLength(4);
    client.close();
    for (const socket of sockets) socket.destroy();
    deaf.close();
  });

  it('gives up on a read, with the last answer', async () => {
    const { client, seen } = await serve(status(503, 'ServiceUnavailable'));
    await expect(client.get(pod, CALL)).rejects.toMatchObject({ status: 503, retryable: true });
    expect(seen).toHaveLength(4);
  });

  it('repeats a write only when it was refused unseen', async () => {
    const busy = await serve(status(429, 'TooManyRequests'), json(200, object));
    await busy.client.delete(pod, { uid: 'u' }, CALL);
    expect(busy.seen).toHaveLength(2);
    await stop?.();
    for (const answer of [status(500, 'InternalError'), reset, silence, trickle]) {
      const { client, seen } = await serve(answer, json(200, object));
      await expect(client.patch(pod, {}, CALL)).rejects.toMatchObject({ retryable: true });
      expect(seen).toHaveLength(1);
      await stop?.();
    }
  });

  it('leaves the server alone for as long as it says, and does not wait when that is long', async () => {
    const busy =
      (seconds: string): Answer =>
      (_seen, response) =>
        response.writeHead(429, { 'retry-after': seconds }).end('{}');
    const { client, seen, slept } = await serve(busy('2'), json(200, object), busy('60'));
    expect(await client.get(pod, CALL)).toEqual(object);
    expect(slept).toEqual([2000]);
    await expect(client.get(pod, CALL)).rejects.toMatchObject({ status: 429, retryable: true });
    expect(seen).toHaveLength(3);
  });

  it('asks for another token when one is refused, once, also for a write', async () => {
    const { client, seen, tokens } = await serve(status(401, 'Unauthorized'), json(200, object), status(401, 'Unauthorized'));
    await client.delete(pod, { uid: 'u' }, CALL);
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer secret-token', 'Bearer secret-token-1']);
    expect(tokens.refused).toEqual([undefined, 'secret-token']);
    await expect(client.get(pod, CALL)).rejects.toMatchObject({ status: 401, retryable: false });
    expect(seen).toHaveLength(4);
  });

  it('keeps a connection, but none that was idle for long: whatever is in between may have forgotten it', async () => {
    const { client, connections, time } = await serve(json(200, object));
    await client.get(pod, CALL);
    await client.get(pod, CALL);
    expect(connections.size).toBe(1);
    time.nowMs += 61_000;
    await client.get(pod, CALL);
    expect(connections.size).toBe(2);
  });

  it('does not follow a list that has no end, and makes nothing of its start', async () => {
    const { client, seen } = await serve(json(200, { items: [], metadata: { continue: 'again' } }));
    await expect(client.list(pod, CALL)).rejects.toMatchObject({ code: 'KUBE_LIST', retryable: false });
    expect(seen).toHaveLength(40);
  });

  it('sends preconditions and patches as Kubernetes wants them', async () => {
    const { client, seen } = await serve(json(200, object));
    await client.delete(pod, { uid: 'u', resourceVersion: '7', propagationPolicy: 'Orphan', gracePeriodSeconds: 0 }, CALL);
    expect(JSON.parse(seen[0]!.body)).toEqual({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid: 'u', resourceVersion: '7' },
      propagationPolicy: 'Orphan',
      gracePeriodSeconds: 0,
    });
    await client.patch(pod, { metadata: { labels: { a: null } } }, CALL);
    expect(seen[1]).toMatchObject({ method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' } });
  });

  it('lists page by page', async () => {
    const page = (name: string, next: string) => json(200, { items: [{ metadata: { name } }], metadata: { continue: next } });
    const { client, seen } = await serve(page('a', 'token/+='), page('b', ''));
    expect(
      (await client.list({ apiGroup: '', apiVersion: 'v1', resource: 'services', namespace: 'prod' }, CALL)).map(
        ({ metadata }) => metadata.name,
      ),
    ).toEqual(['a', 'b']);
    expect(seen[1]?.url).toBe('/api/v1/namespaces/prod/services?limit=500&continue=token%2F%2B%3D');
  });

  it.each([
    [{ allowed: true }, true],
    [{ allowed: false }, false],
    [{ denied: true }, false],
    [undefined, false],
  ])('asks for the rights of somebody else, subresource apart: %j', async (answer, expected) => {
    const { client, seen } = await serve(json(201, { kind: 'SubjectAccessReview', status: answer }));
    const subject = { username: 'respond', groups: ['tiercel-respond'] };
    expect(await client.maySubject(subject, { verb: 'create', apiGroup: '', resource: 'pods/eviction' }, CALL)).toBe(expected);
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/apis/authorization.k8s.io/v1/subjectaccessreviews' });
    expect(JSON.parse(seen[0]!.body).spec).toEqual({
      user: 'respond',
      groups: ['tiercel-respond'],
      resourceAttributes: { verb: 'create', group: '', resource: 'pods', subresource: 'eviction' },
    });
  });

  it('never repeats the token or the body in an error', async () => {
    const { client } = await serve(status(422, 'Invalid'));
    const error = await client.create(pod, { secret: 'hidden' }, CALL).catch((thrown: unknown) => thrown as Error);
    expect(error).toBeInstanceOf(KubeStatusError);
    expect(String(error)).not.toMatch(/secret-token|hidden/);
  });

  it('refuses a server that its authority did not sign', async () => {
    const { client } = await serve(json(200, object));
    const other = createKubeClient({
      endpoint: { server: 'https://127.0.0.1:1', caPem: new TestAuthority().cert },
      clock: { now: () => 0, sleep: async () => {} },
      random: { next: () => 0, hex: () => '' },
    });
    await expect(other.get(pod, CALL)).rejects.toThrow(KubeConnectionError);
    expect(await client.get(pod, CALL)).toEqual(object);
    other.close();
  });

  it.each([
    ['text', 'not json'],
    ['an object without identity', '{"metadata":{}}'],
    ['nothing', ''],
  ])('takes %s for no answer', async (_name, text) => {
    const { client } = await serve((_seen, response) => response.end(text));
    await expect(client.create(pod, {}, CALL)).rejects.toThrow(KubeConnectionError);
  });
});
