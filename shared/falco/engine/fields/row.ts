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
  /** One sentence for the reference page. */
  readonly description: string;
  /** Makes the reader for one argument (`undefined` when there are no brackets). `index` arguments come as digits. */
  readonly bind: (argument: string | undefined, paths: Paths) => Reader;
}
