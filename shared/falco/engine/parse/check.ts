import type { Check, ComparisonOperator, ConstantList, Identifier, Modifier, Operand } from '../ast.ts';
import { takeNumeral, takeOperand, takeOther, takeString, takeWordAsList } from './operand.ts';
import { type Scanner, SyntaxProblem } from './scanner.ts';

/** Operators that compare with a number literal. Longer ones first: the scanner takes the first that fits. */
const NUMERIC = ['<=', '<', '>=', '>'] as const satisfies readonly ComparisonOperator[];
const SYMBOLS = ['==', '=', '!='] as const satisfies readonly ComparisonOperator[];
/** These need a blank behind them. */
const WORDS = [
  'glob',
  'iglob',
  'contains',
  'icontains',
  'bcontains',
  'startswith',
  'bstartswith',
  'endswith',
  'regex',
] as const satisfies readonly ComparisonOperator[];
const LISTS = ['intersects', 'in', 'pmatch'] as const satisfies readonly ComparisonOperator[];
export const MODIFIERS = ['oneof', 'anyof', 'allof'] as const satisfies readonly Modifier[];

/** Operators a modifier may follow. */
export const STRING_OPERATORS: readonly ComparisonOperator[] = [...SYMBOLS, ...WORDS];
/** Operators that take a list. */
export const LIST_OPERATORS: readonly ComparisonOperator[] = LISTS;

/** Operand Cond | Identifier; the parenthesised form is the caller's. */
export function parseCheck(scanner: Scanner): Check | Identifier {
  const start = scanner.offset;
  const left = takeOperand(scanner);
  if (left) return condition(scanner, left, start);
  const name = scanner.takeIdentifier();
  if (name !== undefined) return { type: 'identifier', name, span: { start, end: scanner.end } };
  throw new SyntaxProblem(`expected '(', a field, a transformer or the name of a macro, found ${scanner.ahead()}`, start);
}

function condition(scanner: Scanner, left: Operand, start: number): Check {
  scanner.blanks();
  if (scanner.take('exists')) return { type: 'exists', left, span: { start, end: scanner.end } };
  const compare = (operator: ComparisonOperator, right: Extract<Check, { type: 'compare' }>['right'], modifier?: Modifier): Check => ({
    type: 'compare',
    left,
    operator,
    ...(modifier && { modifier }),
    right,
    span: { start, end: scanner.end },
  });

  const numeric = NUMERIC.find((operator) => scanner.take(operator));
  if (numeric) {
    scanner.blanks();
    const right = takeOther(scanner) ?? takeNumeral(scanner);
    if (right) return compare(numeric, right);
    throw new SyntaxProblem(
      `expected a number after '${numeric}' (or val(field), or a transformer), found ${scanner.ahead()}`,
      scanner.offset,
    );
  }

  const symbol = SYMBOLS.find((operator) => scanner.take(operator));
  const textual = symbol ?? WORDS.find((operator) => scanner.takeSpaced(operator));
  if (textual) {
    const spaced = scanner.blanks() || symbol === undefined;
    const modifier = spaced ? takeModifier(scanner) : undefined;
    if (modifier) return compare(textual, listAfterModifier(scanner, modifier), modifier);
    const right = takeOther(scanner) ?? takeString(scanner);
    if (right) return compare(textual, right);
    throw new SyntaxProblem(
      `expected a string after '${textual}' (or val(field), or a transformer), found ${scanner.ahead()}`,
      scanner.offset,
    );
  }

  const list = LISTS.find((operator) => scanner.take(operator));
  if (list) {
    scanner.blanks();
    const right = takeList(scanner) ?? takeOther(scanner) ?? takeWordAsList(scanner);
    if (right) return compare(list, right);
    throw new SyntaxProblem(
      `expected a list in parentheses after '${list}' (or one word, val(field), or a transformer), found ${scanner.ahead()}`,
      scanner.offset,
    );
  }

  throw new SyntaxProblem(
    `expected an operator behind the field: exists, ${[...NUMERIC, ...SYMBOLS, ...WORDS, ...LISTS].join(', ')}; found ${scanner.ahead()}`,
    scanner.offset,
  );
}

/** A modifier counts only if a list or a word that is no keyword follows; otherwise it is the string to compare with. */
function takeModifier(scanner: Scanner): Modifier | undefined {
  const before = scanner.offset;
  const end = scanner.end;
  const modifier = MODIFIERS.find((candidate) => scanner.takeSpaced(candidate));
  if (!modifier) return undefined;
  const keyword = scanner.atWord('and') || scanner.atWord('or') || scanner.atWord('not');
  if ((scanner.text[scanner.offset] === '(' || scanner.atIdentifier()) && !keyword) return modifier;
  scanner.offset = before;
  scanner.end = end;
  return undefined;
}

function listAfterModifier(scanner: Scanner, modifier: Modifier): ConstantList {
  const list = takeList(scanner) ?? takeWordAsList(scanner);
  if (list) return list;
  throw new SyntaxProblem(`expected a list after '${modifier}', found ${scanner.ahead()}`, scanner.offset);
}

/** "(" b [ Str { b "," b Str } ] b ")". */
function takeList(scanner: Scanner): ConstantList | undefined {
  const start = scanner.offset;
  if (!scanner.take('(')) return undefined;
  scanner.blanks();
  const first = takeString(scanner);
  const items = first ? [first] : [];
  if (first) {
    scanner.blanks();
    while (scanner.take(',')) {
      scanner.blanks();
      const item = takeString(scanner);
      if (!item) throw new SyntaxProblem(`expected another value after the comma, found ${scanner.ahead()}`, scanner.offset);
      items.push(item);
      scanner.blanks();
    }
  }
  if (!scanner.take(')')) throw new SyntaxProblem(`expected ',' or ')' in the list, found ${scanner.ahead()}`, scanner.offset);
  return { type: 'list', items, span: { start, end: scanner.end } };
}
