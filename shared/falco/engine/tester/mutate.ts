import { TiercelError } from '../../../platform/errors.ts';
import { acceptEvent, type EventContext } from '../accept/index.ts';
import type { Check, ComparisonOperator, Expression } from '../ast.ts';
import { fromByteString } from '../bytes.ts';
import { compileCondition } from '../compile/index.ts';
import { FieldReaders } from '../fields/index.ts';
import type { LoadResult } from '../load/index.ts';
import { printCheck, printCondition } from '../parse/index.ts';
import { type Authored, authoredConditions, childrenOf, isCheck, ownNodes } from './authored.ts';
import { textOfCase } from './event.ts';
import { type Loads, openTestFile, type TesterFiles } from './subject.ts';

/** A small fault put into a condition. */
interface Mutant {
  /** `rule 'X'` or `macro 'x'`: where the fault is. */
  readonly where: string;
  /** What was done, such as `without: ka.verb = create`. */
  readonly change: string;
}

export interface MutationReport {
  readonly mutants: number;
  /** Those that at least one case notices. */
  readonly caught: number;
  readonly survivors: readonly Mutant[];
}

/**
 * Puts one fault after the other into the conditions of rules, exceptions and macros (a term dropped, an operator flipped, and and or
 * exchanged, a not removed) and counts how many of them the cases notice: a rule that counts fires where the case expects silence, or is
 * silent where it is expected. Some faults change nothing any event could show; nobody can catch those.
 * Rejects when a test file cannot be read, or a case does not hold to begin with.
 */
export async function runMutations(paths: Iterable<string>, files: TesterFiles): Promise<MutationReport> {
  const loads: Loads = new Map();
  const asked = new Map<LoadResult, Question[]>();
  for (const path of paths) {
    const { test, loaded, counts } = await openTestFile(path, files, loads);
    const questions = asked.get(loaded) ?? [];
    asked.set(loaded, questions);
    const rules = loaded.rules.filter(({ name }) => counts(name)).map(({ name }) => name);
    for (const one of test.cases) {
      if (one.todo !== undefined || one.expect === 'rejected') continue;
      const accepted = acceptEvent(Buffer.from(await textOfCase(test, one, files)));
      if (!('event' in accepted)) continue;
      const { expect } = one;
      questions.push({ event: accepted.event, answers: new Map(rules.map((rule) => [rule, expect.has(rule)])) });
    }
  }
  const survivors: Mutant[] = [];
  let mutants = 0;
  for (const [loaded, questions] of asked) {
    const lab = new Lab(loaded, questions);
    for (const authored of authoredConditions(loaded)) {
      for (const fault of faultsOf(authored, loaded.macroOf)) {
        mutants++;
        if (!lab.notices(authored, fault)) survivors.push({ where: fromByteString(authored.title), change: fromByteString(fault.change) });
      }
    }
  }
  return { mutants, caught: mutants - survivors.length, survivors };
}

/** An event, and for each rule that counts whether it has to fire. */
interface Question {
  readonly event: EventContext;
  readonly answers: ReadonlyMap<string, boolean>;
}

/** `node` of a condition becomes `other`. */
interface Fault {
  readonly node: Expression;
  readonly other: Expression;
  readonly change: string;
}

class Lab {
  readonly #loaded: LoadResult;
  readonly #questions = new Map<string, { readonly event: EventContext; readonly fires: boolean }[]>();

  constructor(loaded: LoadResult, questions: readonly Question[]) {
    this.#loaded = loaded;
    for (const { event, answers } of questions) {
      for (const [rule, fires] of answers) {
        const known = this.#questions.get(rule);
        if (known) known.push({ event, fires });
        else this.#questions.set(rule, [{ event, fires }]);
      }
    }
    for (const { name, condition } of loaded.rules) {
      if (this.#differs(name, condition))
        throw new TiercelError(
          'RULES_TEST_FAILING',
          `a case about '${name}' does not hold: the tests have to pass before faults are tried`,
        );
    }
  }

  notices({ rules }: Authored, fault: Fault): boolean {
    return this.#loaded.rules.some(({ name, condition }) => rules.has(name) && this.#differs(name, replaced(condition, fault)));
  }

  #differs(rule: string, condition: Expression): boolean {
    const questions = this.#questions.get(rule);
    if (!questions) return false;
    const fires = compileCondition(condition, { readers: new FieldReaders() });
    return questions.some((question) => fires(question.event) !== question.fires);
  }
}

/** The tree with the fault in it; what lies off the way to it is shared. */
function replaced(tree: Expression, { node, other }: Fault): Expression {
  const known = new Map<Expression, Expression>([[node, other]]);
  const visit = (one: Expression): Expression => {
    let result = known.get(one);
    if (!result) {
      const children = childrenOf(one);
      const changed = children.map(visit);
      if (changed.every((child, index) => child === children[index])) result = one;
      else result = one.type === 'not' ? { ...one, child: changed[0]! } : ({ ...one, children: changed } as Expression);
      known.set(one, result);
    }
    return result;
  };
  return visit(tree);
}

function faultsOf(authored: Authored, macroOf: LoadResult['macroOf']): readonly Fault[] {
  const nameOf = (node: Expression): string => {
    const macro = macroOf(node);
    if (macro !== undefined) return macro;
    if (node.type === 'not') return `not ${nameOf(node.child)}`;
    return isCheck(node) ? printCheck(node) : printCondition(node);
  };
  const faults: Fault[] = [];
  for (const node of ownNodes(authored, macroOf)) {
    if (node.type === 'and' || node.type === 'or') {
      for (const dropped of node.children) {
        const rest = node.children.filter((child) => child !== dropped);
        const other = rest.length === 1 ? rest[0]! : { ...node, children: rest };
        faults.push({ node, other, change: `without: ${nameOf(dropped)}` });
      }
      faults.push({
        node,
        other: { ...node, type: node.type === 'and' ? 'or' : 'and' },
        change: `with its '${node.type}' exchanged: ${node.children.map(nameOf).join(' | ')}`,
      });
    } else if (node.type === 'not') {
      faults.push({ node, other: node.child, change: `without its not: ${nameOf(node.child)}` });
    } else if (isCheck(node)) {
      faults.push({ node, other: flipped(node), change: `with its operator flipped: ${printCheck(node)}` });
    }
  }
  return faults;
}

const OPPOSITES: Readonly<Record<string, ComparisonOperator>> = {
  '=': '!=',
  '==': '!=',
  '!=': '=',
  '<': '>=',
  '>=': '<',
  '>': '<=',
  '<=': '>',
};

/** The check with the opposite operator; where the language has none, its negation. */
function flipped(check: Check): Expression {
  const opposite = check.type === 'compare' && !check.modifier ? OPPOSITES[check.operator] : undefined;
  return opposite ? ({ ...check, operator: opposite } as Check) : { type: 'not', child: check, span: check.span };
}
