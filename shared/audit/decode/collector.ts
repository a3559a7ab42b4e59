import type { DecodedItem, Reject, RejectReason, SkipReason } from '../item.ts';
import { MAX_VALUE_BYTES } from '../item.ts';
import { type EventLayout, Member, scanEvent, scanned } from '../json/layout.ts';
import { DEEPEST, skipBlanks } from '../json/lexer.ts';
import type { AuditRecord, ClusterIdentity, Origin } from '../record.ts';
import { endOfHead } from '../salvage.ts';

/** What was expected and what to do, by reason. Where it was is the reject's origin. */
const REMEDIES: Readonly<Record<RejectReason, string>> = {
  'not-a-delivery':
    'expected a CloudWatch Logs subscription event {"awslogs": {"data": "…"}}; connect this function to a subscription filter only',
  'bad-base64': 'expected base64 in awslogs.data; check what invoked the function',
  'bad-gzip': 'expected an intact gzip member; fetch the source again, or recover it with a gzip repair tool and replay the result',
  'inflation-limit': 'the data inflates beyond the limit; if it is genuine, raise the limit and replay it',
  'too-many-layers': 'expected at most four layers of gzip; unpack the object and replay it',
  'not-json': 'expected JSON; exclude what is no audit log from the subscription or the prefix',
  'invalid-json': 'expected valid JSON; check what wrote it',
  'cut-short': 'the value ends too early; fetch the source again and replay it',
  'too-large': `expected at most ${MAX_VALUE_BYTES} bytes in one value; read it at its offsets`,
  'too-deep': `expected at most ${DEEPEST} levels of nesting; check what wrote it`,
  'not-an-envelope': 'expected messageType, logGroup, logStream and logEvents; check what wrote it',
  'not-an-audit-event': 'expected an object of kind Event with an auditID; subscribe or replay audit log streams only',
  'no-audit-id': 'expected an auditID',
  'no-timestamp': 'expected a stageTimestamp',
  'truncated-beyond-salvage': 'the log agent cut the event before its user and verb were written',
  'not-a-notification': 'expected an S3 notification, directly or through SQS, SNS or EventBridge; check the event source of the function',
  'poison-object': 'the object made no progress in several attempts; see the log',
};

export function makeReject(reason: RejectReason, origin: Origin, more: Pick<Reject, 'bytes' | 'range'> = {}): Reject {
  return { reason, message: `${REMEDIES[reason]}.`, origin, ...more };
}

/** The head of an event that the log agent cut, waiting for the part that may follow. */
interface Head {
  readonly parts: Uint8Array[];
  readonly origin: Origin;
  readonly identity: ClusterIdentity;
  readonly timestampMs: number | undefined;
}

/** More parts than this are not put together: an agent makes four at most from what an API server accepts. */
const MAX_PARTS = 16;

/** Takes the texts of single events and makes items of them, in order. */
export class Collector {
  items: DecodedItem[] = [];
  #head: Head | undefined;

  /** The head of a cut event is waiting for its continuation. */
  get waiting(): boolean {
    return this.#head !== undefined;
  }

  /** Hands out what has come together so far. */
  take(): DecodedItem[] {
    const { items } = this;
    this.items = [];
    return items;
  }

  /** A text that was scanned as one object: `layout` is its layout. */
  object(raw: Uint8Array, layout: EventLayout, origin: Origin, identity: ClusterIdentity): void {
    if (isEvent(raw, layout)) this.#push({ kind: 'record', record: { raw, origin, identity, layout } });
    else if (isFirehoseError(raw)) this.skip('firehose-error-record', origin);
    else this.reject('not-an-audit-event', origin, { bytes: raw });
  }

  /**
   * A text that should be one event: a log message, or a line between values. `timestampMs` is when the log received it.
   * A head and the parts that follow it directly are put together; a head alone is left to be salvaged.
   */
  text(raw: Uint8Array, origin: Origin, identity: ClusterIdentity, timestampMs: number | undefined): void {
    const start = skipBlanks(raw, 0, raw.length);
    let end = raw.length;
    while (end > start && raw[end - 1]! <= 0x20) end--;
    if (start === end) {
      this.skip('empty', origin);
      return;
    }
    const whole = start === 0 && end === raw.length ? raw : raw.subarray(start, end);
    const fault = this.#whole(whole, origin, identity);
    if (fault === undefined) return;
    // Blanks at the edges belong to the event when the cut fell beside them.
    if (this.#continues(raw)) return;
    const headEnd = endOfHead(whole, 0, whole.length);
    const cut = whole[0] === 0x7b && (headEnd < whole.length ? ~scanEvent(whole, 0, headEnd, DEEPEST) >= headEnd : fault >= whole.length);
    if (cut) {
      this.flush();
      this.#head = { parts: [raw], origin, identity, timestampMs };
      if (headEnd < whole.length) this.flush();
    } else if (whole[0] === 0x7b) this.reject(fault === -1 ? 'too-deep' : 'invalid-json', origin, { bytes: whole });
    else this.skip('continuation', origin);
  }

  skip(reason: SkipReason, origin: Origin | undefined, count = 1): void {
    this.#push({ kind: 'skipped', reason, count, ...(origin === undefined ? {} : { origin }) });
  }

  reject(reason: RejectReason, origin: Origin, more: Pick<Reject, 'bytes' | 'range'> = {}): void {
    this.#push({ kind: 'rejected', reject: makeReject(reason, origin, more) });
  }

  /** Nothing that could continue a cut event follows. */
  flush(): void {
    const head = this.#head;
    if (head === undefined) return;
    this.#head = undefined;
    const raw = head.parts[0]!;
    const record: AuditRecord = { raw, origin: head.origin, identity: head.identity };
    if (head.timestampMs === undefined) this.items.push({ kind: 'rejected', reject: makeReject('cut-short', head.origin, { bytes: raw }) });
    else this.items.push({ kind: 'record', record: { ...record, salvage: { timestampMs: head.timestampMs } } });
    if (head.parts.length > 1) this.skip('continuation', head.origin, head.parts.length - 1);
  }

  /** Takes a text that is exactly one object, at any nesting, and returns undefined; else where the fault is. */
  #whole(raw: Uint8Array, origin: Origin, identity: ClusterIdentity): number | undefined {
    let after = scanEvent(raw, 0, raw.length);
    const deep = after < 0 && ~after < raw.length;
    if (deep) after = scanEvent(raw, 0, raw.length, DEEPEST);
    if (after !== raw.length) return after < 0 ? ~after : after;
    const layout = { of: raw, spans: scanned.spans, escapedKeys: scanned.escapedKeys, deep };
    // What completes a head can be an object by itself, but not an Event.
    if (this.#head !== undefined && !isEvent(raw, layout)) return 0;
    this.object(raw, layout, origin, identity);
    return undefined;
  }

  /** Adds a part to the waiting head; when they make a whole event, that is taken. */
  #continues(part: Uint8Array): boolean {
    const head = this.#head;
    if (head === undefined || head.parts.length >= MAX_PARTS) return false;
    const parts = [...head.parts, part];
    if (parts.reduce((sum, { length }) => sum + length, 0) > MAX_VALUE_BYTES) return false;
    const joined = Buffer.concat(parts).subarray(skipBlanks(parts[0]!, 0, parts[0]!.length));
    const after = scanEvent(joined, 0, joined.length, DEEPEST);
    if (after < 0 && ~after < joined.length) return false;
    if (after < 0) {
      head.parts.push(part);
      return true;
    }
    if (skipBlanks(joined, after, joined.length) !== joined.length) return false;
    this.#head = undefined;
    this.#whole(joined.subarray(0, after), head.origin, head.identity);
    return true;
  }

  #push(item: DecodedItem): void {
    if (this.#head !== undefined) this.flush();
    this.items.push(item);
  }
}

const EVENT = Buffer.from('"Event"');

export function isEvent(raw: Uint8Array, { spans }: EventLayout): boolean {
  const start = spans[Member.kind]!;
  if (start < 0 || spans[Member.kind + 1]! - start !== EVENT.length) return false;
  for (let k = 0; k < EVENT.length; k++) if (raw[start + k] !== EVENT[k]) return false;
  return true;
}

/** What Firehose writes beside the data when it fails itself: the data in base64, and what went wrong. */
function isFirehoseError(raw: Uint8Array): boolean {
  const head = Buffer.from(raw.buffer, raw.byteOffset, Math.min(raw.length, 1024));
  return head.includes('"attemptsMade"') && head.includes('"errorCode"');
}
