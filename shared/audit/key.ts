import { hash } from 'node:crypto';
import { layoutOf, Member, memberKeyIs } from './json/layout.ts';
import { skipBlanks, skipKey, skipValue } from './json/lexer.ts';
import { textOf, unescapeInto } from './json/text.ts';
import type { AuditRecord, ClusterIdentity } from './record.ts';

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
const KEY_FACTS = 13;

/** Where each fact lies in the event's text, two numbers per fact; those of the cluster's identity do not lie there. */
function locate(record: AuditRecord): readonly number[] {
  const at: number[] = new Array<number>(FACTS.length * 2).fill(-1);
  const layout = layoutOf(record);
  if (layout === undefined) return at;
  const { spans } = layout;
  const take = (fact: (typeof FACTS)[number], member: number) => {
    const slot = FACTS.indexOf(fact) * 2;
    at[slot] = spans[member]!;
    at[slot + 1] = spans[member + 1]!;
  };
  take('auditID', Member.auditID);
  take('requestReceivedTimestamp', Member.requestReceivedTimestamp);
  take('verb', Member.verb);
  take('requestURI', Member.requestURI);
  take('stage', Member.stage);
  locateIn(record.raw, spans[Member.user]!, spans[Member.user + 1]!, USER, at);
  locateIn(record.raw, spans[Member.objectRef]!, spans[Member.objectRef + 1]!, OBJECT_REF, at);
  locateIn(record.raw, spans[Member.responseStatus]!, spans[Member.responseStatus + 1]!, STATUS, at);
  return at;
}

type Wanted = readonly { readonly key: string; readonly slot: number }[];
const wanted = (keys: Readonly<Record<string, (typeof FACTS)[number]>>): Wanted =>
  Object.entries(keys).map(([key, fact]) => ({ key, slot: FACTS.indexOf(fact) * 2 }));
const USER = wanted({ username: 'username' });
const OBJECT_REF = wanted({
  resource: 'resource',
  subresource: 'subresource',
  namespace: 'namespace',
  name: 'name',
  uid: 'uid',
  apiGroup: 'apiGroup',
  apiVersion: 'apiVersion',
});
const STATUS = wanted({ code: 'code' });

/** Finds the wanted keys in the object `bytes[i, end)`, which is valid JSON; the first of two equal keys counts. */
function locateIn(bytes: Uint8Array, i: number, end: number, keys: Wanted, at: number[]): void {
  if (i < 0 || bytes[i] !== 0x7b) return;
  let j = skipBlanks(bytes, i + 1, end);
  while (bytes[j] === 0x22) {
    const value = skipKey(bytes, j, end);
    const after = skipValue(bytes, value, end);
    if (after < 0) return;
    for (const { key, slot } of keys) {
      if (at[slot] === -1 && memberKeyIs(bytes, j + 1, key)) {
        at[slot] = value;
        at[slot + 1] = after;
        break;
      }
    }
    j = skipBlanks(bytes, after, end);
    if (bytes[j] !== 0x2c) return;
    j = skipBlanks(bytes, j + 1, end);
  }
}

/** The facts of a record, as an alert about it will show them. */
export function eventFacts(record: AuditRecord): EventFacts {
  const at = locate(record);
  const text = (fact: (typeof FACTS)[number]) => {
    const slot = FACTS.indexOf(fact) * 2;
    return at[slot]! < 0 ? '' : textOf(record.raw, at[slot]!, at[slot + 1]!);
  };
  const facts = Object.fromEntries(FACTS.map((fact) => [fact, text(fact)])) as Record<keyof EventFacts, string>;
  return { ...facts, ...identityFacts(record.identity) };
}

function identityFacts({ cluster = '', account = '', region = '' }: ClusterIdentity) {
  return { cluster, account, region };
}

/**
 * Names a happening: sha256, hex, over cluster, auditID, requestReceivedTimestamp, verb, requestURI, user and objectRef, each with its length
 * before it, so that nothing can be moved from one field into the next. The same in all stages of a request.
 */
export function eventKey(event: AuditRecord | EventFacts): string {
  return eventDigests(event).key;
}

/** The hashed message holds the lengths of all facts and their bytes; reused, so valid until the next call. */
let message = Buffer.alloc(64 * 1024);

/** The key, and the message that the MAC covers: the key and the facts that are not in it. */
export function eventDigests(event: AuditRecord | EventFacts): { readonly key: string; readonly rest: Uint8Array } {
  let at = 0;
  let keyEnd = 0;
  if ('raw' in event) {
    const spans = locate(event);
    const identity = identityFacts(event.identity);
    reserve(event.raw.length);
    for (let fact = 0; fact < FACTS.length; fact++) {
      if (fact === KEY_FACTS) keyEnd = at;
      const name = FACTS[fact]!;
      if (name === 'cluster' || name === 'account' || name === 'region') at = putText(identity[name], at);
      else at = putSpan(event.raw, spans[fact * 2]!, spans[fact * 2 + 1]!, at);
    }
  } else {
    reserve(FACTS.reduce((sum, name) => sum + Buffer.byteLength(event[name]), 0));
    for (let fact = 0; fact < FACTS.length; fact++) {
      if (fact === KEY_FACTS) keyEnd = at;
      at = putText(event[FACTS[fact]!], at);
    }
  }
  return { key: hash('sha256', message.subarray(0, keyEnd), 'hex'), rest: message.subarray(keyEnd, at) };
}

function reserve(bytes: number): void {
  const needed = bytes + FACTS.length * 4 + 4096;
  if (message.length < needed) message = Buffer.alloc(needed);
  else if (message.length > 1024 * 1024 && needed < 64 * 1024) message = Buffer.alloc(64 * 1024);
}

function putText(text: string, at: number): number {
  const length = message.write(text, at + 4, 'utf8');
  return putLength(length, at) + length;
}

function putSpan(bytes: Uint8Array, i: number, end: number, at: number): number {
  if (i < 0) return putLength(0, at);
  const start = at + 4;
  let after: number;
  if (bytes[i] === 0x22) after = unescapeInto(bytes, i + 1, end - 1, message, start);
  else {
    message.set(bytes.subarray(i, end), start);
    after = start + end - i;
  }
  putLength(after - start, at);
  return after;
}

function putLength(length: number, at: number): number {
  message[at] = length & 0xff;
  message[at + 1] = (length >>> 8) & 0xff;
  message[at + 2] = (length >>> 16) & 0xff;
  message[at + 3] = length >>> 24;
  return at + 4;
}
