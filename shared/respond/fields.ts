import type { FalcoAlert, FieldValue } from '../falco/alert.ts';

/** A field as respond sees it. `truncated` is a value cut by Falcosidekick (507 bytes and `[...]`): something was there, but it identifies nothing. */
export type FieldState =
  | { readonly state: 'present'; readonly text: string }
  | { readonly state: 'missing' }
  | { readonly state: 'truncated' };

const MISSING: FieldState = { state: 'missing' };
const TRUNCATED: FieldState = { state: 'truncated' };

/** `null`, the empty string and `<NA>` all mean that Falco found nothing (named formats print `<NA>`, plain fields `null`). */
export function isMissing(value: FieldValue | undefined): boolean {
  return value === undefined || value === null || value === '' || value === '<NA>' || (Array.isArray(value) && value.length === 0);
}

/** What Falcosidekick leaves of a string over 512 bytes when a payload exceeds 4,096 bytes; what ingest cuts is longer. */
const CUT_BYTES = 512;

/** A shorter value that ends in the mark was written so by somebody, who must not get out of a response by it. */
export function isTruncated(value: FieldValue | undefined): boolean {
  if (typeof value === 'string') return value.endsWith('[...]') && Buffer.byteLength(value) >= CUT_BYTES;
  return Array.isArray(value) && value.some(isTruncated);
}

/** A field as one text; numbers and booleans are spelled, a list of exactly one item is that item, longer lists are missing. */
export function readField(alert: FalcoAlert, name: string): FieldState {
  const value = Object.hasOwn(alert.output_fields, name) ? alert.output_fields[name] : undefined;
  if (isMissing(value)) return MISSING;
  if (isTruncated(value)) return TRUNCATED;
  if (typeof value === 'object') return value!.length === 1 && !isMissing(value![0]!) ? { state: 'present', text: value![0]! } : MISSING;
  return { state: 'present', text: String(value) };
}

/** The text of a field, or `undefined` when it is missing or truncated: for whatever may not identify by a cut value. */
export function fieldText(alert: FalcoAlert, name: string): string | undefined {
  const field = readField(alert, name);
  return field.state === 'present' ? field.text : undefined;
}

/** A list field (`ka.user.groups`), or `undefined` when missing or when any item was cut. */
export function fieldList(alert: FalcoAlert, name: string): readonly string[] | undefined {
  const value = Object.hasOwn(alert.output_fields, name) ? alert.output_fields[name] : undefined;
  if (isMissing(value) || isTruncated(value)) return undefined;
  return Array.isArray(value) ? value : [String(value)];
}

/**
 * When the happening happened, epoch milliseconds: the earlier of the alert's time (the stage's) and the time of receipt. Only the latter is
 * under the MAC, so a forged later time cannot make an old event young.
 */
export function happenedAtMs(alert: FalcoAlert): number | undefined {
  const stageMs = Date.parse(alert.time);
  const received = fieldText(alert, 'tiercel.received');
  const receivedMs = received === undefined ? stageMs : Date.parse(received);
  const earlier = Math.min(stageMs, receivedMs);
  return Number.isFinite(earlier) ? earlier : undefined;
}
