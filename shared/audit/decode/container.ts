import { memberKeyIs } from '../json/layout.ts';
import { skipBlanks, skipKey, skipValue } from '../json/lexer.ts';
import { textOf } from '../json/text.ts';

/** What CloudWatch Logs says about the log events it sends, in the envelope around them. */
export interface Envelope {
  /** `DATA_MESSAGE`, or `CONTROL_MESSAGE` for a health check of the destination. */
  readonly messageType: string;
  /** `owner`: twelve-digit id of the account of the log group. */
  readonly account: string;
  readonly logGroup: string;
  readonly logStream: string;
  readonly subscriptionFilters: readonly string[];
}

export type Head =
  /** `elements` is the offset behind the opening bracket of the list that holds the values. */
  | { readonly kind: 'list'; readonly elements: number }
  | { readonly kind: 'envelope'; readonly elements: number; readonly envelope: Envelope }
  | { readonly kind: 'neither' }
  /** The text ends before it can be told. */
  | { readonly kind: 'unknown' };

const HEADER = ['messageType', 'owner', 'logGroup', 'logStream', 'subscriptionFilters', 'logEvents', 'kind', 'items', 'auditID'] as const;
type Header = (typeof HEADER)[number];

/** Looks into the object at `bytes[i]`: an envelope, a list (`EventList`), or something else? Reads no further than to the elements. */
export function headOf(bytes: Uint8Array, i: number, end: number): Head {
  const found = new Map<Header, readonly [start: number, end: number]>();
  let j = skipBlanks(bytes, i + 1, end);
  for (;;) {
    const value = skipKey(bytes, j, end);
    if (value < 0) return { kind: ~value >= end ? 'unknown' : 'neither' };
    if (value >= end) return { kind: 'unknown' };
    const name = HEADER.find((candidate) => memberKeyIs(bytes, j + 1, candidate));
    if (name === 'auditID') return { kind: 'neither' };
    const isList = bytes[value] === 0x5b;
    if (name === 'items' && isList && isListKind(bytes, found.get('kind'))) return { kind: 'list', elements: value + 1 };
    if (name === 'logEvents' && isList && found.has('messageType') && found.has('logGroup') && found.has('logStream')) {
      return { kind: 'envelope', elements: value + 1, envelope: envelopeOf(bytes, found) };
    }
    const after = skipValue(bytes, value, end);
    if (after < 0) return { kind: ~after >= end ? 'unknown' : 'neither' };
    if (name !== undefined && !found.has(name)) found.set(name, [value, after]);
    if (name === 'kind' && textOf(bytes, value, after) === 'Event') return { kind: 'neither' };
    j = skipBlanks(bytes, after, end);
    if (j >= end) return { kind: 'unknown' };
    if (bytes[j] !== 0x2c) break;
    j = skipBlanks(bytes, j + 1, end);
  }
  // The whole object is there; perhaps the list came before what describes it.
  const events = found.get('logEvents');
  if (events !== undefined && bytes[events[0]] === 0x5b && found.has('logGroup') && found.has('logStream')) {
    return { kind: 'envelope', elements: events[0] + 1, envelope: envelopeOf(bytes, found) };
  }
  return { kind: 'neither' };
}

/** A list says so in `kind`, unless that comes after the items. */
function isListKind(bytes: Uint8Array, kind: readonly [number, number] | undefined): boolean {
  return kind === undefined || textOf(bytes, kind[0], kind[1]).endsWith('List');
}

function envelopeOf(bytes: Uint8Array, found: ReadonlyMap<Header, readonly [number, number]>): Envelope {
  const text = (name: Header) => {
    const span = found.get(name);
    return span === undefined || bytes[span[0]] !== 0x22 ? '' : textOf(bytes, ...span);
  };
  const filters = found.get('subscriptionFilters');
  return {
    messageType: text('messageType'),
    account: text('owner'),
    logGroup: text('logGroup'),
    logStream: text('logStream'),
    subscriptionFilters: filters === undefined ? [] : strings(bytes, filters[0], filters[1]),
  };
}

function strings(bytes: Uint8Array, i: number, end: number): string[] {
  const texts: string[] = [];
  let j = skipBlanks(bytes, i + 1, end);
  while (bytes[j] === 0x22) {
    const after = skipValue(bytes, j, end);
    texts.push(textOf(bytes, j, after));
    j = skipBlanks(bytes, after, end);
    if (bytes[j] === 0x2c) j = skipBlanks(bytes, j + 1, end);
  }
  return texts;
}
