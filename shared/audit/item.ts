import type { AuditRecord, Origin } from './record.ts';

/** What decoding makes of one value: every value of the input becomes exactly one item, in order. */
export type DecodedItem =
  | { readonly kind: 'record'; readonly record: AuditRecord }
  /** Nothing to deliver, and nothing to keep: counted by reason. `count` is the number of values that share the reason. */
  | { readonly kind: 'skipped'; readonly reason: SkipReason; readonly count: number; readonly origin?: Origin }
  | { readonly kind: 'rejected'; readonly reject: Reject };

export type SkipReason =
  /** CloudWatch Logs checks a destination's health with an envelope that carries no audit content. */
  | 'control-message'
  /** A log event of another control-plane stream (scheduler, authenticator, API server text log …). */
  | 'other-stream'
  /** An object, delivery or gzip member without content. */
  | 'empty'
  /** A record Firehose wrote about its own failure, found beside the data. */
  | 'firehose-error-record'
  /** The second or a later part of an event that the log agent split, whose head was salvaged or is not in this delivery. */
  | 'continuation';

/** Stable codes: they name counters and quarantine keys. */
export type RejectReason =
  | 'not-a-delivery'
  | 'bad-base64'
  | 'bad-gzip'
  | 'inflation-limit'
  | 'too-many-layers'
  | 'not-json'
  | 'invalid-json'
  | 'cut-short'
  | 'too-large'
  | 'too-deep'
  | 'not-an-envelope'
  | 'not-an-audit-event'
  | 'no-audit-id'
  | 'no-timestamp'
  | 'truncated-beyond-salvage'
  | 'not-a-notification'
  /** Reading the object made no progress in several attempts. */
  | 'poison-object';

/** Something that can never be delivered as it is. It goes to quarantine with its reason and origin, and never stops its neighbours. */
export interface Reject {
  readonly reason: RejectReason;
  /** Offender, what was expected, and the remedy. Never any content of the value. */
  readonly message: string;
  readonly origin: Origin;
  /** The bytes in question, when they are few enough to keep (≤ {@link MAX_VALUE_BYTES}). */
  readonly bytes?: Uint8Array;
  /** Offsets in the fully decoded object or file, set when the value has to be found again there. `end` is exclusive. */
  readonly range?: { readonly start: number; readonly end: number };
}

/** The largest JSON value that is held in memory (16 MiB). A larger one is passed over and rejected by reference. */
export const MAX_VALUE_BYTES = 16 * 1024 * 1024;
