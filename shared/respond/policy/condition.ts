import type { FalcoAlert, FieldValue } from '../../falco/alert.ts';
import { type Check, compileRegex, type Expression, OPERATORS, parseCondition } from '../../falco/engine/index.ts';
import { isMissing, isTruncated } from '../fields.ts';

/**
 * Conditions of policies: Falco's condition language and its operators, over the fields of an alert, with one difference: what is missing (or cut)
 * is *unknown*, and unknown stays unknown through `not`. In a rule, `not ka.user.name = admin` holds for an event without a user; in a policy it
 * does not, because an absent field must never lead to a deletion. `exists` is always known.
 *
 * Fields are named as the alert names them (`tiercel.uid`, `ka.uri.param[command]`). Text is compared byte by byte; a number, only with numbers;
 * a list knows `in` (all of its items are) and `intersects` (some item is).
 */
export type Condition = (alert: FalcoAlert) => boolean;

/** What is wrong with a condition; `offset` counts bytes of its text. */
export interface ConditionProblem {
  readonly message: string;
  readonly offset: number;
}

type Truth = boolean | undefined;
type Evaluation = (alert: FalcoAlert) => Truth;
type Scalar = string | bigint | boolean;

class Unsupported extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** A field that a condition names, as an alert would name it; `offset` as in {@link ConditionProblem}. */
export interface NamedField {
  readonly name: string;
  readonly offset: number;
}

export function compileCondition(
  text: string,
): { readonly condition: Condition; readonly fields: readonly NamedField[] } | { readonly problem: ConditionProblem } {
  const parsed = parseCondition(bytesOf(text));
  if (!parsed.ok) return { problem: { message: parsed.message, offset: parsed.offset } };
  try {
    const evaluate = compile(parsed.tree);
    return { condition: (alert) => evaluate(alert) === true, fields: fieldsOf(parsed.tree) };
  } catch (error) {
    if (error instanceof Unsupported) return { problem: { message: error.message, offset: error.offset } };
    throw error;
  }
}

function fieldsOf(tree: Expression): readonly NamedField[] {
  if (tree.type === 'not') return fieldsOf(tree.child);
  if (tree.type === 'and' || tree.type === 'or') return tree.children.flatMap(fieldsOf);
  if (tree.type === 'identifier' || tree.left.type !== 'field') return [];
  return [{ name: spelled(tree.left), offset: tree.span.start }];
}

function spelled({ name, argument }: { readonly name: string; readonly argument?: string | undefined }): string {
  return argument === undefined ? name : `${name}[${argument}]`;
}

/** Kleene's logic: a conjunction with a false part is false whatever is unknown beside it. */
function compile(tree: Expression): Evaluation {
  if (tree.type === 'not') {
    const child = compile(tree.child);
    return (alert) => {
      const value = child(alert);
      return value === undefined ? undefined : !value;
    };
  }
  if (tree.type === 'and' || tree.type === 'or') {
    const decisive = tree.type === 'or';
    const children = tree.children.map(compile);
    return (alert) => {
      let result: Truth = !decisive;
      for (const child of children) {
        const value = child(alert);
        if (value === decisive) return decisive;
        if (value === undefined) result = undefined;
      }
      return result;
    };
  }
  if (tree.type === 'identifier')
    throw new Unsupported(
      `expected a check such as \`ka.verb = create\`, got the word ${tree.name}: policies have no macros`,
      tree.span.start,
    );
  return compileCheck(tree);
}

function compileCheck(check: Check): Evaluation {
  if (check.left.type !== 'field')
    throw new Unsupported(`${check.left.name}(…) is not available in policies: compare a field`, check.span.start);
  const name = spelled(check.left);
  const read = (alert: FalcoAlert) => fieldValue(alert, name);
  if (check.type === 'exists') return (alert) => read(alert) !== undefined;
  const { operator, right } = check;
  if (right.type !== 'constant' && right.type !== 'list')
    throw new Unsupported('a field can be compared with constants only in policies', check.span.start);
  if (operator === 'pmatch' || OPERATORS[operator].kinds.length === 0)
    throw new Unsupported(`${operator} is not available in policies`, check.span.start);
  const constants = right.type === 'list' ? right.items : [right];
  if (operator === 'in' || operator === 'intersects') {
    const set = new Set(constants.map((constant) => constant.text));
    const quantify = operator === 'in' ? 'every' : 'some';
    return (alert) => {
      const value = read(alert);
      if (value === undefined) return undefined;
      const items = typeof value === 'object' ? value : [String(value)];
      return items[quantify]((item) => set.has(item));
    };
  }
  const tests = constants.map(({ text, span }) => testOf(operator, text, span.start));
  const combine = COMBINE[check.modifier ?? 'anyof'];
  return (alert) => {
    const value = read(alert);
    if (value === undefined || typeof value === 'object') return undefined;
    return combine(tests.map((test) => test(value)));
  };
}

/** Undecided as soon as one test is: a number against a word. */
const COMBINE: Readonly<Record<'oneof' | 'anyof' | 'allof', (results: readonly Truth[]) => Truth>> = {
  oneof: (results) => (results.includes(undefined) ? undefined : results.filter(Boolean).length === 1),
  anyof: (results) => results.includes(true) || (results.includes(undefined) ? undefined : false),
  allof: (results) => (results.length === 0 || results.includes(false) ? false : results.includes(undefined) ? undefined : true),
};

function testOf(operator: Exclude<keyof typeof OPERATORS, 'pmatch'>, text: string, offset: number): (value: Scalar) => Truth {
  if (operator === 'regex') {
    const compiled = compileRegex(text);
    if ('error' in compiled) throw new Unsupported(compiled.error, offset);
    return (value) => (typeof value === 'string' ? compiled.matches(value) : undefined);
  }
  const { kinds, test } = OPERATORS[operator];
  const onText = kinds.includes('string') ? test!(text) : undefined;
  const onNumber = kinds.includes('number') && /^-?\d{1,40}$/.test(text) ? test!(BigInt(text)) : undefined;
  const onTruth = kinds.includes('bool') && (text === 'true' || text === 'false') ? test!(text === 'true') : undefined;
  return (value) => {
    const chosen = typeof value === 'string' ? onText : typeof value === 'bigint' ? onNumber : onTruth;
    return chosen?.(value);
  };
}

/** As the engine sees values: byte strings, integers, truth values, lists of byte strings. */
function fieldValue(alert: FalcoAlert, name: string): Scalar | readonly string[] | undefined {
  const value: FieldValue | undefined = Object.hasOwn(alert.output_fields, name) ? alert.output_fields[name] : undefined;
  if (isMissing(value) || isTruncated(value)) return undefined;
  if (typeof value === 'string') return bytesOf(value);
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined;
  if (typeof value === 'object') return value!.map(bytesOf);
  return value;
}

function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
