import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

export interface EnvelopeOptions {
  readonly owner?: string;
  readonly logGroup?: string;
  readonly logStream?: string;
  readonly timestampMs?: number;
  readonly messageType?: string;
}

/** The JSON text of a CloudWatch Logs subscription message around these log messages. Event ids follow from the content. */
export function envelopeText(messages: readonly string[], options: EnvelopeOptions = {}): string {
  const timestamp = options.timestampMs ?? Date.UTC(2026, 10, 21, 8, 30);
  return JSON.stringify({
    messageType: options.messageType ?? 'DATA_MESSAGE',
    owner: options.owner ?? '123456789012',
    logGroup: options.logGroup ?? '/aws/eks/prod/cluster',
    logStream: options.logStream ?? 'kube-apiserver-audit-0123456789abcdef0123456789abcdef',
    subscriptionFilters: ['tiercel'],
    logEvents: messages.map((message, at) => ({ id: eventId(message, at), timestamp, message })),
  });
}

/** What Lambda hands to a subscribed function. */
export function delivery(messages: readonly string[], options: EnvelopeOptions = {}): { awslogs: { data: string } } {
  return { awslogs: { data: gzipSync(envelopeText(messages, options)).toString('base64') } };
}

/** 56 digits, as CloudWatch Logs writes them. */
function eventId(message: string, at: number): string {
  const digits = BigInt(`0x${createHash('sha256').update(message).digest('hex')}`).toString();
  return `${digits.padStart(52, '0').slice(0, 52)}${String(at).padStart(4, '0')}`;
}

/** Pieces of at most `size`. */
export function inPieces<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}
