import { hash } from 'node:crypto';
import { layoutOf, Member, memberKeyIs } from './json/layout.ts';
import { skipBlanks, skipKey, skipValue } from './json/lexer.ts';
import { textOf, unescapeInto } from './json/text.ts';
import type { AuditRecord } from './record.ts';

/**
 * The facts of an event that its key and its MAC rest on, as text in Falco's rendering (an alert shows the same text); '' where there is none.
 * All of them are small and precede `requestObject`, so a salvaged or reduced event has them too.
 */
export interface EventFacts {
  /** `ka.cluster.name` */
  readonly cluster: string;
  /** `ka.auditid`. Chosen by the caller: never identifies alone. */
  readonly auditID: string;
  /** `jevt.value[/requestReceivedTimestamp]`: set by the server, the same in all stages of a request. */
  readonly requestReceivedTimestamp: string;
  /** `ka.verb` */
  readonly verb: string;
  /** `ka.uri` */
  readonly requestURI: string;
  /** `ka.user.name` */
  readonly username: string;
  /** `ka.target.resource` */
  readonly resource: string;
  /** `ka.target.subresource` */
  readonly subresource: string;
  /** `ka.target.namespace` */
  readonly namespace: string;
  /** `ka.target.name` */
  readonly name: string;
  /** `jevt.value[/objectRef/uid]` */
  readonly uid: string;
  /** `jevt.value[/objectRef/apiGroup]` */
  readonly apiGroup: string;
  /** `jevt.value[/objectRef/apiVersion]` */
  readonly apiVersion: string;
  /** `jevt.value[/annotations/tiercel.dev~1account]`; in the MAC, not in the key. */
  readonly account: string;
  /** `jevt.value[/annotations/tiercel.dev~1region]`; in the MAC, not in the key. */
  readonly region: string;
  /** `ka.stage`; in the MAC, not in the key, which is the same in all stages. */
  readonly stage: string;
  /** `ka.response.code`; in the MAC, not in the key. */
  readonly code: string;
}

/** Facts in the order in which they are hashed. The first {@link KEY_FACTS} make the key, all of them the MAC. */
const FACTS = [
  'cluster',
  'auditID',
  'requestReceivedTimestamp',
  'verb',
  'requestURI',
  'username',
  'resource',
  'subresource',
  'namespace',
  'name',
  'uid',
  'apiGroup',
  'apiVersion',
  'account',
  'region',
  'stage',
  'code',
] as const satisfies readonly (keyof EventFacts)[];
type Fact = (typeof FACTS)[number];
const KEY_FACTS = 13;

/** Facts that are top-level members. */
const MEMBERS = (
  [
    ['auditID', Member.auditID],
    ['requestReceivedTimestamp', Member.requestReceivedTimestamp],
    ['verb', Member.verb],
    ['requestURI', Member.requestURI],
    ['stage', Member.stage],
  ] as const
).map(([fact, member]) => ({ slot: slotOf(fact), member }));

type Wanted = readonly { readonly key: string; readonly slot: number }[];
const wanted = (keys: Readonly<Record<string, Fact>>): Wanted => Object.entries(keys).map(([key, fact]) => ({ key, slot: slotOf(fact) }));
const USER = wanted({ username: 'username' });
const OBJECT_REF = wanted({
  resource: 'resource',
  namespace: 'namespace',
  name: 'name',
  uid: 'uid',
  apiGroup: 'apiGroup',
  apiVersion: 'apiVersion',
  subresource: 'subresource',
});
const STATUS = wanted({ code: 'code' });

function slotOf(fact: Fact): number {
  return FACTS.indexOf(fact) * 2;
}

/** Where each fact lies in the text that {@link locate} was given last: start and end, -1 where there is none. */
const at = new Int32Array(FACTS.length * 2);

function locate(record: AuditRecord): void {
  at.fill(-1);
  const layout = layoutOf(record);
  if (layout === undefined) return;
  const { spans } = layout;
  for (const { slot, member } of MEMBERS) {
    at[slot] = spans[member]!;
    at[slot + 1] = spans[member + 1]!;
  }
  locateIn(record.raw, spans[Member.user]!, spans[Member.user + 1]!, USER);
  locateIn(record.raw, spans[Member.objectRef]!, spans[Member.objectRef + 1]!, OBJECT_REF);
  locateIn(record.raw, spans[Member.responseStatus]!, spans[Member.responseStatus + 1]!, STATUS);
}

/** Finds the wanted keys in the object `bytes[i, end)`, which is valid JSON; the first of two equal keys counts. */
function locateIn(bytes: Uint8Array, i: number, end: number, keys: Wanted): void {
  if (i < 0 || bytes[i] !== 0x7b) return;
  let left = keys.length;
  let j = skipBlanks(bytes, i + 1, end);
  while (left > 0 && bytes[j] === 0x22) {
    const value = skipKey(bytes, j, end);
    const after = skipValue(bytes, value, end);
    if (after < 0) return;
    for (const { key, slot } of keys) {
      if (at[slot] !== -1 || !memberKeyIs(bytes, j + 1, key)) continue;
      at[slot] = value;
      at[slot + 1] = after;
      left--;
      break;
    }
    j = skipBlanks(bytes, after, end);
    if (bytes[j] !== 0x2c) return;
    j = skipBlanks(bytes, j + 1, end);
  }
}

/** The facts of a record, as an alert about it will show them. */
export function eventFacts(record: AuditRecord): EventFacts {
  locate(record);
  const text = (fact: Fact) => (at[slotOf(fact)]! < 0 ? '' : textOf(record.raw, at[slotOf(fact)]!, at[slotOf(fact) + 1]!));
  const facts = Object.fromEntries(FACTS.map((fact) => [fact, text(fact)])) as Record<Fact, string>;
  const { cluster = '', account = '', region = '' } = record.identity;
  return { ...facts, cluster, account, region };
}

/**
 * Names a happening: sha256, hex, over cluster, auditID, requestReceivedTimestamp, verb, requestURI, user and objectRef, each with its length
 * before it, so that nothing can be moved from one field into the next. The same in all stages of a request.
 */
export function eventKey(event: AuditRecord | EventFacts): string {
  return hash('sha256', writeFacts(event, 0).subarray(0, keyEnd), 'hex');
}

/** Facts are written here to be hashed; reused. */
let scratch = Buffer.alloc(64 * 1024);
/** Where the facts of the key end in what {@link writeFacts} wrote last. */
let keyEnd = 0;

/**
 * Writes all facts, each with its length before it, behind `room` bytes that are left to the caller.
 * The result is valid until the next call; the part of it up to {@link keyEnd} makes the key.
 */
export function writeFacts(event: AuditRecord | EventFacts, room: number): Buffer {
  let to = room;
  if ('raw' in event) {
    locate(event);
    reserve(room + event.raw.length);
    const { raw, identity } = event;
    for (let fact = 0; fact < FACTS.length; fact++) {
      if (fact === KEY_FACTS) keyEnd = to;
      const name = FACTS[fact]!;
      if (name === 'cluster' || name === 'account' || name === 'region') to = putText(identity[name] ?? '', to);
      else to = putSpan(raw, at[fact * 2]!, at[fact * 2 + 1]!, to);
    }
  } else {
    reserve(FACTS.reduce((sum, name) => sum + Buffer.byteLength(event[name]), room));
    for (let fact = 0; fact < FACTS.length; fact++) {
      if (fact === KEY_FACTS) keyEnd = to;
      to = putText(event[FACTS[fact]!], to);
    }
  }
  return scratch.subarray(0, to);
}

function reserve(bytes: number): void {
  const needed = bytes + FACTS.length * 4 + 4096;
  if (scratch.length < needed) scratch = Buffer.alloc(needed);
  else if (scratch.length > 1024 * 1024 && needed < 64 * 1024) scratch = Buffer.alloc(64 * 1024);
}

function putText(text: string, to: number): number {
  const start = to + 4;
  let length = text.length;
  for (let k = 0; k < length; k++) {
    const c = text.charCodeAt(k);
    if (c > 0x7f) {
      length = scratch.write(text, start, 'utf8');
      break;
    }
    scratch[start + k] = c;
  }
  putLength(length, to);
  return start + length;
}

function putSpan(bytes: Uint8Array, i: number, end: number, to: number): number {
  const start = to + 4;
  let after = start;
  if (i >= 0) {
    if (bytes[i] === 0x22) after = unescapeInto(bytes, i + 1, end - 1, scratch, start);
    else for (let k = i; k < end; k++) scratch[after++] = bytes[k]!;
  }
  putLength(after - start, to);
  return after;
}

function putLength(length: number, to: number): void {
  scratch[to] = length & 0xff;
  scratch[to + 1] = (length >>> 8) & 0xff;
  scratch[to + 2] = (length >>> 16) & 0xff;
  scratch[to + 3] = length >>> 24;
}
