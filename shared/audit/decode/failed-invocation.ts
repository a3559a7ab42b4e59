import type { DecodedItem } from '../item.ts';
import type { ClusterIdentity } from '../record.ts';
import { decodeDelivery } from './delivery.ts';

const PAYLOAD = Buffer.from('"requestPayload"');

/**
 * Lambda's record of an asynchronous invocation that failed for good (on-failure destination) holds the whole delivery in `requestPayload`.
 * Takes its items out; any other item is returned as it is. They say within which object the record lay.
 */
export function openFailedInvocation(item: DecodedItem, identity: ClusterIdentity | undefined): readonly DecodedItem[] {
  if (item.kind !== 'rejected' || item.reject.reason !== 'not-an-audit-event') return [item];
  const payload = payloadOf(item.reject.bytes);
  if (payload === undefined) return [item];
  const { origin } = item.reject;
  const within = origin.kind === 'cloudwatch' ? {} : { within: origin };
  return decodeDelivery(payload, identity === undefined ? {} : { identity }).items.map((inner) => {
    if (inner.kind === 'record') return { kind: 'record', record: { ...inner.record, origin: { ...inner.record.origin, ...within } } };
    if (inner.kind === 'rejected') return { kind: 'rejected', reject: { ...inner.reject, origin: { ...inner.reject.origin, ...within } } };
    return inner;
  });
}

function payloadOf(bytes: Uint8Array | undefined): object | undefined {
  if (bytes === undefined || !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(PAYLOAD)) return undefined;
  try {
    const { requestPayload } = JSON.parse(Buffer.from(bytes).toString()) as { requestPayload?: { awslogs?: unknown } };
    return typeof requestPayload?.awslogs === 'object' && requestPayload.awslogs !== null ? requestPayload : undefined;
  } catch {
    return undefined;
  }
}
