import { MAX_DEPTH } from '../../../audit/json/lexer.ts';
import { JsonDocument, MemberIndex } from '../document/index.ts';
import { EventContext, Run } from './event.ts';
import { parseTimestamp } from './timestamp.ts';

export { EventContext, Run } from './event.ts';
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
  const index = new MemberIndex(bytes, 0, bytes.length, MAX_DEPTH);
  if (!index.finish()) return { rejection: { reason: 'malformed', offset: index.fault } };
  return acceptIndexed(index, run, maxBytes);
}

/** {@link acceptEvent} for a text that has been read to its end. */
export function acceptIndexed(index: MemberIndex, run: Run, maxBytes: number = MAX_EVENT_BYTES): Acceptance {
  const position = index.escapedKeys ? -1 : index.find('stageTimestamp');
  let payload = index;
  let text: string | undefined;
  if (position >= 0) text = plainString(index, position);
  if (text === undefined) {
    const source = new JsonDocument(index);
    source.get(source.root, 'kind') >= 0 && source.rawText(source.get(source.root, 'kind'));
    const timestamp = source.get(source.root, 'stageTimestamp');
    if (timestamp < 0 || !source.isString(timestamp)) return { rejection: { reason: 'timestamp' } };
    text = source.rawText(timestamp);
    payload = remarshalled(source, index);
  }
  const moment = parseTimestamp(text);
  if (!moment) return { rejection: { reason: 'timestamp' } };
  if (payload.end - payload.start > maxBytes) {
    const document = new JsonDocument(payload);
    const compact = document.write(document.root).length;
    if (compact > maxBytes) return { rejection: { reason: 'oversize', bytes: compact } };
  }
  return { event: new EventContext(payload, moment, run) };
}

/** A view on the same memory with the methods of Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The text of a string member without escapes; undefined for anything else. */
function plainString(index: MemberIndex, position: number): string | undefined {
  const { bytes } = index;
  const start = index.valueStarts[position]!;
  const end = index.valueEnds[position]! - 1;
  if (bytes[start] !== 0x22) return undefined;
  const text = bytes.toString('latin1', start + 1, end);
  return text.includes('\\') ? undefined : text;
}

/** The plugin hands on what it wrote itself: with escapes in `kind`, `stageTimestamp` or a top-level key that is not what it read. */
function remarshalled(source: JsonDocument, index: MemberIndex): MemberIndex {
  if (source.rewrites === 0) return index;
  const text = Buffer.from(source.write(source.root), 'latin1');
  const payload = new MemberIndex(text, 0, text.length, MAX_DEPTH);
  return payload.finish() ? payload : index;
}
