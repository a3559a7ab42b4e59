import type { Check } from '../ast.ts';
import { compileRegex, describe, nameOf, OPERATORS, readConstant, type Shape, ShapeError, shapeOf } from '../compile/index.ts';

/** Throws a ShapeError if Falco would not compile the check. */
export function checkComparison(check: Check): void {
  const left = shapeOf(check.left);
  if (check.type === 'exists') return;
  const { operator, right } = check;
  const kind = left.list ? 'list' : left.type === 'string' || left.type === 'bool' ? left.type : 'number';
  if (!OPERATORS[operator].kinds.includes(kind)) {
    const able = Object.entries(OPERATORS).flatMap(([name, row]) => (row.kinds.includes(kind) ? [name] : []));
    throw new ShapeError(`${nameOf(check.left)} is a ${describe(left)}, which knows ${able.join(' ')} exists, but not ${operator}`);
  }
  if (right.type === 'constant' || right.type === 'list') {
    for (const constant of right.type === 'list' ? right.items : [right]) checkConstant(left, operator, constant.text);
    return;
  }
  const other = shapeOf(right);
  if (operator === 'regex' || operator === 'pmatch')
    throw new ShapeError(`${operator} compares with constants only, not with ${nameOf(right)}`);
  if (other.type !== left.type || other.list !== left.list) {
    throw new ShapeError(`${nameOf(check.left)} is a ${describe(left)} and ${nameOf(right)} a ${describe(other)}: they cannot be compared`);
  }
}

function checkConstant(left: Shape, operator: string, text: string): void {
  const read = readConstant(left.type, text);
  if ('error' in read) throw new ShapeError(read.error);
  if (operator !== 'regex') return;
  const compiled = compileRegex(text);
  if ('error' in compiled) throw new ShapeError(`the regular expression '${text}' is not valid: ${compiled.error}`);
}
