import { createHmac } from 'node:crypto';
import * as z from 'zod';
import type { Clock } from '../../platform/clock.ts';
import { type HttpAnswer, type Transport, TransportError } from '../../platform/http.ts';
import { type Channel, ChannelError } from './channel.ts';

export interface HttpChannelOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  /** The channel's secret as text, read anew from time to time: JSON with the address, and for a webhook the key. */
  readonly secret: () => Promise<string>;
  /** Milliseconds one request may take. @default 5 000 */
  readonly timeoutMs?: number;
}

/** Plain http would show everybody on the way who is under suspicion; only this very machine is no way. */
const address = z.url().refine((text) => {
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && hostname === '127.0.0.1');
});
const slackSecret = z.object({ url: address });
const webhookSecret = z.object({ url: address, key: z.string().min(32) });

/** Slack's incoming webhook. The text is sent as it is: no mark-up, no links, nobody mentioned. */
export function createSlackChannel(options: HttpChannelOptions): Channel {
  return {
    async send(message) {
      const { url } = await readSecret(options, slackSecret, '{"url": "https://hooks.slack.com/…"}');
      // Slack's own escapes; without them `<!channel>` in the name of an object would wake everybody.
      const text = message.text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
      await post(url, {}, JSON.stringify({ text, mrkdwn: false, unfurl_links: false, unfurl_media: false }), options);
    },
  };
}

/**
 * Any HTTPS endpoint: the message as JSON. `Idempotency-Key` is the message's id. `Tiercel-Signature: t=<seconds>,v1=<hex>` is the HMAC-SHA256 of
 * `<seconds>.<body>` under the key in the secret: receivers check it, and that the time is near.
 */
export function createWebhookChannel(options: HttpChannelOptions): Channel {
  return {
    async send(message) {
      const { url, key } = await readSecret(options, webhookSecret, '{"url": "https://…", "key": "at least 32 characters"}');
      const body = JSON.stringify(message);
      const seconds = Math.floor(options.clock.now() / 1000);
      const signature = createHmac('sha256', key).update(`${seconds}.${body}`).digest('hex');
      await post(url, { 'idempotency-key': message.id, 'tiercel-signature': `t=${seconds},v1=${signature}` }, body, options);
    },
  };
}

async function readSecret<T>({ secret }: HttpChannelOptions, schema: z.ZodType<T>, expected: string): Promise<T> {
  const text = await secret();
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    // Whatever is wrong with it, it may still be a secret.
    throw new ChannelError(`expected its secret to be ${expected}`, { retryable: false });
  }
}

async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  { transport, clock, timeoutMs = 5_000 }: HttpChannelOptions,
): Promise<void> {
  let answer: HttpAnswer;
  try {
    const request = {
      method: 'POST',
      url: new URL(url),
      headers: { 'content-type': 'application/json', ...headers },
      body: Buffer.from(body),
    };
    answer = await transport.send({ ...request, method: 'POST' }, AbortSignal.timeout(timeoutMs));
  } catch (error) {
    // The transport's message may name the host; a webhook's path is the secret, and is in none.
    throw new ChannelError(`no answer: ${error instanceof TransportError ? error.code : 'the request failed'}`, {
      retryable: !(error instanceof TransportError) || error.retryable,
    });
  }
  if (answer.status >= 200 && answer.status < 300) return;
  const retryable = answer.status === 429 || answer.status === 408 || answer.status >= 500;
  throw new ChannelError(`it answered ${answer.status}`, { retryable, waitMs: retryAfterMs(answer.retryAfter, clock) });
}

/** RFC 9110: seconds, or a date. */
function retryAfterMs(text: string | undefined, clock: Clock): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - clock.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
