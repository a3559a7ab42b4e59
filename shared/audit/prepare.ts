import type { Reject, RejectReason } from './item.ts';
import { type EventLayout, layOut, layoutOf, Member, membersOf } from './json/layout.ts';
import { textOf } from './json/text.ts';
import { LONG_URI_BYTES, uriFact } from './key.ts';
import { type MacKey, macOf } from './mac.ts';
import { type AuditRecord, type ClusterIdentity, describeOrigin } from './record.ts';
import { reduce } from './reduce.ts';
import { closeHead } from './salvage.ts';
import { ATTEMPT, type Stamp, stamp, TRUNCATED } from './stamp.ts';
import { isTimestamp } from './timestamp.ts';

/** What is stamped besides the identity of the record. */
export interface Stamps {
  /** The key under which `tiercel.dev/mac` is made; without one no MAC is stamped. */
  readonly mac?: MacKey;
}

export interface Limits {
  /** Falco's `maxEventSize`: bytes of one event after stamping (Falco's own default: 262,144). */
  readonly maxEventBytes: number;
}

export type Preparation =
  | {
      readonly kind: 'record';
      readonly record: AuditRecord;
      /** Parts were left out, because Falco would have dropped the event for its size or nesting. */
      readonly reduced: boolean;
      /** The log agent had cut the event; its head was closed. */
      readonly salvaged: boolean;
    }
  | { readonly kind: 'rejected'; readonly reject: Reject };

/** Room for an attempt stamped later, so that it cannot push an event over the limit. */
const ATTEMPT_ROOM = 48;
/** Room for the annotation that says an event was reduced. */
const TRUNCATED_ROOM = 52;

/**
 * Makes a decoded record acceptable to Falco, or says why it never can be, and stamps it: the last step of decoding.
 * Acceptable means: an Event with an `auditID` and a `stageTimestamp`, nested at most 297 deep, at most `maxEventBytes` long after stamping.
 * Without these Falco would drop it in silence, take the whole body with it, or raise false alerts (facts: falco-webhook).
 */
export function prepare(record: AuditRecord, stamps: Stamps, limits: Limits): Preparation {
  const salvaged = record.salvage !== undefined;
  let { raw } = record;
  let layout: EventLayout | undefined;
  if (record.salvage !== undefined) {
    const head = closeHead(raw, record.salvage.timestampMs);
    if (head === undefined) return rejected(record, 'truncated-beyond-salvage');
    raw = head;
    layout = layOut(raw);
  } else layout = layoutOf(record);
  if (layout === undefined) return rejected(record, 'invalid-json');
  const fault = faultOf(raw, layout);
  if (fault !== undefined) return rejected(record, fault);

  const { origin, identity } = record;
  const make = (text: Uint8Array, its: EventLayout, whole: boolean) =>
    stampAll({ raw: text, origin, identity, layout: its }, its, stamps, whole);
  let text = layout.deep ? undefined : make(raw, layout, !salvaged);
  let reduced = false;
  if (text === undefined || falcoSize(text, layout) + ATTEMPT_ROOM > limits.maxEventBytes) {
    const added = (text ?? make(raw, layout, false)).length - raw.length;
    const growth = falcoSize(raw, layout) - raw.length;
    const reduction = reduce(raw, layout, limits.maxEventBytes - added - growth - ATTEMPT_ROOM - TRUNCATED_ROOM);
    if (reduction === undefined) return rejected(record, 'too-large');
    reduced = reduction.lossy;
    text = make(reduction.raw, reduction.layout, !reduced && !salvaged);
  }
  return { kind: 'record', record: { raw: text, origin, identity }, reduced, salvaged };
}

/** The text of a prepared record with `tiercel.dev/attempt` set to `attempt`, for a body that may have been received before. */
export function restamp(record: AuditRecord, attempt: number): Uint8Array {
  const layout = layoutOf(record);
  return layout === undefined ? record.raw : stamp(record.raw, layout, [{ name: ATTEMPT, value: `"${attempt}"` }]);
}

function stampAll(record: AuditRecord, layout: EventLayout, given: Stamps, whole: boolean): Uint8Array {
  if (!whole) {
    // First, because the MAC covers it.
    const marked = withStamps(record, layout, [{ name: TRUNCATED, value: '"true"' }]);
    return stampAll(marked, marked.layout, given, true);
  }
  const { mac } = given;
  const stamps = identityStamps(record.identity, record.origin.kind === 'cloudwatch' ? record.origin.logStream : undefined).slice();
  const uri = longUri(record.raw, layout);
  if (uri !== undefined) stamps.push({ name: 'tiercel.dev/uri-digest', value: `"${uri}"` });
  if (mac !== undefined) {
    // Stamps may hide an `annotations` that is spelled differently, and the MAC covers what Falco reads from there.
    const read = layout.escapedKeys ? withStamps(record, layout, stamps) : record;
    stamps.push({ name: 'tiercel.dev/mac', value: `"${macOf(mac, read)}"` });
  }
  return stamps.length === 0 ? record.raw : stamp(record.raw, layout, stamps);
}

function withStamps(record: AuditRecord, layout: EventLayout, stamps: readonly Stamp[]): AuditRecord & { readonly layout: EventLayout } {
  const raw = stamp(record.raw, layout, stamps);
  return { ...record, raw, layout: layOut(raw)! };
}

/** What a URI is known by that may be cut on the way to respond. */
function longUri(raw: Uint8Array, { spans }: EventLayout): string | undefined {
  const start = spans[Member.requestURI]!;
  const end = spans[Member.requestURI + 1]!;
  if (end - start < LONG_URI_BYTES) return undefined;
  const uri = textOf(raw, start, end);
  const fact = uriFact(uri);
  return fact === uri ? undefined : fact;
}

/** The stamps of the last identity seen: those of a whole delivery are the same. */
let last: { identity: ClusterIdentity; logStream: string | undefined; stamps: readonly Stamp[] } | undefined;

function identityStamps(identity: ClusterIdentity, logStream: string | undefined): readonly Stamp[] {
  if (last?.identity === identity && last.logStream === logStream) return last.stamps;
  const named: readonly [string, string | undefined][] = [
    ['cluster_name', identity.cluster],
    ['tiercel.dev/account', identity.account],
    ['tiercel.dev/region', identity.region],
    ['tiercel.dev/log-stream', logStream],
  ];
  const stamps = named.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value: jsonBytes(value) }]));
  last = { identity, logStream, stamps };
  return stamps;
}

/** JSON text with one character per byte, as {@link stamp} takes it. */
function jsonBytes(value: string): string {
  return Buffer.from(JSON.stringify(value)).toString('latin1');
}

const EVENT = Buffer.from('"Event"');

function faultOf(raw: Uint8Array, { spans }: EventLayout): RejectReason | undefined {
  const kind = spans[Member.kind]!;
  if (kind < 0 || !spells(raw, kind, EVENT)) return 'not-an-audit-event';
  const auditID = spans[Member.auditID]!;
  if (auditID < 0 || raw[auditID] !== 0x22 || raw[auditID + 1] === 0x22) return 'no-audit-id';
  return isTimestamp(raw, spans[Member.stageTimestamp]!, spans[Member.stageTimestamp + 1]!) ? undefined : 'no-timestamp';
}

function spells(raw: Uint8Array, i: number, word: Uint8Array): boolean {
  for (let k = 0; k < word.length; k++) if (raw[i + k] !== word[k]) return false;
  return true;
}

/** The most bytes the event can have in Falco's output: fastjson may spell top-level keys that hold escapes anew, Go-quoted. */
function falcoSize(text: Uint8Array, layout: EventLayout): number {
  if (!layout.escapedKeys) return text.length;
  let keys = 0;
  for (const { key, keyEnd } of membersOf(text, 0, text.length)) keys += keyEnd - key;
  return text.length + 3 * keys;
}

const MESSAGES: Partial<Record<RejectReason, string>> = {
  'invalid-json': 'expected one JSON object as fastjson reads it; check what wrote it',
  'not-an-audit-event': 'expected an object of kind Event with an auditID; subscribe or replay audit log streams only',
  'no-audit-id': 'expected an auditID, without which every rule would misjudge the event; check what wrote it',
  'no-timestamp': 'expected a stageTimestamp in RFC 3339, without which Falco drops the event; check what wrote it',
  'too-large': "expected that the event fits into Falco's maxEventSize at least without its objects; raise maxEventSize on both sides",
  'truncated-beyond-salvage': 'the log agent cut the event before its user and verb were written; nothing can be told from what is left',
};

function rejected(record: AuditRecord, reason: RejectReason): Preparation {
  const message = `Audit event of ${describeOrigin(record.origin)}: ${MESSAGES[reason]}.`;
  return { kind: 'rejected', reject: { reason, message, origin: record.origin, bytes: record.raw } };
}
