import type { FieldValue } from '../../alert.ts';
import type { EventContext } from '../accept/index.ts';
import { compileOperand } from '../compile/index.ts';
import { FieldReaders, type FieldRow, findField, type Reader } from '../fields/index.ts';
import { type FormatProblem, fieldKey, fieldsOf, readTokens } from './tokens.ts';
import { jsonValue, printValue } from './values.ts';

/** Most characters of one output text, and of one alert's fields together: `%jevt.obj` may be repeated. What is beyond is cut. */
const MAX_OUTPUT = 4 * 1024 * 1024;

/** A compiled output format. */
export interface Output {
  /** The text for an event, a byte string. */
  text(event: EventContext): string;
  /** The fields of the format, by their key in `output_fields`. Fields inside transformers count, transformers themselves do not. */
  readonly fields: ReadonlyMap<string, (event: EventContext) => FieldValue>;
}

/** Compiles a format (byte string). `readers` shares extracted values with the conditions of one engine. */
export function compileOutput(
  format: string,
  readers: FieldReaders = new FieldReaders(),
): { readonly output: Output } | { readonly problem: FormatProblem } {
  const read = readTokens(format);
  if ('problem' in read) return read;
  const fields = new Map<string, (event: EventContext) => FieldValue>();
  const printers = read.tokens.map((token) => {
    if ('text' in token) return () => token.text;
    for (const field of fieldsOf(token.operand)) {
      const reader = readers.reader(field.name, field.argument);
      const row = rowOf(field.name, field.argument);
      fields.set(fieldKey(field), (event) => jsonValue(reader(event), row, event));
    }
    const { operand, width } = token;
    const row = operand.type === 'field' ? rowOf(operand.name, operand.argument) : undefined;
    return printer(compileOperand(operand, readers), row, width);
  });
  return {
    output: {
      fields,
      text: (event) => {
        let text = '';
        for (const print of printers) {
          text += print(event);
          if (text.length > MAX_OUTPUT) return text.slice(0, MAX_OUTPUT);
        }
        return text;
      },
    },
  };
}

function rowOf(name: string, argument: string | undefined): FieldRow {
  const found = findField(name, argument);
  if ('problem' in found) throw new TypeError(found.problem.message);
  return found.row;
}

function printer(read: Reader, row: FieldRow | undefined, width: number): (event: EventContext) => string {
  if (width === 0) return (event) => printValue(read(event), row);
  return (event) => printValue(read(event), row).slice(0, width).padEnd(width, ' ');
}
