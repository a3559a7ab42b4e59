import { gunzipSync } from 'node:zlib';
import type { DecodedItem, RejectReason } from '../item.ts';
import type { CloudWatchOrigin, ClusterIdentity } from '../record.ts';
import { Collector, makeReject } from './collector.ts';
import type { Envelope } from './container.ts';
import { ValueReader } from './values.ts';
import { Window } from './window.ts';

export interface DeliveryOptions {
  /** What the operator says about the cluster; wins over what the log group's name says. */
  readonly identity?: ClusterIdentity;
  /** Bytes the delivery may inflate to. Default: 64 MiB, many times what fits into the 1 MB of an asynchronous invocation in practice. */
  readonly maxInflatedBytes?: number;
}

export interface DecodedDelivery {
  /** `undefined` when the delivery could not be read far enough. */
  readonly envelope: Envelope | undefined;
  readonly items: DecodedItem[];
}

const NOWHERE: CloudWatchOrigin = { kind: 'cloudwatch', account: '', logGroup: '', logStream: '', eventId: '', timestampMs: 0 };

/**
 * Decodes a CloudWatch Logs subscription event as Lambda receives it, `{"awslogs": {"data": "<base64 of gzip of JSON>"}}`.
 * Never throws for bad data: what cannot be read is among the items, with its reason.
 */
export function decodeDelivery(event: unknown, options: DeliveryOptions = {}): DecodedDelivery {
  const data = (event as { awslogs?: { data?: unknown } } | null | undefined)?.awslogs?.data;
  if (typeof data !== 'string') return unreadable('not-a-delivery', undefined);
  const packed = Buffer.from(data, 'base64');
  if (!isBase64(data, packed.length)) return unreadable('bad-base64', Buffer.from(data, 'latin1'));
  let text: Buffer;
  try {
    text = gunzipSync(packed, { maxOutputLength: options.maxInflatedBytes ?? 64 * 1024 * 1024, chunkSize: sizeOf(packed) });
  } catch (error) {
    return unreadable((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE' ? 'inflation-limit' : 'bad-gzip', packed);
  }
  const window = new Window();
  window.append([text]);
  window.ended = true;
  const collect = new Collector();
  const reader = new ValueReader(window, collect, undefined, { identity: options.identity ?? {}, timestampMs: undefined });
  while (reader.read(Number.POSITIVE_INFINITY) !== 'end') {
    // Only gzip within gzip pauses the reader here; CloudWatch Logs does not send that.
    collect.reject('bad-gzip', NOWHERE, { bytes: packed });
    window.at = text.length;
  }
  if (collect.items.length === 0) collect.skip('empty', undefined);
  return { envelope: reader.envelope, items: collect.take() };
}

function unreadable(reason: RejectReason, bytes: Uint8Array | undefined): DecodedDelivery {
  return { envelope: undefined, items: [{ kind: 'rejected', reject: makeReject(reason, NOWHERE, bytes === undefined ? {} : { bytes }) }] };
}

/** The inflated size as the gzip trailer says, within reason: room for it at once spares putting pieces together. */
function sizeOf(packed: Buffer): number {
  const said = packed.length < 18 ? 0 : packed.readUInt32LE(packed.length - 4) + 64;
  return Math.max(64 * 1024, Math.min(said, packed.length * 32));
}

/** `Buffer.from` passes over what is not base64; then the length does not come out. */
function isBase64(data: string, bytes: number): boolean {
  let padding = 0;
  while (padding < 2 && data.charCodeAt(data.length - 1 - padding) === 0x3d) padding++;
  return data.length > 0 && Math.floor(((data.length - padding) * 3) / 4) === bytes;
}
