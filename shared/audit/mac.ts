import { hash, timingSafeEqual } from 'node:crypto';
import { type EventFacts, eventKey, writeFacts } from './key.ts';
import type { AuditRecord } from './record.ts';

/**
 * A shared secret under which events are stamped and alerts verified.
 * Rotation: the stamping side gets the new key, the verifying side the new and the previous one, until nothing stamped with the old is under way.
 */
export interface MacKey {
  /** Names the key in the stamp: 1–32 letters, digits, `-` or `_`. */
  readonly id: string;
  /** At least 32 random bytes. */
  readonly secret: Uint8Array;
}

export type MacVerdict =
  | { readonly ok: true; readonly eventKey: string }
  | { readonly ok: false; readonly reason: 'no-mac' | 'unknown-key' | 'mismatch' };

/**
 * The value of `tiercel.dev/mac`: `<key id>.<HMAC-SHA-256, base64url>` over all {@link EventFacts}: whatever a response is aimed by (request, caller,
 * answer, the object's name and UID). It says that this project took the event from the log: whoever only reaches Falco's webhook cannot make one, nor move
 * one to another event or object. It does not cover which rule alerted, because it is made before any rule is asked.
 */
export function macOf(key: MacKey, event: AuditRecord | EventFacts): string {
  return `${key.id}.${hmac(key, event)}`;
}

/** Verifies a stamp as an alert carries it. Any of `keys` may have made it. Comparison takes the same time whatever differs. */
export function verifyMac(keys: readonly MacKey[], mac: string | undefined, event: AuditRecord | EventFacts): MacVerdict {
  if (mac === undefined || mac === '') return { ok: false, reason: 'no-mac' };
  const dot = mac.indexOf('.');
  const key = keys.find(({ id }) => id === mac.slice(0, dot));
  if (key === undefined) return { ok: false, reason: 'unknown-key' };
  const given = Buffer.from(mac.slice(dot + 1), 'utf8');
  const expected = Buffer.from(hmac(key, event), 'latin1');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return { ok: false, reason: 'mismatch' };
  return { ok: true, eventKey: eventKey(event) };
}

const BLOCK = 64;

/** A key's two padded blocks (RFC 2104); the outer one with room for the inner digest. */
interface Pads {
  readonly inner: Buffer;
  readonly outer: Buffer;
}
const padsOf = new WeakMap<MacKey, Pads>();

/** HMAC from two one-shot hashes, because `createHmac` costs some ten times as much for messages this short. */
function hmac(key: MacKey, event: AuditRecord | EventFacts): string {
  let pads = padsOf.get(key);
  if (pads === undefined) {
    pads = makePads(key);
    padsOf.set(key, pads);
  }
  const message = writeFacts(event, BLOCK);
  message.set(pads.inner);
  pads.outer.write(hash('sha256', message, 'binary'), BLOCK, 'latin1');
  return hash('sha256', pads.outer, 'base64url');
}

function makePads({ id, secret }: MacKey): Pads {
  if (!/^[\w-]{1,32}$/.test(id))
    throw new RangeError(`Expected a MAC key id of 1 to 32 letters, digits, - or _, got ${JSON.stringify(id)}.`);
  if (secret.length < 32)
    throw new RangeError(`Expected a MAC secret of at least 32 bytes, got ${secret.length}: make one with \`openssl rand -base64 32\`.`);
  const block = Buffer.alloc(BLOCK);
  if (secret.length > BLOCK) block.write(hash('sha256', secret, 'hex'), 'hex');
  else block.set(secret);
  return { inner: Buffer.from(block.map((byte) => byte ^ 0x36)), outer: Buffer.concat([block.map((byte) => byte ^ 0x5c)], BLOCK + 32) };
}
