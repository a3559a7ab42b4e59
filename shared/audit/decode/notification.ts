import type { Reject } from '../item.ts';
import { makeReject } from './collector.ts';

/** An object that has come into being, as a notification names it. */
export interface ObjectReference {
  readonly bucket: string;
  /** Decoded: S3 form-encodes keys in its own notifications, EventBridge does not encode them. */
  readonly key: string;
  readonly versionId?: string;
  /** Orders the notifications about one key (compare as hexadecimal text, right-padded with zeros). */
  readonly sequencer?: string;
  readonly sizeBytes?: number;
  readonly region?: string;
}

/** `other-event`: something other than the creation of an object. */
export type NotificationSkip = 'empty' | 'test-event' | 'other-event';

export interface Notifications {
  readonly objects: readonly ObjectReference[];
  /** CloudWatch Logs deliveries found in Lambda's on-failure records: `decodeDelivery` takes them. */
  readonly deliveries: readonly unknown[];
  readonly skipped: readonly { readonly reason: NotificationSkip; readonly count: number }[];
  readonly rejects: readonly Reject[];
}

type Json = Readonly<Record<string, unknown>>;

/** Wrappings within wrappings (SNS in SQS, on-failure record in SQS …) are followed this deep. */
const MAX_NESTING = 16;

/**
 * Finds the objects that a trigger tells of, whatever it came through: S3's own notification, SQS, SNS, SNS through SQS (with or without raw delivery),
 * EventBridge, S3's test event, and Lambda's on-failure record around any of them. `body` is the parsed event or its JSON text. Never throws.
 */
export function parseObjectNotifications(body: unknown): Notifications {
  const finder = new Finder();
  finder.visit(body, 0);
  const { objects, deliveries, skipped, rejects } = finder;
  return { objects, deliveries, skipped: [...skipped].map(([reason, count]) => ({ reason, count })), rejects };
}

class Finder {
  readonly objects: ObjectReference[] = [];
  readonly deliveries: unknown[] = [];
  readonly skipped = new Map<NotificationSkip, number>();
  readonly rejects: Reject[] = [];

  visit(part: unknown, nesting: number): void {
    if (nesting > MAX_NESTING) this.#reject(part);
    else if (typeof part === 'string') {
      const parsed = parse(part);
      if (parsed === undefined) this.#reject(part);
      else this.visit(parsed, nesting + 1);
    } else if (!isObject(part)) this.#reject(part);
    else if (part.Event === 's3:TestEvent') this.#skip('test-event');
    else if (Array.isArray(part.Records)) {
      if (part.Records.length === 0) this.#skip('empty');
      for (const record of part.Records) this.visit(record, nesting + 1);
    } else if (isObject(part.s3)) this.#s3(part, part.s3);
    else if (isObject(part.Sns)) this.visit(part.Sns.Message, nesting + 1);
    else if (part.Type === 'Notification' && typeof part.Message === 'string') this.visit(part.Message, nesting + 1);
    else if (typeof part.body === 'string' && (part.eventSource === 'aws:sqs' || 'messageId' in part)) this.visit(part.body, nesting + 1);
    else if (isObject(part.detail) && typeof part['detail-type'] === 'string') this.#eventBridge(part, part.detail);
    else if ('requestPayload' in part) this.visit(part.requestPayload, nesting + 1);
    else if (isObject(part.awslogs)) this.deliveries.push(part);
    else this.#reject(part);
  }

  #s3(record: Json, s3: Json): void {
    if (typeof record.eventName === 'string' && !record.eventName.startsWith('ObjectCreated:')) {
      this.#skip('other-event');
      return;
    }
    const key = isObject(s3.object) && typeof s3.object.key === 'string' ? formDecoded(s3.object.key) : undefined;
    this.#add(record, s3.bucket, s3.object, key, record.awsRegion);
  }

  #eventBridge(event: Json, detail: Json): void {
    if (event['detail-type'] !== 'Object Created') {
      this.#skip('other-event');
      return;
    }
    const key = isObject(detail.object) && typeof detail.object.key === 'string' ? detail.object.key : undefined;
    this.#add(event, detail.bucket, detail.object, key, event.region);
  }

  #add(part: Json, bucket: unknown, object: unknown, key: string | undefined, region: unknown): void {
    if (!isObject(bucket) || typeof bucket.name !== 'string' || bucket.name === '' || !key || !isObject(object)) {
      this.#reject(part);
      return;
    }
    const version = object.versionId ?? object['version-id'];
    this.objects.push({
      bucket: bucket.name,
      key,
      ...(typeof version === 'string' && version !== '' && version !== 'null' ? { versionId: version } : {}),
      ...(typeof object.sequencer === 'string' ? { sequencer: object.sequencer } : {}),
      ...(typeof object.size === 'number' ? { sizeBytes: object.size } : {}),
      ...(typeof region === 'string' ? { region } : {}),
    });
  }

  #skip(reason: NotificationSkip): void {
    this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + 1);
  }

  #reject(part: unknown): void {
    const text = typeof part === 'string' ? part : JSON.stringify(part);
    this.rejects.push(makeReject('not-a-notification', NOTIFICATION, { bytes: Buffer.from(text ?? 'undefined') }));
  }
}

/** A notification that cannot be read names no object. */
const NOTIFICATION = { kind: 'object', bucket: '', key: '', offset: 0 } as const;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** `undefined` when it is not form-encoded. */
function formDecoded(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
