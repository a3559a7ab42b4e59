import type { Operand, Transformer, TransformerArgument } from '../ast.ts';
import { findField, type ValueType } from '../fields/index.ts';

/** What an operand yields: a value of a type, or a list of strings. */
export interface Shape {
  readonly type: ValueType;
  readonly list: boolean;
}

/** Thrown for an operand that Falco would not compile; a problem outside of check/. `unknown`: the field does not exist, which skip-if-unknown-filter forgives. */
export class ShapeError extends Error {
  readonly unknown: boolean;

  constructor(message: string, unknown = false) {
    super(message);
    this.name = 'ShapeError';
    this.unknown = unknown;
  }
}

const TEXT: Shape = { type: 'string', list: false };
const TEXTS: Shape = { type: 'string', list: true };

/** The shape of what an operand yields. Throws a {@link ShapeError} for unknown fields, bad arguments and transformers that do not fit. */
export function shapeOf(argument: TransformerArgument): Shape {
  switch (argument.type) {
    case 'constant':
      return TEXT;
    case 'arguments':
      for (const item of argument.items) shapeOf(item);
      return TEXTS;
    case 'field': {
      const found = findField(argument.name, argument.argument);
      if ('problem' in found) throw new ShapeError(found.problem.message, found.problem.unknown);
      return found.row;
    }
    case 'transformer':
      return argument.arguments.length === 1 ? transformed(argument, argument.arguments[0]!) : combined(argument);
  }
}

/** The shape below all transformers of one argument: what join, concat and getopt look at. */
export function untransformedShapeOf(argument: TransformerArgument): Shape {
  if (argument.type !== 'transformer') return shapeOf(argument);
  return argument.arguments.length === 1 ? untransformedShapeOf(argument.arguments[0]!) : TEXT;
}

function transformed(transformer: Transformer, argument: TransformerArgument): Shape {
  const { name } = transformer;
  if (name === 'join' || name === 'concat' || name === 'getopt') throw new ShapeError(`${name}(...) needs more than one argument`);
  if (transformer.index !== undefined) throw new ShapeError(`${name}(...) takes no argument in brackets`);
  const shape = shapeOf(argument);
  if (name === 'len' && (shape.list || shape.type === 'string')) return { type: 'uint64', list: false };
  if (shape.type !== 'string' || name === 'len') throw new ShapeError(`${name}(...) does not take values of type ${describe(shape)}`);
  return shape;
}

function combined(transformer: Transformer): Shape {
  const { name, index } = transformer;
  for (const argument of transformer.arguments) shapeOf(argument);
  const shapes = transformer.arguments.map(untransformedShapeOf);
  const pair = shapes.length === 2;
  if (name === 'concat') {
    if (!shapes.every((shape) => shape.type === 'string' && !shape.list)) throw new ShapeError('concat(...) takes single strings only');
  } else if (name === 'join') {
    if (!pair || shapes[0]!.list || !shapes[1]!.list) throw new ShapeError('join(...) takes a separator and a list');
  } else if (name === 'getopt') {
    if (!pair || !shapes[0]!.list || shapes[1]!.list || !shapes.every((shape) => shape.type === 'string')) {
      throw new ShapeError('getopt(...) takes a list of strings and an option string');
    }
    if (index !== undefined && index.length !== 1) throw new ShapeError(`getopt(...) takes one option letter in brackets, got [${index}]`);
    return index === undefined ? TEXTS : TEXT;
  } else throw new ShapeError(`${name}(...) takes one argument, got ${shapes.length}`);
  if (index !== undefined) throw new ShapeError(`${name}(...) takes no argument in brackets`);
  return TEXT;
}

export function describe(shape: Shape): string {
  return shape.list ? `list of ${shape.type}` : shape.type;
}

/** How an operand reads in a message. */
export function nameOf(operand: Operand): string {
  if (operand.type === 'transformer') return `${operand.name}(...)`;
  return operand.argument === undefined ? operand.name : `${operand.name}[${operand.argument}]`;
}
