import type { FieldValue } from '../../alert.ts';
import type { EventContext } from '../accept/index.ts';
import { fromByteString, upToNul } from '../bytes.ts';
import type { Extracted, FieldRow } from '../fields/index.ts';

/** Falco prints lists through a buffer of this many bytes, terminator included. */
const LIST_BUFFER = 1024;

/** A value in an output text. Byte strings. */
export function printValue(value: Extracted, row: Pick<FieldRow, 'shown'> | undefined): string {
  if (value === undefined) return '<NA>';
  if (typeof value === 'string') return upToNul(value);
  if (typeof value === 'bigint') return row?.shown === 'padded' ? value.toString().padStart(9, '0') : value.toString();
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return printList(value);
}

function printList(values: readonly string[]): string {
  let text = '(';
  for (const value of values) {
    // Falco tells "no element yet" by the length of the text: a first element that is empty gets no comma behind it.
    if (text.length > 1) text += ',';
    text += upToNul(value);
    if (text.length >= LIST_BUFFER) break;
  }
  return `${text})`.slice(0, LIST_BUFFER - 1);
}

/** A field's value in `output_fields`. */
export function jsonValue(value: Extracted, row: FieldRow, event: EventContext): FieldValue {
  if (row.shown === 'nanoseconds') return BigInt.asIntN(64, event.nanoseconds);
  if (value === undefined) return null;
  if (typeof value === 'string') return fromByteString(upToNul(value));
  if (typeof value === 'bigint') return row.type === 'uint64' ? value : BigInt.asIntN(64, value);
  if (typeof value === 'boolean') return value;
  return value.length === 0 ? null : value.map((text) => fromByteString(upToNul(text)));
}
