import type { EventContext } from '../accept/index.ts';
import type { Paths } from './paths.ts';

/** Types of fields and of what transformers make of them, in Falco's sense. */
export type ValueType = 'string' | 'uint64' | 'abstime' | 'reltime' | 'bool';

/** A value as conditions see it: byte string, list of byte strings, unsigned 64-bit integer, boolean; `undefined` is a missing value. */
export type Extracted = string | readonly string[] | bigint | boolean | undefined;

export type Reader = (event: EventContext) => Extracted;

/** One field: one row. */
export interface FieldRow {
  readonly name: string;
  readonly type: ValueType;
  readonly list: boolean;
  /** `key`: required text in brackets. `index`: optional number in brackets. */
  readonly argument: 'none' | 'key' | 'index';
  /**
   * What the value rests on, where it is little: one path of the event (and, for `ka.*`, the presence of auditID), its time, or nothing of it.
   * The pre-filter goes by it.
   */
  readonly reads?: (argument: string | undefined) => readonly string[] | 'time' | 'nothing';
  /** The value is never missing. */
  readonly always?: true;
  /** How outputs show it, where that is not plain: integers padded to nine digits; texts of times that are nanoseconds in `output_fields`. */
  readonly shown?: 'padded' | 'nanoseconds';
  /** One sentence for the reference page. */
  readonly description: string;
  /** Makes the reader for one argument (`undefined` when there are no brackets). `index` arguments come as digits. */
  readonly bind: (argument: string | undefined, paths: Paths) => Reader;
}
