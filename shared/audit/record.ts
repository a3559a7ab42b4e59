import type { EventLayout } from './json/layout.ts';

/**
 * Where a record came from. It names the offender in errors, feeds the chunk id (design: "Keys") and lets a quarantined value be found again.
 * Which member is set follows from the trigger.
 */
export type Origin = CloudWatchOrigin | ObjectOrigin | FileOrigin;

export interface CloudWatchOrigin {
  readonly kind: 'cloudwatch';
  /** Twelve-digit id of the account that owns the log group (`owner` of the envelope). */
  readonly account: string;
  readonly logGroup: string;
  readonly logStream: string;
  /** CloudWatch Logs event id: 56 digits, unique per log event. */
  readonly eventId: string;
  /** The log event's timestamp, milliseconds since the epoch. */
  readonly timestampMs: number;
  /** Set when the envelope itself lay in an S3 object (Firehose path) or in a local file. */
  readonly within?: ObjectOrigin | FileOrigin;
}

export interface ObjectOrigin {
  readonly kind: 'object';
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
  /** Byte offset of the value in the fully decoded (decompressed) object. */
  readonly offset: number;
}

export interface FileOrigin {
  readonly kind: 'file';
  /** Path as the user gave it, `-` for standard input. */
  readonly path: string;
  /** Byte offset of the value in the fully decoded (decompressed) file. */
  readonly offset: number;
  /** 1-based line of the value's first byte in the decoded text. */
  readonly line: number;
}

/** Who the event belongs to: rides in the event as annotations (`cluster_name`, `tiercel.dev/account`, `tiercel.dev/region`). */
export interface ClusterIdentity {
  readonly cluster?: string;
  readonly account?: string;
  readonly region?: string;
}

/**
 * One audit event and its origin.
 * `raw` is the JSON text exactly as it came (UTF-8 bytes of one object): Falco's fields render raw text, so it is never re-serialised.
 */
export interface AuditRecord {
  readonly raw: Uint8Array;
  readonly origin: Origin;
  readonly identity: ClusterIdentity;
  /** Where the members lie in `raw`, as decoding found them; only a hint, ignored when it was made for other bytes. */
  readonly layout?: EventLayout;
  /** The text is the head of an event that the log agent cut: it is closed and given the log's timestamp when the record is prepared. */
  readonly salvage?: Salvage;
}

/** What is known about a cut event besides its head. */
export interface Salvage {
  /** When the log received the event, milliseconds since the epoch: stands in for the `stageTimestamp` that was cut off. */
  readonly timestampMs: number;
}

/** A short, printable name for an origin, for messages: `log group … event …`, `s3://bucket/key@offset`, `file:line`. */
export function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'cloudwatch':
      if (origin.logGroup === '') return 'CloudWatch Logs delivery';
      return `${origin.logGroup}/${origin.logStream}${origin.eventId === '' ? '' : ` event ${origin.eventId}`}`;
    case 'object':
      if (origin.bucket === '') return 'notification';
      return `s3://${origin.bucket}/${origin.key}${origin.versionId ? `?versionId=${origin.versionId}` : ''} at byte ${origin.offset}`;
    case 'file':
      return `${origin.path}:${origin.line}`;
  }
}
