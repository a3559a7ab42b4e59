import { ABSENT, JsonDocument, MemberIndex } from '../document/index.ts';
import { asBuffer } from './bytes.ts';
import { EventContext, Run } from './event.ts';
import { type Moment, parseTimestamp, parseTimestampAt } from './timestamp.ts';

export { asBuffer } from './bytes.ts';
export { EventContext, Run } from './event.ts';
export { type ReadEvent, readEvent } from './read.ts';
export type { Moment } from './timestamp.ts';

/** Default of k8saudit's `maxEventSize`: bytes of the compact event. */
export const MAX_EVENT_BYTES = 262_144;

export type Rejection =
  /** Not JSON in fastjson's sense, deeper than 300 levels, or not an object. `offset`: byte of the fault. */
  | { readonly reason: 'malformed'; readonly offset: number }
  /** No `stageTimestamp`, or one that Go does not read as RFC 3339. */
  | { readonly reason: 'timestamp' }
  /** Larger than `maxEventSize`. */
  | { readonly reason: 'oversize'; readonly bytes: number };

export type Acceptance = { readonly event: EventContext } | { readonly rejection: Rejection };

/** What Falco's k8saudit plugin does with one event (an `Event`, or an item of an `EventList`, whose kind nobody looks at). */
export function acceptEvent(raw: Uint8Array, run: Run = new Run(), maxBytes: number = MAX_EVENT_BYTES): Acceptance {
  const bytes = asBuffer(raw);
  const index = new MemberIndex(bytes, 0, bytes.length);
  if (!index.finish()) return { rejection: { reason: 'malformed', offset: index.fault } };
  return acceptIndexed(index, run, maxBytes);
}

/** {@link acceptEvent} for a text that has been read to its end. */
export function acceptIndexed(index: MemberIndex, run: Run, maxBytes: number = MAX_EVENT_BYTES): Acceptance {
  let payload = index;
  let moment = index.escapedKeys ? undefined : plainMoment(index);
  if (moment === undefined) {
    const source = new JsonDocument(index);
    const kind = source.get(source.root, 'kind');
    if (kind !== ABSENT) source.rawText(kind);
    const timestamp = source.get(source.root, 'stageTimestamp');
    moment = timestamp !== ABSENT && source.isString(timestamp) ? parseTimestamp(source.rawText(timestamp)) : undefined;
    if (!moment) return { rejection: { reason: 'timestamp' } };
    payload = remarshalled(source, index);
  }
  if (payload.end - payload.start > maxBytes) {
    const document = new JsonDocument(payload);
    const compact = document.write(document.root).length;
    if (compact > maxBytes) return { rejection: { reason: 'oversize', bytes: compact } };
  }
  return { event: new EventContext(payload, moment, run) };
}

/** The time of an event in which it is spelt plainly, and `kind` too; undefined for any other. */
function plainMoment(index: MemberIndex): Moment | undefined {
  const { bytes } = index;
  const position = index.find('stageTimestamp');
  if (position < 0) return undefined;
  const start = index.valueStarts[position]!;
  const end = index.valueEnds[position]!;
  if (bytes[start] !== 0x22 || hasEscape(bytes, start, end)) return undefined;
  const kind = index.find('kind');
  if (kind >= 0 && hasEscape(bytes, index.valueStarts[kind]!, index.valueEnds[kind]!)) return undefined;
  return parseTimestampAt(bytes, start + 1, end - 1);
}

/** A backslash, or a control character: what fastjson would write anew. */
function hasEscape(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] === 0x5c || bytes[i]! < 0x20) return true;
  return false;
}

/** The plugin hands on what it wrote itself: with escapes in `kind`, `stageTimestamp` or a top-level key that is not what it read. */
function remarshalled(source: JsonDocument, index: MemberIndex): MemberIndex {
  if (source.rewrites === 0) return index;
  const text = Buffer.from(source.write(source.root), 'latin1');
  const payload = new MemberIndex(text, 0, text.length);
  return payload.finish() ? payload : index;
}
