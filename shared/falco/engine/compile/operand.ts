import type { ArgumentList, Constant, Operand, Transformer, TransformerArgument } from '../ast.ts';
import type { Extracted, FieldReaders, Reader } from '../fields/index.ts';
import { inMemory } from './cstring.ts';
import { shapeOf, untransformedShapeOf } from './shape.ts';
import { COMBINERS, TRANSFORMS } from './transformers.ts';

/** Most texts a parenthesised list of lists may grow to; more is a missing value. Falco has no such limit. */
const MAX_TEXTS = 1 << 18;

/** What reads an operand's value from an event. */
export function compileOperand(operand: Operand, readers: FieldReaders): Reader {
  return operand.type === 'field' ? readers.reader(operand.name, operand.argument) : compileTransformer(operand, readers);
}

/** Whether values may hold NULs, as those of transformers do. Values of fields are cut at the first one. */
export function mayHoldNul(operand: Operand): boolean {
  return operand.type === 'transformer' && shapeOf(operand).type === 'string';
}

function compileTransformer(transformer: Transformer, readers: FieldReaders): Reader {
  const inputs = transformer.arguments.map((argument) => compileArgument(argument, readers));
  const { name, index } = transformer;
  if (inputs.length === 1) {
    const transform = TRANSFORMS[name]!;
    const input = inputs[0]!;
    return (event) => {
      const value = input(event);
      return value === undefined ? undefined : transform(value);
    };
  }
  const combine = COMBINERS[name]!;
  return (event) => {
    const values: Exclude<Extracted, undefined>[] = [];
    for (const input of inputs) {
      const value = input(event);
      if (value === undefined) return undefined;
      values.push(value);
    }
    return combine(values, index);
  };
}

function compileArgument(argument: TransformerArgument, readers: FieldReaders): Reader {
  if (argument.type === 'constant') return () => argument.text;
  return argument.type === 'arguments' ? compileList(argument, readers) : compileOperand(argument, readers);
}

/** The texts of all items, lists flattened; missing as soon as one item is. */
function compileList(list: ArgumentList, readers: FieldReaders): Reader {
  const items = list.items.map((item) => ({ read: compileItem(item, readers), isNumber: isNumber(item) }));
  return (event) => {
    const texts: string[] = [];
    for (const { read, isNumber } of items) {
      const value = read(event);
      if (value === undefined) return undefined;
      if (typeof value === 'object') for (const text of value) texts.push(text);
      else texts.push(isNumber ? value.toString() : inMemory(value));
      if (texts.length > MAX_TEXTS) return undefined;
    }
    return texts;
  };
}

function compileItem(item: Operand | Constant, readers: FieldReaders): Reader {
  return item.type === 'constant' ? () => item.text : compileOperand(item, readers);
}

/** Numeric fields appear in lists as decimal text; what a transformer counted appears as its bytes. */
function isNumber(item: Operand | Constant): boolean {
  return item.type !== 'constant' && ['uint64', 'abstime', 'reltime'].includes(untransformedShapeOf(item).type);
}
