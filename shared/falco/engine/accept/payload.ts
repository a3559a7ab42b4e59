import { MAX_DEPTH, skipBlanks, skipValue } from '../../../audit/json/lexer.ts';
import { ABSENT, JsonDocument, MemberIndex } from '../document/index.ts';
import { asBuffer } from './bytes.ts';

/**
 * The events of one payload as the k8saudit webhook takes it, raw text untouched: an event, an `EventList` (its items' kinds are not
 * looked at), or an array of both. Undefined where the plugin would throw the whole payload away: broken JSON, or one element it does
 * not recognise.
 */
export function splitPayload(payload: Uint8Array): readonly Uint8Array[] | undefined {
  const start = skipBlanks(payload, 0, payload.length);
  const end = skipValue(payload, start, payload.length, MAX_DEPTH);
  if (end < 0 || skipBlanks(payload, end, payload.length) < payload.length) return undefined;
  const events: Uint8Array[] = [];
  return collect(payload, start, end, events) ? events : undefined;
}

function collect(bytes: Uint8Array, start: number, end: number, events: Uint8Array[]): boolean {
  if (bytes[start] === 0x5b) return elementsOf(bytes, start, end).every(([from, to]) => collect(bytes, from, to, events));
  if (bytes[start] !== 0x7b) return false;
  const index = new MemberIndex(asBuffer(bytes), start, end);
  const object = new JsonDocument(index);
  const kind = object.get(object.root, 'kind');
  const name = kind !== ABSENT && object.isString(kind) ? object.rawText(kind) : undefined;
  if (name === 'Event') {
    events.push(bytes.subarray(start, end));
    return true;
  }
  const items = name === 'EventList' ? object.get(object.root, 'items') : ABSENT;
  if (items === ABSENT || !object.isArray(items)) return false;
  const elements = elementsOf(bytes, items, end);
  for (const [from, to] of elements) events.push(bytes.subarray(from, to));
  return elements.length > 0;
}

type Range = readonly [start: number, end: number];

/** The elements of a valid array. */
function elementsOf(bytes: Uint8Array, start: number, end: number): readonly Range[] {
  const elements: Range[] = [];
  for (let at = skipBlanks(bytes, start + 1, end); bytes[at] !== 0x5d; ) {
    const after = skipValue(bytes, at, end);
    elements.push([at, after]);
    at = skipBlanks(bytes, after, end);
    if (bytes[at] === 0x2c) at = skipBlanks(bytes, at + 1, end);
  }
  return elements;
}
