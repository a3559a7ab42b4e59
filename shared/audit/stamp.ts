import { type EventLayout, Member, type MemberSpan, memberKeyIs, membersOf } from './json/layout.ts';
import { skipBlanks, skipKey, skipValue } from './json/lexer.ts';
import { textOf } from './json/text.ts';

/** One annotation to be set: its name, and its value as JSON text. */
export interface Stamp {
  readonly name: string;
  readonly value: string;
}

/** The annotation that says an event is not whole, in the API server's own spelling. */
export const TRUNCATED = 'audit.k8s.io/truncated';
export const ATTEMPT = 'tiercel.dev/attempt';

/** The annotation under which the value is kept that a stamp displaced. */
const originalOf = (name: string) => `tiercel.dev/original-${name}`;

/**
 * Sets annotations on the text of an event, by insertion alone: nothing of the text is changed, moved or taken away.
 * Of two equal keys Falco's parser reads the first, so the stamps go before everything else in `annotations`, which is created if absent.
 * A stamp that already reads as wanted is left alone, so stamping a stamped text changes nothing. A value that was there before, by whoever,
 * is shadowed and kept under `tiercel.dev/original-<name>` too (not for the attempt, which is always ours).
 *
 * fastjson compares keys as they are spelled until a look-up on the same object misses; from then on it compares them unescaped. Both
 * readings must give our values, so `annotations` members with different spellings are stamped each, and one that is no object is shadowed.
 *
 * Returns `raw` itself when there is nothing to do. `layout` must be that of `raw`.
 */
export function stamp(raw: Uint8Array, layout: EventLayout, stamps: readonly Stamp[]): Uint8Array {
  if (!layout.escapedKeys) {
    const start = layout.spans[Member.annotations]!;
    if (start >= 0 && raw[start] === 0x7b)
      return insert(raw, insertionInto(raw, start, layout.spans[Member.annotations + 1]!, stamps), start + 1);
  }
  let plain: MemberSpan | undefined;
  let first: MemberSpan | undefined;
  for (const member of membersOf(raw, skipBlanks(raw, 0, raw.length), raw.length)) {
    if (plain === undefined && memberKeyIs(raw, member.key, 'annotations')) plain = member;
    if (first === undefined && nameOf(raw, member) === 'annotations') first = member;
  }
  if (first === undefined) return append(raw, `"annotations":{${spell(stamps)}}`);
  const objects = plain === undefined || plain === first ? [first] : [first, plain];
  if (objects.some((member) => raw[member.value] !== 0x7b)) return insert(raw, `"annotations":{${spell(stamps)}},`, first.key - 1);
  // From back to front, so that offsets stay good.
  let text = raw;
  for (const { value, valueEnd } of objects.toReversed()) text = insert(text, insertionInto(raw, value, valueEnd, stamps), value + 1);
  return text;
}

/** What has to be put at the beginning of the `annotations` object `raw[start, end)`. */
function insertionInto(raw: Uint8Array, start: number, end: number, stamps: readonly Stamp[]): string {
  let j = skipBlanks(raw, start + 1, end);
  const empty = raw[j] === 0x7d;
  let foreign = false;
  while (!foreign && raw[j] === 0x22) {
    for (const { name } of stamps) foreign ||= memberKeyIs(raw, j + 1, name);
    const value = skipKey(raw, j, end);
    foreign ||= holdsEscape(raw, j + 1, value);
    j = skipBlanks(raw, skipValue(raw, value, end), end);
    if (raw[j] !== 0x2c) break;
    j = skipBlanks(raw, j + 1, end);
  }
  const text = foreign ? spellAgainst(raw, start, end, stamps) : spell(stamps);
  return empty || text === '' ? text : `${text},`;
}

function holdsEscape(raw: Uint8Array, i: number, end: number): boolean {
  for (let j = i; j < end; j++) if (raw[j] === 0x5c) return true;
  return false;
}

/** The stamps that do not read as wanted yet, and the values that they displace. */
function spellAgainst(raw: Uint8Array, start: number, end: number, stamps: readonly Stamp[]): string {
  const members = [...membersOf(raw, start, end)].map((span) => ({
    span,
    name: nameOf(raw, span),
    text: Buffer.from(raw.buffer, raw.byteOffset + span.value, span.valueEnd - span.value).toString('latin1'),
  }));
  /** What Falco's parser reads, at first and after a look-up has missed. */
  const read = (name: string) => {
    const first = members.find((member) => member.name === name);
    return { plain: members.find((member) => memberKeyIs(raw, member.span.key, name)) ?? first, first };
  };
  const readsAs = (name: string, text: string) => {
    const { plain, first } = read(name);
    return plain?.text === text && first?.text === text;
  };
  const added: Stamp[] = [];
  const originals: Stamp[] = [];
  for (const { name, value } of stamps) {
    if (readsAs(name, value)) continue;
    added.push({ name, value });
    const displaced = read(name).plain?.text;
    const original = originalOf(name);
    if (displaced !== undefined && displaced !== value && name !== ATTEMPT && !readsAs(original, displaced))
      originals.push({ name: original, value: displaced });
  }
  return spell([...added, ...originals]);
}

function nameOf(raw: Uint8Array, { key, keyEnd }: MemberSpan): string {
  return textOf(raw, key - 1, keyEnd + 1);
}

function spell(stamps: readonly Stamp[]): string {
  let text = '';
  for (const { name, value } of stamps) text += text === '' ? `"${name}":${value}` : `,"${name}":${value}`;
  return text;
}

/** Stamped texts are made in shared blocks of this size, which costs a fraction of an allocation for each. */
const BLOCK_BYTES = 1024 * 1024;
let block = Buffer.alloc(0);
let blockAt = 0;

function allocate(bytes: number): Buffer {
  if (bytes > BLOCK_BYTES / 4) return Buffer.allocUnsafeSlow(bytes);
  if (block.length - blockAt < bytes) {
    block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    blockAt = 0;
  }
  const part = block.subarray(blockAt, blockAt + bytes);
  blockAt += bytes;
  return part;
}

/** Puts `text` (one character per byte) at offset `at`. */
function insert(raw: Uint8Array, text: string, at: number): Uint8Array {
  if (text === '') return raw;
  const out = allocate(raw.length + text.length);
  out.set(raw);
  out.write(text, at, 'latin1');
  out.set(raw.subarray(at), at + text.length);
  return out;
}

/** Puts a member behind the last one of the object that is the whole text and has some. */
export function append(raw: Uint8Array, member: string): Uint8Array {
  return insert(raw, `,${member}`, raw.lastIndexOf(0x7d));
}
