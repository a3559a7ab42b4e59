import { gunzipSync, gzipSync } from 'node:zlib';

/** The envelope of a CloudWatch Logs subscription around some messages. */
export function envelopeText(messages: readonly string[], more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    messageType: 'DATA_MESSAGE',
    owner: '123456789012',
    logGroup: '/aws/eks/prod/cluster',
    logStream: 'kube-apiserver-audit-2f5ba1d5e3a64b0f9b8c6f0e6a1d4c37',
    subscriptionFilters: ['tiercel'],
    logEvents: messages.map((message, index) => ({ id: String(index).padStart(56, '3'), timestamp: 1_795_249_495_000 + index, message })),
    ...more,
  });
}

function grouped<T>(all: readonly T[], size: number): T[][] {
  const groups: T[][] = [];
  for (let from = 0; from < all.length; from += size) groups.push(all.slice(from, from + size));
  return groups;
}

const join = (parts: readonly (Buffer | string)[], between = '') =>
  Buffer.concat(parts.flatMap((part, index) => (index > 0 ? [Buffer.from(between), Buffer.from(part)] : [Buffer.from(part)])));

/**
 * Every way in which the events of a log lie in an object or a file: each configuration of Firehose (facts: ingest §1.2), and what people have on disk.
 * All of them hold the same events in the same order.
 */
export const CONTAINERS: Readonly<Record<string, (events: readonly string[]) => Buffer>> = {
  NDJSON: (events) => Buffer.from(events.map((event) => `${event}\n`).join('')),
  'NDJSON without a last line feed': (events) => Buffer.from(events.join('\n')),
  'NDJSON with CRLF and blank lines': (events) => Buffer.from(events.map((event) => `${event}\r\n\r\n`).join('')),
  'NDJSON with a byte order mark': (events) => Buffer.from(`\ufeff${events.join('\n')}`),
  'NDJSON, gzip': (events) => gzipSync(`${events.join('\n')}\n`),
  'NDJSON, one gzip member per event': (events) => join(events.map((event) => gzipSync(`${event}\n`))),
  'events without delimiter (message extraction)': (events) => Buffer.from(events.join('')),
  'events without delimiter, gzip': (events) => gzipSync(events.join('')),
  'JSON array': (events) => Buffer.from(`[${events.join(',')}]`),
  'JSON array, an event a line': (events) => Buffer.from(`[\n${events.join(',\n')}\n]\n`),
  EventList: (events) => Buffer.from(`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${events.join(',')}]}`),
  'EventList with its kind last': (events) =>
    Buffer.from(`{"apiVersion":"audit.k8s.io/v1","items":[${events.join(', ')}],"kind":"EventList"}`),
  'EventLists, one a line': (events) =>
    join(grouped(events, 3).map((group) => `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[${group.join(',')}]}\n`)),
  'Firehose, no processing': (events) => join(grouped(events, 3).map((group) => gzipSync(envelopeText(group)))),
  'Firehose, delimiter without decompression': (events) =>
    join([...grouped(events, 3).map((group) => gzipSync(envelopeText(group))), ''], '\n'),
  'Firehose, GZIP without decompression': (events) => gzipSync(join(grouped(events, 3).map((group) => gzipSync(envelopeText(group))))),
  'Firehose, decompression': (events) => join(grouped(events, 3).map((group) => envelopeText(group))),
  'Firehose, decompression, delimiter, GZIP': (events) => gzipSync(join(grouped(events, 3).map((group) => `${envelopeText(group)}\n`))),
  'Firehose, message extraction, delimiter': (events) => join(events.map((event) => `${event}\n`)),
  'envelope with its header last': (events) => {
    const { logEvents, ...header } = JSON.parse(envelopeText(events)) as Record<string, unknown>;
    return Buffer.from(JSON.stringify({ logEvents, ...header }));
  },
  'tar-like padding between gzip members': (events) => join([...events.map((event) => Buffer.concat([gzipSync(event), Buffer.alloc(7)]))]),
  'a mixture': (events) => {
    const half = Math.ceil(events.length / 2);
    return join([events.slice(0, half).join('\n'), '\n', gzipSync(envelopeText(events.slice(half)))]);
  },
};

/** Hands bytes out in pieces of the given sizes, over and over. */
export async function* pieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let index = 0; at < bytes.length; index++) {
    const size = Math.max(1, sizes[index % sizes.length]!);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** Undoes every layer of gzip, for tests that look for text. */
export function inflated(bytes: Buffer): Buffer {
  return bytes[0] === 0x1f ? inflated(gunzipSync(bytes)) : bytes;
}
