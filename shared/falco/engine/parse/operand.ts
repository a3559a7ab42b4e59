import type { ArgumentList, Constant, ConstantList, Field, Operand, Transformer, TransformerArgument, TransformerName } from '../ast.ts';
import { type Scanner, SyntaxProblem } from './scanner.ts';

export const TRANSFORMER_NAMES: readonly TransformerName[] = ['tolower', 'toupper', 'b64', 'basename', 'len', 'join', 'concat', 'getopt'];

/** Transformers inside transformers. Falco knows no limit; nobody stacks ten. */
const MAX_STACKED = 100;

/** Operand = FieldName [ "[" Arg "]" ] | Transf. `undefined`, and the cursor unmoved, when neither starts here. */
export function takeOperand(scanner: Scanner): Operand | undefined {
  return takeField(scanner) ?? takeTransformer(scanner, 1);
}

/** Other = "val(" b FieldName [ "[" Arg "]" ] b ")" | Transf: the right-hand side that is read from the event. */
export function takeOther(scanner: Scanner): Operand | undefined {
  if (!scanner.take('val(')) return takeTransformer(scanner, 1);
  scanner.blanks();
  const field = takeField(scanner);
  if (!field) throw new SyntaxProblem(`expected a field within val(…), found ${scanner.ahead()}`, scanner.offset);
  scanner.blanks();
  expectClosing(scanner, 'val(');
  return field;
}

function takeField(scanner: Scanner): Field | undefined {
  const start = scanner.offset;
  const name = scanner.takeFieldName();
  if (name === undefined) return undefined;
  const argument = takeBrackets(scanner);
  return { type: 'field', name, ...(argument !== undefined && { argument }), span: { start, end: scanner.end } };
}

function takeBrackets(scanner: Scanner): string | undefined {
  if (!scanner.take('[')) return undefined;
  const argument = scanner.takeQuoted() ?? scanner.takeBareArgument();
  if (argument === undefined) {
    throw new SyntaxProblem(`expected an argument between the brackets, quoted or bare, found ${scanner.ahead()}`, scanner.offset);
  }
  if (!scanner.take(']')) throw new SyntaxProblem(`expected ']' behind the argument, found ${scanner.ahead()}`, scanner.offset);
  return argument;
}

function takeTransformer(scanner: Scanner, depth: number): Transformer | undefined {
  const start = scanner.offset;
  const name = TRANSFORMER_NAMES.find((candidate) => scanner.take(`${candidate}(`));
  if (!name) return undefined;
  if (depth > MAX_STACKED) throw new SyntaxProblem(`transformers are stacked more than ${MAX_STACKED} deep`, start);
  const items: TransformerArgument[] = [];
  do {
    scanner.blanks();
    items.push(takeArgument(scanner, depth));
    scanner.blanks();
  } while (scanner.take(','));
  expectClosing(scanner, `${name}(`);
  const index = takeBrackets(scanner);
  return { type: 'transformer', name, arguments: items, ...(index !== undefined && { index }), span: { start, end: scanner.end } };
}

function takeArgument(scanner: Scanner, depth: number): TransformerArgument {
  const start = scanner.offset;
  const value = takeNumeral(scanner) ?? takeQuotedConstant(scanner);
  if (value) return value;
  if (scanner.take('(')) return argumentList(scanner, start, depth);
  const operand = takeTransformer(scanner, depth + 1) ?? takeField(scanner);
  if (operand) return operand;
  throw new SyntaxProblem(
    `expected an argument: a field, a transformer, a quoted string, a number or a parenthesised list of those, found ${scanner.ahead()}`,
    scanner.offset,
  );
}

function argumentList(scanner: Scanner, start: number, depth: number): ArgumentList {
  const items: (Operand | Constant)[] = [];
  scanner.blanks();
  if (!scanner.take(')')) {
    do {
      scanner.blanks();
      const item = takeField(scanner) ?? takeTransformer(scanner, depth + 1) ?? takeQuotedConstant(scanner) ?? takeNumeral(scanner);
      if (!item) {
        throw new SyntaxProblem(
          `expected a field, a transformer, a quoted string or a number in the list, found ${scanner.ahead()}`,
          scanner.offset,
        );
      }
      items.push(item);
      scanner.blanks();
    } while (scanner.take(','));
    if (!scanner.take(')')) throw new SyntaxProblem(`expected ',' or ')' in the list, found ${scanner.ahead()}`, scanner.offset);
  }
  return { type: 'arguments', items, span: { start, end: scanner.end } };
}

function expectClosing(scanner: Scanner, opened: string): void {
  if (!scanner.take(')')) throw new SyntaxProblem(`expected ')' to close ${opened}…, found ${scanner.ahead()}`, scanner.offset);
}

/** A number literal, as numeric operators and transformer arguments require one. */
export function takeNumeral(scanner: Scanner): Constant | undefined {
  const start = scanner.offset;
  const hex = scanner.takeHex();
  const text = hex ?? scanner.takeNumber();
  return text === undefined
    ? undefined
    : { type: 'constant', text, form: hex === undefined ? 'number' : 'hex', span: { start, end: scanner.end } };
}

function takeQuotedConstant(scanner: Scanner): Constant | undefined {
  const start = scanner.offset;
  const text = scanner.takeQuoted();
  return text === undefined ? undefined : { type: 'constant', text, form: 'quoted', span: { start, end: scanner.end } };
}

/** Str = Quoted | Bare. */
export function takeString(scanner: Scanner): Constant | undefined {
  const quoted = takeQuotedConstant(scanner);
  if (quoted) return quoted;
  const start = scanner.offset;
  const text = scanner.takeBare();
  return text === undefined ? undefined : { type: 'constant', text, form: 'bare', span: { start, end: scanner.end } };
}

/** An identifier where a list is wanted: a list of that one word. */
export function takeWordAsList(scanner: Scanner): ConstantList | undefined {
  const start = scanner.offset;
  const text = scanner.takeIdentifier();
  if (text === undefined) return undefined;
  const span = { start, end: scanner.end };
  return { type: 'list', items: [{ type: 'constant', text, form: 'bare', span }], span };
}
