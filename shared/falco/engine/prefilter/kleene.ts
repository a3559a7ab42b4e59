import type { EventContext } from '../accept/index.ts';
import type { Check, Expression } from '../ast.ts';
import { type CompiledCondition, compileCondition } from '../compile/index.ts';
import { type FieldReaders, findField } from '../fields/index.ts';
import { stepOf } from './cheap.ts';

/** Three truth values, ordered so that `and` is the minimum, `or` the maximum and `not` the negation. */
export type Truth = -1 | 0 | 1;
export const FALSE = -1;
export const UNKNOWN = 0;
export const TRUE = 1;

/** What is certain about a condition: a truth value for every event, or a question that further steps answer. */
export type Judgement = Truth | Question;

export type Question =
  /** Has an answer from a step on. */
  | { readonly from: number; readonly holds: (event: EventContext) => Truth }
  | { readonly not: Question }
  /** Minimum (`and`: FALSE decides) or maximum (`or`: TRUE decides) of the questions and of what is known already. */
  | { readonly deciding: typeof FALSE | typeof TRUE; readonly questions: readonly Question[]; readonly known: Truth };

/**
 * Conditions → judgements in Kleene's logic: a check on cheap fields is exactly true or false (a missing value makes it false), every other
 * one unknown. What comes out FALSE is false for every event that agrees in the cheap fields.
 * Cheap checks are the compiled ones that evaluation uses, so there is no second reading of the rules to be wrong.
 */
export class KleeneCompiler {
  readonly #readers: FieldReaders;
  readonly #judgements = new Map<Expression, Judgement>();

  constructor(readers: FieldReaders) {
    this.#readers = readers;
  }

  judgement(node: Expression): Judgement {
    let judgement = this.#judgements.get(node);
    if (judgement === undefined) {
      judgement = this.#build(node);
      this.#judgements.set(node, judgement);
    }
    return judgement;
  }

  #build(node: Expression): Judgement {
    switch (node.type) {
      case 'not':
        return negated(this.judgement(node.child));
      case 'and':
      case 'or': {
        const deciding = node.type === 'and' ? FALSE : TRUE;
        return junction(
          deciding,
          node.children.map((child) => this.judgement(child)),
          -deciding as Truth,
        );
      }
      case 'identifier':
        throw new TypeError(`the macro ${node.name} was not resolved before the pre-filter was made`);
      default:
        return this.#check(node);
    }
  }

  #check(check: Check): Judgement {
    if (check.type === 'exists' && check.left.type === 'field' && isAlwaysThere(check.left)) return TRUE;
    const from = stepOf(check);
    if (from === undefined) return UNKNOWN;
    return { from, holds: remembered(compileCondition(check, { readers: this.#readers })) };
  }
}

/** What is left to ask about a judgement once all checks up to a step have answered for an event. */
export function restrict(judgement: Judgement, event: EventContext, step: number): Judgement {
  if (typeof judgement === 'number') return judgement;
  if ('holds' in judgement) return judgement.from <= step ? judgement.holds(event) : judgement;
  if ('not' in judgement) return negated(restrict(judgement.not, event, step));
  const rest: Judgement[] = [];
  for (const question of judgement.questions) {
    const restricted = restrict(question, event, step);
    if (restricted === judgement.deciding) return restricted;
    rest.push(restricted);
  }
  return junction(judgement.deciding, rest, judgement.known);
}

/** The truth about an event when every check may be asked. */
export function decide(judgement: Judgement, event: EventContext): Truth {
  if (typeof judgement === 'number') return judgement;
  if ('holds' in judgement) return judgement.holds(event);
  if ('not' in judgement) return -decide(judgement.not, event) as Truth;
  let result = judgement.known;
  for (const question of judgement.questions) {
    const truth = decide(question, event);
    if (truth === judgement.deciding) return truth;
    if (truth === UNKNOWN) result = UNKNOWN;
  }
  return result;
}

function negated(judgement: Judgement): Judgement {
  return typeof judgement === 'number' ? (-judgement as Truth) : { not: judgement };
}

function junction(deciding: typeof FALSE | typeof TRUE, parts: readonly Judgement[], known: Truth): Judgement {
  const questions = new Set<Question>();
  let settled = known;
  for (const part of parts) {
    if (part === deciding) return part;
    if (part === UNKNOWN) settled = UNKNOWN;
    else if (typeof part === 'object') questions.add(part);
  }
  if (questions.size === 0) return settled;
  const [only] = questions;
  if (questions.size === 1 && settled === -deciding) return only!;
  return { deciding, questions: [...questions], known: settled };
}

function isAlwaysThere(field: { readonly name: string; readonly argument?: string }): boolean {
  const found = findField(field.name, field.argument);
  return 'row' in found && found.row.always === true;
}

/** The answer for the event at hand: macros put one check into many rules. */
function remembered(holds: CompiledCondition): (event: EventContext) => Truth {
  let epoch = 0;
  let truth: Truth = UNKNOWN;
  return (event) => {
    if (event.epoch !== epoch) {
      truth = holds(event) ? TRUE : FALSE;
      epoch = event.epoch;
    }
    return truth;
  };
}
