/**
 * The condition language as a tree, between parse (which writes it) and check/compile (which read it).
 *
 * Texts are **byte strings**: JavaScript strings with one character per UTF-8 byte (latin1), because Falco compares bytes:
 * `<`, `length`, `startsWith`, glob's `?` are then right without further thought. Convert at the edges with `bytes.ts`.
 */

/** Half-open range of offsets in the condition text that was parsed (after exceptions and lists were pasted in). */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type Expression = And | Or | Not | Identifier | Check;

export interface And {
  readonly type: 'and';
  readonly children: readonly Expression[];
  readonly span: Span;
}

export interface Or {
  readonly type: 'or';
  readonly children: readonly Expression[];
  readonly span: Span;
}

export interface Not {
  readonly type: 'not';
  readonly child: Expression;
  readonly span: Span;
}

/** A macro's name; gone after resolve, which puts the macro's tree in its place. */
export interface Identifier {
  readonly type: 'identifier';
  readonly name: string;
  readonly span: Span;
}

export type Operand = Field | Transformer;

export interface Field {
  readonly type: 'field';
  readonly name: string;
  /** Text between the brackets, quotes removed; absent when there are no brackets. */
  readonly argument?: string;
  readonly span: Span;
}

export type TransformerName = 'tolower' | 'toupper' | 'b64' | 'basename' | 'len' | 'join' | 'concat' | 'getopt';

export interface Transformer {
  readonly type: 'transformer';
  readonly name: TransformerName;
  readonly arguments: readonly TransformerArgument[];
  /** Text between the brackets after the closing parenthesis (`getopt(...)[c]`). */
  readonly index?: string;
  readonly span: Span;
}

export type TransformerArgument = Operand | Constant | ArgumentList;

/** A parenthesised transformer argument, as in `join(",", (ka.verb, "x"))`. */
export interface ArgumentList {
  readonly type: 'arguments';
  readonly items: readonly (Operand | Constant)[];
  readonly span: Span;
}

export interface Constant {
  readonly type: 'constant';
  readonly text: string;
  /** Quoted, bare or number: a bare word may draw a warning (looks like a field). */
  readonly form: 'quoted' | 'bare' | 'number' | 'hex';
  readonly span: Span;
}

export interface ConstantList {
  readonly type: 'list';
  readonly items: readonly Constant[];
  readonly span: Span;
}

export const COMPARISON_OPERATORS = [
  '=',
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'contains',
  'icontains',
  'bcontains',
  'startswith',
  'bstartswith',
  'endswith',
  'glob',
  'iglob',
  'regex',
  'in',
  'intersects',
  'pmatch',
] as const;
export type ComparisonOperator = (typeof COMPARISON_OPERATORS)[number];

export type Modifier = 'oneof' | 'anyof' | 'allof';

export type Check =
  | { readonly type: 'exists'; readonly left: Operand; readonly span: Span }
  | {
      readonly type: 'compare';
      readonly left: Operand;
      readonly operator: ComparisonOperator;
      readonly modifier?: Modifier;
      /** A constant, a list (`in word` is a list of one), or another operand (`val(field)` or a transformer: field-to-field comparison). */
      readonly right: Constant | ConstantList | Operand;
      readonly span: Span;
    };
