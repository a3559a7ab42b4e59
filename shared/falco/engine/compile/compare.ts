import type { EventContext } from '../accept/index.ts';
import type { Check, Constant, ConstantList, Modifier } from '../ast.ts';
import { upToNul } from '../bytes.ts';
import type { Extracted, FieldReaders, Reader } from '../fields/index.ts';
import { readConstant } from './constants.ts';
import { withoutTerminators } from './cstring.ts';
import { compileInstant } from './instant.ts';
import { compileOperand, mayHoldNul } from './operand.ts';
import { OPERATORS, type Predicate, type Scalar } from './operators.ts';
import { compilePathPrefixes } from './path-prefix.ts';
import { compileRegex } from './regex.ts';
import { type Shape, shapeOf } from './shape.ts';

type Comparison = Extract<Check, { type: 'compare' }>;

/** Most work one comparison with another field may be, in bytes of one times bytes of the other: both may come from an attacker. Beyond it the check is false. */
const MAX_FIELD_TO_FIELD = 1 << 26;

/** What a checked value may be decided by alone. A missing value never gets here: it makes every check false. */
type ValueTest = (value: Exclude<Extracted, undefined>) => boolean;

/** The test a check makes on its left value against constants; undefined for a comparison with another field. */
function compileValueTest(check: Check): ValueTest | undefined {
  if (check.type === 'exists') return () => true;
  const { left, right, operator } = check;
  if (right.type !== 'constant' && right.type !== 'list') return undefined;
  const shape = shapeOf(left);
  const constants = constantsOf(right, shape);
  const tests = OPERATORS[operator];
  const isText = shape.type === 'string';
  const nul = mayHoldNul(left);
  if (tests.compares === 'sets') {
    const set = new Set<unknown>(constants);
    return setTest(operator, shape.list, (value) => set.has(isText && nul && !shape.list ? withoutTerminators(value as string) : value));
  }
  const predicate = check.modifier ? modified(check.modifier, predicates(check, constants)) : predicates(check, constants)[0]!;
  if (!isText || !nul) return predicate as ValueTest;
  const view = tests.compares === 'c strings' ? upToNul : withoutTerminators;
  return ((value: string) => predicate(view(value))) as ValueTest;
}

/** One check: reads, then tests. */
export function compileCheck(check: Check, readers: FieldReaders): (event: EventContext) => boolean {
  const instant = compileInstant(check);
  if (instant) return instant;
  const read = compileOperand(check.left, readers);
  const test = compileValueTest(check);
  if (test) {
    return (event) => {
      const value = read(event);
      return value !== undefined && test(value);
    };
  }
  return fieldToField(check as Comparison, read, readers);
}

function constantsOf(right: Constant | ConstantList, shape: Shape): Scalar[] {
  return (right.type === 'list' ? right.items : [right]).map((constant) => {
    const read = readConstant(shape.type, constant.text);
    if ('error' in read) throw new TypeError(`${read.error}: the condition was not checked before it was compiled`);
    return read.value;
  });
}

function predicates(check: Comparison, constants: readonly Scalar[]): Predicate[] {
  if (check.operator === 'pmatch') return [compilePathPrefixes(constants as string[]) as Predicate];
  if (check.operator === 'regex') return constants.map((constant) => regexPredicate(constant as string));
  const { test } = OPERATORS[check.operator];
  return constants.map((constant) => test!(constant));
}

function regexPredicate(pattern: string): Predicate {
  const compiled = compileRegex(pattern);
  if ('error' in compiled) throw new TypeError(`${compiled.error}: the condition was not checked before it was compiled`);
  return compiled.matches as Predicate;
}

/** With no constant at all no modifier holds, `allof` included. */
function modified(modifier: Modifier, tests: readonly Predicate[]): Predicate {
  if (tests.length === 0) return () => false;
  switch (modifier) {
    case 'oneof':
      return (value) => {
        let hits = 0;
        for (const test of tests) if (test(value) && ++hits > 1) return false;
        return hits === 1;
      };
    case 'anyof':
      return (value) => tests.some((test) => test(value));
    case 'allof':
      return (value) => tests.every((test) => test(value));
  }
}

/** `in`: every element is a member. `intersects`: some element is. A value that is no list is its own only element. */
function setTest(operator: Comparison['operator'], list: boolean, has: (value: Scalar) => boolean): ValueTest {
  if (!list) return has as ValueTest;
  return operator === 'in' ? (value) => (value as readonly string[]).every(has) : (value) => (value as readonly string[]).some(has);
}

/** Both sides have the same shape. Either side missing makes the check false. */
function fieldToField(check: Comparison, read: Reader, readers: FieldReaders): (event: EventContext) => boolean {
  const { operator } = check;
  const right = check.right as Exclude<Comparison['right'], Constant | ConstantList>;
  const readRight = compileOperand(right, readers);
  const { list, type } = shapeOf(check.left);
  const leftMayHoldNul = mayHoldNul(check.left);
  const compare = (left: Exclude<Extracted, undefined>, other: Exclude<Extracted, undefined>): boolean => {
    if (OPERATORS[operator].compares === 'sets') {
      const set = new Set<unknown>(list ? (other as readonly string[]) : [other]);
      return setTest(operator, list, (value) => set.has(leftMayHoldNul && !list ? withoutTerminators(value as string) : value))(left);
    }
    const test = OPERATORS[operator].test!;
    const predicate = type === 'string' ? test(upToNul(other as string)) : test(other as Scalar);
    const value = type === 'string' ? upToNul(left as string) : (left as Scalar);
    return check.modifier ? modified(check.modifier, [predicate])(value) : predicate(value);
  };
  const isLinear = operator === '=' || operator === '==' || operator === '!=' || OPERATORS[operator].compares === 'sets';
  return (event) => {
    const left = read(event);
    if (left === undefined) return false;
    const other = readRight(event);
    if (other === undefined) return false;
    if (!isLinear && typeof left === 'string' && left.length * (other as string).length > MAX_FIELD_TO_FIELD) return false;
    return compare(left, other);
  };
}
