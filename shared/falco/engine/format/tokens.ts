import type { Field, Operand, TransformerArgument } from '../ast.ts';
import { ShapeError, shapeOf } from '../compile/index.ts';
import { takeOperand } from '../parse/operand.ts';
import { Scanner, SyntaxProblem } from '../parse/scanner.ts';

/** A piece of an output: text as it stands, or an operand to be printed, cut or padded to `width` bytes (0: as long as it is). */
export type Token = { readonly text: string } | { readonly operand: Operand; readonly width: number };

export interface FormatProblem {
  readonly message: string;
  /** Offset in the format, bytes. */
  readonly offset: number;
  /** Falco calls everything behind a `%` that it cannot read an unknown filter, and skip-if-unknown-filter forgives it. */
  readonly unknownFilter: boolean;
}

/** Longest text of one token, bytes: it is tried at every length from there down. */
const MAX_TOKEN = 4096;

/** Most characters read while one format is cut into tokens: what looks like a token at every length must not take for ever. */
const MAX_WORK = 1 << 25;

/** Widest padding, bytes. Falco has no limit; a rule must not make a gigabyte of blanks. */
const MAX_WIDTH = 4096;

/** Falco's output format: `%field`, `%field[arg]`, `%transformer(...)`, with an optional width after the percent sign. Byte strings. */
export function readTokens(format: string): { readonly tokens: readonly Token[] } | { readonly problem: FormatProblem } {
  const tokens: Token[] = [];
  const budget = { left: MAX_WORK };
  let at = 0;
  while (at < format.length) {
    const percent = format.indexOf('%', at);
    if (percent < 0) break;
    if (percent > at) tokens.push({ text: format.slice(at, percent) });
    const digits = /^[0-9]*/.exec(format.slice(percent + 1, percent + 1 + MAX_TOKEN))![0];
    const start = percent + 1 + digits.length;
    if (start >= format.length) {
      const what = digits === '' ? 'a percent sign' : 'a width';
      return {
        problem: {
          message: `the output ends with ${what}: a field must follow, as in %ka.user.name`,
          offset: percent,
          unknownFilter: false,
        },
      };
    }
    const taken = takeLongest(format, start, budget);
    if ('message' in taken) return { problem: { message: taken.message, offset: percent, unknownFilter: budget.left > 0 } };
    tokens.push({ operand: taken.operand, width: Math.min(Number(digits), MAX_WIDTH) });
    at = start + taken.length;
  }
  if (at < format.length) tokens.push({ text: format.slice(at) });
  return { tokens };
}

/** The longest text at `start` that is an operand Falco compiles: `%ka.user.nameX` is ka.user.name and the letter X. */
function takeLongest(
  format: string,
  start: number,
  budget: { left: number },
): { readonly operand: Operand; readonly length: number } | { readonly message: string } {
  const rest = format.slice(start, start + MAX_TOKEN);
  let message = '';
  let size = rest.length;
  while (size > 0) {
    budget.left -= size;
    if (budget.left <= 0) return { message: 'the output has too many percent signs with too much behind them to read' };
    const scanner = new Scanner(rest.slice(0, size));
    const read = tryOperand(scanner);
    if (typeof read !== 'string') return { operand: read, length: scanner.offset };
    // The first complaint is about what the author wrote, the later ones about cut-off remains of it.
    message ||= read;
    // Cutting behind what was read changes nothing: cut into it.
    size = scanner.offset > 0 && scanner.offset < size ? scanner.offset : size - 1;
  }
  return { message };
}

function tryOperand(scanner: Scanner): Operand | string {
  try {
    const operand = takeOperand(scanner);
    if (!operand) return `expected a field or a transformer after the percent sign, found ${scanner.ahead()}`;
    shapeOf(operand);
    return operand;
  } catch (error) {
    if (error instanceof ShapeError) return error.message;
    if (!(error instanceof SyntaxProblem)) throw error;
    scanner.offset = 0;
    return error.message;
  }
}

/** The fields of an operand, from left to right. */
export function fieldsOf(operand: TransformerArgument): Field[] {
  switch (operand.type) {
    case 'field':
      return [operand];
    case 'transformer':
      return operand.arguments.flatMap(fieldsOf);
    case 'arguments':
      return operand.items.flatMap(fieldsOf);
    case 'constant':
      return [];
  }
}

const ESCAPED: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
  '"': '\\"',
};

/** How a field is called in `output_fields`: arguments with blanks, quotes, backslashes or equals signs are quoted. */
export function fieldKey(field: Field): string {
  if (field.argument === undefined) return field.name;
  const { argument } = field;
  const quoted = /[\b\f\n\r\t =\\"'\0]/.test(argument) ? `"${argument.replace(/[\b\f\n\r\t\\"]/g, (char) => ESCAPED[char]!)}"` : argument;
  return `${field.name}[${quoted}]`;
}
