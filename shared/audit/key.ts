import { hash } from 'node:crypto';
import { layoutOf, Member, memberKeyIs } from './json/layout.ts';
import { skipBlanks, skipKey, skipValue } from './json/lexer.ts';
import { textOf, unescapeInto } from './json/text.ts';
import type { AuditRecord } from './record.ts';

/**
 * The facts of an event that its key and its MAC rest on, as text in Falco's rendering (an alert shows the same text); '' where there is none.
 * They are read from the very text that Falco gets: what a reduced or salvaged event has lost is missing here as in its alerts, and signed as missing.
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
  /** `ka.uri`, through {@link uriFact}: a long one is its digest. */
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
  /** `ka.resp.name`: the only name of an object created with `generateName`. From here on all are in the MAC, not in the key. */
  readonly responseName: string;
  /** `jevt.value[/responseObject/metadata/uid]` */
  readonly responseUid: string;
  /** `jevt.value[/responseObject/details/uid]`: what a deletion answers with, if not with the object. Of other calls '', see {@link detailsUidOf}. */
  readonly detailsUid: string;
  /** `jevt.value[/annotations/audit.k8s.io~1truncated]` */
  readonly truncated: string;
  /** `ka.user.groups`, through {@link groupsFact}. */
  readonly groups: string;
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
  'responseName',
  'responseUid',
  'detailsUid',
  'truncated',
  'groups',
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
const USER = wanted({ username: 'username', groups: 'groups' });
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
const RESPONSE_METADATA = wanted({ name: 'responseName', uid: 'responseUid' });
const DETAILS = wanted({ uid: 'detailsUid' });
const ANNOTATIONS = wanted({ 'audit.k8s.io/truncated': 'truncated' });

/** An URI of at least this many bytes is known by its digest: Falcosidekick may cut longer texts than 512, and then they end in `[...]`. */
export const LONG_URI_BYTES = 512;

/**
 * A request URI as key and MAC take it: itself, or a long one's sha256, so that a caller who writes a long URI cannot hide which happening it was.
 * What a guard asks of it stays visible: `?dryRun` at the end.
 */
export function uriFact(uri: string): string {
  if (Buffer.byteLength(uri) < LONG_URI_BYTES) return uri;
  return `sha256:${hash('sha256', uri, 'hex')}${asksForDryRun(uri) ? '?dryRun' : ''}`;
}

/** The UID that the answer's `details` give away, where it may name the object: a fact of deletions that do not answer with the object. */
export function detailsUidOf({ verb, responseUid, detailsUid }: Pick<EventFacts, 'verb' | 'responseUid' | 'detailsUid'>): string {
  return verb === 'delete' && responseUid === '' ? detailsUid : '';
}

/** The caller's groups as one text that no other list has. */
export function groupsFact(groups: readonly string[]): string {
  return groups.length === 0 ? '' : JSON.stringify(groups);
}

/** Whether a request URI, or what {@link uriFact} made of it, asks for a dry run. */
export function asksForDryRun(uri: string): boolean {
  const mark = uri.indexOf('?');
  return mark >= 0 && new URLSearchParams(uri.slice(mark + 1)).has('dryRun');
}

function slotOf(fact: Fact): number {
  return FACTS.indexOf(fact) * 2;
}

const GROUPS = slotOf('groups');
const VERB = slotOf('verb');

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
  locateIn(record.raw, spans[Member.annotations]!, spans[Member.annotations + 1]!, ANNOTATIONS);
  const response = spans[Member.responseObject]!;
  const responseEnd = spans[Member.responseObject + 1]!;
  locateBelow(record.raw, response, responseEnd, 'metadata', RESPONSE_METADATA);
  if (at[slotOf('responseUid')] === -1 && isDeletion(record.raw)) locateBelow(record.raw, response, responseEnd, 'details', DETAILS);
}

/** Which deletion answers with a Status says nobody before reading all of the answer, which is long where it is a list. */
function isDeletion(bytes: Uint8Array): boolean {
  const verb = at[VERB]!;
  return verb >= 0 && bytes[verb] === 0x22 && memberKeyIs(bytes, verb + 1, 'delete');
}

/** Finds the wanted keys in the object that is the member `name` of the object `bytes[i, end)`. */
function locateBelow(bytes: Uint8Array, i: number, end: number, name: string, keys: Wanted): void {
  if (i < 0 || bytes[i] !== 0x7b) return;
  let j = skipBlanks(bytes, i + 1, end);
  while (bytes[j] === 0x22) {
    const value = skipKey(bytes, j, end);
    if (memberKeyIs(bytes, j + 1, name)) {
      locateIn(bytes, value, end, keys);
      return;
    }
    const after = skipValue(bytes, value, end);
    if (after < 0) return;
    j = skipBlanks(bytes, after, end);
    if (bytes[j] !== 0x2c) return;
    j = skipBlanks(bytes, j + 1, end);
  }
}

/** Finds the wanted keys in the object that starts at `bytes[i]` and ends before `end`, of valid JSON; the first of two equal keys counts. */
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
  const groups = groupsFact(textsOf(record.raw, at[GROUPS]!, at[GROUPS + 1]!));
  return { ...facts, requestURI: uriFact(facts.requestURI), cluster, account, region, groups };
}

/** The elements of the list `bytes[i, end)` as Falco renders them; none when it is no list. */
function textsOf(bytes: Uint8Array, i: number, end: number): string[] {
  const texts: string[] = [];
  if (i < 0 || bytes[i] !== 0x5b) return texts;
  let j = skipBlanks(bytes, i + 1, end);
  while (j < end && bytes[j] !== 0x5d) {
    const after = skipValue(bytes, j, end);
    if (after < 0) break;
    texts.push(textOf(bytes, j, after));
    j = skipBlanks(bytes, after, end);
    if (bytes[j] === 0x2c) j = skipBlanks(bytes, j + 1, end);
  }
  return texts;
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
      else if (name === 'groups') to = putGroups(raw, at[GROUPS]!, at[GROUPS + 1]!, to);
      else if (name === 'requestURI') to = putUri(raw, at[fact * 2]!, at[fact * 2 + 1]!, to);
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

function putUri(bytes: Uint8Array, i: number, end: number, to: number): number {
  const after = putSpan(bytes, i, end, to);
  return after - to - 4 < LONG_URI_BYTES ? after : putText(uriFact(textOf(bytes, i, end)), to);
}

/** Mostly the list stands in the event just as {@link groupsFact} spells it: copied, unless it holds an escape or a blank. */
function putGroups(bytes: Uint8Array, i: number, end: number, to: number): number {
  if (i < 0 || end - i < 3) return putText('', to);
  let after = to + 4;
  for (let j = i; j < end; j++) {
    const c = bytes[j]!;
    if (c <= 0x20 || c === 0x5c) return putText(groupsFact(textsOf(bytes, i, end)), to);
    scratch[after++] = c;
  }
  putLength(after - to - 4, to);
  return after;
}

function putLength(length: number, to: number): void {
  scratch[to] = length & 0xff;
  scratch[to + 1] = (length >>> 8) & 0xff;
  scratch[to + 2] = (length >>> 16) & 0xff;
  scratch[to + 3] = length >>> 24;
}
