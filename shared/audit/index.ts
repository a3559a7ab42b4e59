/** The audit layer's door: bytes → records that Falco will take, with everything that is not one accounted for. */
export { type DecodedDelivery, type DeliveryOptions, decodeDelivery } from './decode/delivery.ts';
export { type Notifications, type ObjectReference, parseObjectNotifications } from './decode/notification.ts';
export { decodeStream, type StreamOptions } from './decode/stream.ts';
export type { DecodedItem, Reject, RejectReason, SkipReason } from './item.ts';
export { MAX_VALUE_BYTES } from './item.ts';
export { type EventFacts, eventFacts, eventKey } from './key.ts';
export { type MacKey, type MacVerdict, macOf, verifyMac } from './mac.ts';
export { type Limits, type Preparation, prepare, restamp, type Stamps } from './prepare.ts';
export { type AuditRecord, type ClusterIdentity, describeOrigin, type FileOrigin, type ObjectOrigin, type Origin } from './record.ts';
export { stageTimeMs } from './stage-time.ts';
