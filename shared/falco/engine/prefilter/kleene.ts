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

/** What is certain about a condition when only checks up to a step may be asked. */
export type Judgement = (event: EventContext, step: number) => Truth;

/** Either the same for every event, or to be judged. */
type Judged = { readonly constant: Truth } | { readonly judge: Judgement };

/**
 * Conditions → judgements in Kleene's logic: a check on cheap fields is exactly true or false (a missing value makes it false), every other
 * one unknown. What comes out FALSE is false for every event that agrees in the cheap fields.
 * Cheap checks are the compiled ones that evaluation uses, so there is no second reading of the rules to be wrong.
 */
export class KleeneCompiler {
  readonly #readers: FieldReaders;
  readonly #judged = new Map<Expression, Judged>();

  constructor(readers: FieldReaders) {
    this.#readers = readers;
  }

  judgement(tree: Expression): Judgement {
    const judged = this.#judge(tree);
    if ('judge' in judged) return judged.judge;
    const { constant } = judged;
    return () => constant;
  }

  #judge(node: Expression): Judged {
    let judged = this.#judged.get(node);
    if (!judged) {
      judged = this.#build(node);
      this.#judged.set(node, judged);
    }
    return judged;
  }

  #build(node: Expression): Judged {
    switch (node.type) {
      case 'not': {
        const child = this.#judge(node.child);
        if ('constant' in child) return { constant: -child.constant as Truth };
        const { judge } = child;
        return { judge: (event, step) => -judge(event, step) as Truth };
      }
      case 'and':
        return this.#extreme(node.children, FALSE);
      case 'or':
        return this.#extreme(node.children, TRUE);
      case 'identifier':
        throw new TypeError(`the macro ${node.name} was not resolved before the pre-filter was made`);
      default:
        return this.#check(node);
    }
  }

  /** Minimum (`and`: FALSE decides) or maximum (`or`: TRUE decides) of the children. */
  #extreme(children: readonly Expression[], deciding: Truth): Judged {
    const judges: Judgement[] = [];
    let known: Truth = -deciding as Truth;
    for (const child of children) {
      const judged = this.#judge(child);
      if ('judge' in judged) judges.push(judged.judge);
      else if (judged.constant === deciding) return judged;
      else if (judged.constant === UNKNOWN) known = UNKNOWN;
    }
    if (judges.length === 0) return { constant: known };
    return {
      judge: (event, step) => {
        let result = known;
        for (const judge of judges) {
          const truth = judge(event, step);
          if (truth === deciding) return truth;
          if (truth === UNKNOWN) result = UNKNOWN;
        }
        return result;
      },
    };
  }

  #check(check: Check): Judged {
    if (check.type === 'exists' && check.left.type === 'field' && isAlwaysThere(check.left)) return { constant: TRUE };
    const from = stepOf(check);
    if (from === undefined) return { constant: UNKNOWN };
    const holds = remembered(compileCondition(check, { readers: this.#readers }));
    return { judge: (event, step) => (step < from ? UNKNOWN : holds(event)) };
  }
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
