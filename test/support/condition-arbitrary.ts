import fc from 'fast-check';
import type { Check, Constant, Expression, Operand, Span, TransformerArgument } from '../../shared/falco/engine/ast.ts';
import { COMPARISON_OPERATORS } from '../../shared/falco/engine/ast.ts';
import { TRANSFORMER_NAMES } from '../../shared/falco/engine/parse/operand.ts';

/** Condition trees of every form the parser can produce, for round trips. Texts are byte strings; spans are all zero. */
const span: Span = { start: 0, end: 0 };

const identifier = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,6}$/);
const fieldName = fc.oneof(
  fc.constantFrom('ka.verb', 'ka.user.name', 'ka.user.groups', 'jevt.value', 'evt.num'),
  fc.array(identifier, { minLength: 2, maxLength: 3 }).map((parts) => parts.join('.')),
);
const bytes = fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 8 }).map((codes) => String.fromCharCode(...codes));
const bare = fc.oneof(
  fc.constantFrom('and', 'or', 'not', 'oneof', 'val', 'exists', 'in', '<NA>', 'ka.verb', '\\'),
  fc.stringMatching(/^[a-z0-9*/.:<>![\]{}\\#;%+-]{1,8}$/),
);
const number = fc.stringMatching(/^[+-]?[0-9]{1,3}(\.[0-9]{0,2})?([eE][+-][0-9]{1,2})?$/);
const hex = fc.stringMatching(/^0[xX][0-9a-fA-F]{1,4}$/);

const constant = (form: Constant['form'], text: fc.Arbitrary<string>): fc.Arbitrary<Constant> =>
  text.map((value) => ({ type: 'constant', text: value, form, span }));
const stringConstant = fc.oneof(constant('quoted', bytes), constant('bare', bare));
const numeral = fc.oneof(constant('number', number), constant('hex', hex));
const list = fc.array(stringConstant, { maxLength: 3 }).map((items) => ({ type: 'list' as const, items, span }));

const field: fc.Arbitrary<Operand> = fc
  .record({ name: fieldName, argument: fc.option(bytes, { nil: undefined }) })
  .map(({ name, argument }) => ({ type: 'field', name, ...(argument !== undefined && { argument }), span }));

const { operand, transformer } = fc.letrec<{ operand: Operand; transformer: Operand; argument: TransformerArgument }>((tie) => ({
  operand: fc.oneof({ depthSize: 'small', withCrossShrink: true }, field, tie('transformer')),
  transformer: fc
    .record({
      name: fc.constantFrom(...TRANSFORMER_NAMES),
      arguments: fc.array(tie('argument'), { minLength: 1, maxLength: 3 }),
      index: fc.option(bytes, { nil: undefined }),
    })
    .map(({ index, ...rest }): Operand => ({ type: 'transformer', ...rest, ...(index !== undefined && { index }), span })),
  argument: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    field,
    constant('quoted', bytes),
    numeral,
    tie('transformer'),
    fc
      .array(fc.oneof(field, constant('quoted', bytes), numeral), { maxLength: 3 })
      .map((items): TransformerArgument => ({ type: 'arguments', items, span })),
  ),
}));

const numericOperators = ['<', '<=', '>', '>='] as const;
const listOperators = ['in', 'intersects', 'pmatch'] as const;
const stringOperators = COMPARISON_OPERATORS.filter(
  (operator) => !(numericOperators as readonly string[]).includes(operator) && !(listOperators as readonly string[]).includes(operator),
);

const check: fc.Arbitrary<Check> = fc.oneof(
  operand.map((left): Check => ({ type: 'exists', left, span })),
  fc
    .tuple(operand, fc.constantFrom(...numericOperators), fc.oneof(numeral, field, transformer))
    .map(([left, operator, right]): Check => ({ type: 'compare', left, operator, right, span })),
  fc
    .tuple(operand, fc.constantFrom(...stringOperators), fc.oneof(stringConstant, field, transformer))
    .map(([left, operator, right]): Check => ({ type: 'compare', left, operator, right, span })),
  fc
    .tuple(operand, fc.constantFrom(...stringOperators), fc.constantFrom('oneof' as const, 'anyof' as const, 'allof' as const), list)
    .map(([left, operator, modifier, right]): Check => ({ type: 'compare', left, operator, modifier, right, span })),
  fc
    .tuple(operand, fc.constantFrom(...listOperators), fc.oneof(list, field, transformer))
    .map(([left, operator, right]): Check => ({ type: 'compare', left, operator, right, span })),
);

export const conditionTree: fc.Arbitrary<Expression> = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    check,
    identifier.map((name): Expression => ({ type: 'identifier', name, span })),
    tie('tree').map((child): Expression => ({ type: 'not', child, span })),
    fc
      .tuple(fc.constantFrom('and' as const, 'or' as const), fc.array(tie('tree'), { minLength: 2, maxLength: 4 }))
      .map(([type, children]): Expression => ({ type, children, span })),
  ),
})).tree;

/** Texts near the language: its tokens in any order, glued or spaced. */
export const conditionText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'and',
        'or',
        'not',
        'not(',
        '(',
        ')',
        '[',
        ']',
        ',',
        ' ',
        '\t',
        '"',
        "'",
        '\\',
        '=',
        '!=',
        '<',
        '>=',
        'exists',
        'in',
        'contains',
        'regex',
      ),
      fc.constantFrom(
        'ka.verb',
        'kevt',
        'a.b',
        'jevt.value',
        'val(',
        'tolower(',
        'concat(',
        'oneof',
        'anyof',
        '5',
        '0x1',
        'x',
        ';',
        '#',
        '%',
      ),
      bytes,
    ),
    { maxLength: 24 },
  )
  .chain((tokens) => fc.constantFrom('', ' ').map((glue) => tokens.join(glue)));
