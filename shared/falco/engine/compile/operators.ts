import type { ComparisonOperator } from '../ast.ts';
import { compileGlob, foldAscii } from './glob.ts';

export type Scalar = string | bigint | boolean;
export type Predicate = (value: Scalar) => boolean;

/** What an operator can be asked about. Lists know only `in` and `intersects`. */
type Kind = 'string' | 'number' | 'bool' | 'list';

/** One operator: one row. */
export interface OperatorRow {
  readonly kinds: readonly Kind[];
  /** Compares with one value of the same type. Absent for `regex` and `pmatch`, which read their constants at once (compare.ts). */
  readonly test?: (constant: Scalar) => Predicate;
  /** Strings are compared up to the first NUL, as strcmp does; `in` and `intersects` look at all bytes. */
  readonly compares: 'c strings' | 'sets' | 'constants only';
}

const ANY: readonly Kind[] = ['string', 'number', 'bool'];
const ORDERED: readonly Kind[] = ['string', 'number'];
const TEXT: readonly Kind[] = ['string'];

function onText(test: (constant: string) => (value: string) => boolean): Pick<OperatorRow, 'kinds' | 'test' | 'compares'> {
  return { kinds: TEXT, compares: 'c strings', test: test as (constant: Scalar) => Predicate };
}

const EQUAL: OperatorRow = { kinds: ANY, compares: 'c strings', test: (constant) => (value) => value === constant };
const ELEMENT: OperatorRow = { kinds: [...ANY, 'list'], compares: 'sets' };
/** For fields of type byte buffer, of which this source has none. */
const ON_BUFFERS: OperatorRow = { kinds: [], compares: 'constants only' };

export const OPERATORS: Readonly<Record<ComparisonOperator, OperatorRow>> = {
  '=': EQUAL,
  '==': EQUAL,
  '!=': { kinds: ANY, compares: 'c strings', test: (constant) => (value) => value !== constant },
  '<': { kinds: ORDERED, compares: 'c strings', test: (constant) => (value) => value < constant },
  '<=': { kinds: ORDERED, compares: 'c strings', test: (constant) => (value) => value <= constant },
  '>': { kinds: ORDERED, compares: 'c strings', test: (constant) => (value) => value > constant },
  '>=': { kinds: ORDERED, compares: 'c strings', test: (constant) => (value) => value >= constant },
  contains: onText((constant) => (value) => value.includes(constant)),
  icontains: onText((constant) => {
    const folded = foldAscii(constant);
    return (value) => foldAscii(value).includes(folded);
  }),
  startswith: onText((constant) => (value) => value.startsWith(constant)),
  endswith: onText((constant) => (value) => value.endsWith(constant)),
  glob: onText((constant) => compileGlob(constant)),
  iglob: onText((constant) => compileGlob(constant, true)),
  regex: { kinds: TEXT, compares: 'constants only' },
  pmatch: { kinds: TEXT, compares: 'constants only' },
  in: ELEMENT,
  intersects: ELEMENT,
  bcontains: ON_BUFFERS,
  bstartswith: ON_BUFFERS,
};
