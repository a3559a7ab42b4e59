import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../../shared/platform/clock.ts';
import { HttpTransport } from '../../../../../shared/platform/http.ts';
import { createSlackChannel, createWebhookChannel } from '../../../../../shared/respond/notify/http.ts';
import { messageFor } from '../../../../../shared/respond/notify/message.ts';
import { entryOf } from '../../../../support/entry.ts';

const KEY = 'k'.repeat(40);
const PATH = '/services/T000/B000/very-secret';
const message = messageFor(
  entryOf({ intent: 'isolate pods prod/<!channel>&' }),
  { channel: 'c', about: 'done', state: 'due', attempts: 0 },
  'prod',
);

interface Seen {
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let stop: (() => Promise<void>) | undefined;
afterEach(() => stop?.());

/** A receiver on loopback, and both channels that go there. */
async function receiver(answer: (response: ServerResponse) => void, timeoutMs = 20_000) {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    seen.push({ url: request.url, headers: request.headers, body });
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const transport = new HttpTransport(
    { maxSockets: 2, socketMaxAgeMs: 10_000, socketMaxIdleMs: 10_000, socketMaxRequests: 10, connectTimeoutMs: 20_000 },
    systemClock,
  );
  stop = async () => {
    transport.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`;
  const options = { transport, clock: systemClock, timeoutMs, secret: async () => JSON.stringify({ url, key: KEY }) };
  return { seen, options, channels: { slack: createSlackChannel(options), webhook: createWebhookChannel(options) } };
}

const ok = (response: ServerResponse) => response.end('ok');

describe('Slack', () => {
  it('gets the text, with nothing in it that Slack would obey', async () => {
    const { seen, channels } = await receiver(ok);
    await channels.slack.send(message);
    const body = JSON.parse(seen[0]!.body);
    expect(seen[0]!.url).toBe(PATH);
    expect(body).toMatchObject({ mrkdwn: false, unfurl_links: false, unfurl_media: false });
    expect(body.text).toContain('Done: isolate pods prod/&lt;!channel&gt;&amp;');
    expect(body.text).not.toMatch(/[<>]/);
  });
});

describe('a webhook', () => {
  it('gets the message as JSON, signed, under an id that stays the same', async () => {
    const { seen, channels } = await receiver(ok);
    await channels.webhook.send(message);
    await channels.webhook.send(message);
    expect(new Set(seen.map(({ headers }) => headers['idempotency-key']))).toEqual(new Set([message.id]));
    const { headers, body } = seen[0]!;
    expect(JSON.parse(body)).toEqual(message);
    const [, seconds, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['tiercel-signature']))!;
    expect(signature).toBe(createHmac('sha256', KEY).update(`${seconds}.${body}`).digest('hex'));
    expect(Math.abs(Number(seconds) - Date.now() / 1000)).toBeLessThan(10);
  });
});

describe.each(['slack', 'webhook'] as const)('%s, when the other side does not take it', (kind) => {
  it.each([
    ['400', 400, false],
    ['404', 404, false],
    ['302, which is not followed', 302, false],
    ['408', 408, true],
    ['429', 429, true],
    ['500', 500, true],
    ['503', 503, true],
  ])('%s', async (_name, status, retryable) => {
    const { seen, channels } = await receiver((response) => response.writeHead(status, { location: '/elsewhere' }).end('no'));
    await expect(channels[kind].send(message)).rejects.toMatchObject({
      code: 'CHANNEL_FAILED',
      retryable,
      message: `it answered ${status}`,
    });
    expect(seen).toHaveLength(1);
  });

  it.each([
    ['7', 7_000],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['soon', undefined],
  ])('hears Retry-After: %s', async (text, waitMs) => {
    const { channels } = await receiver((response) => response.writeHead(429, { 'retry-after': text }).end());
    await expect(channels[kind].send(message)).rejects.toMatchObject({ retryable: true, waitMs });
  });

  it('waits no longer than it says, and never repeats the address', async () => {
    const { channels } = await receiver(() => {}, 300);
    const error = await channels[kind].send(message).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ retryable: true, message: 'no answer: ETIMEDOUT_ANSWER' });
    await stop?.();
    const closed = await channels[kind].send(message).catch((thrown: Error) => thrown);
    expect(closed).toMatchObject({ retryable: true, message: 'no answer: ECONNREFUSED' });
  });

  it('takes a success for one, however long its answer is', async () => {
    const { channels, seen } = await receiver((response) => response.writeHead(200).end('x'.repeat(5_000_000)));
    await channels[kind].send(message);
    expect(seen).toHaveLength(1);
  });

  it.each(['', 'https://hooks.example/very-secret', '{"url": "very-secret"}', '{"url": "http://hooks.example/very-secret", "key": "x"}'])(
    'a secret that is none (%j) is said without being shown',
    async (secret) => {
      const { options, seen } = await receiver(ok);
      const channel = (kind === 'slack' ? createSlackChannel : createWebhookChannel)({ ...options, secret: async () => secret });
      const error = await channel.send(message).catch((thrown: Error) => thrown);
      expect(error).toMatchObject({ retryable: false, message: expect.stringContaining('expected its secret to be') });
      expect(String(error)).not.toContain('very-secret');
      expect(seen).toEqual([]);
    },
  );
});
