import { acceptEvent, type EventContext } from '../accept/index.ts';
import type { Check, Expression } from '../ast.ts';
import { fromByteString } from '../bytes.ts';
import { type CompiledCondition, compileCondition } from '../compile/index.ts';
import { FieldReaders } from '../fields/index.ts';
import type { LoadResult } from '../load/index.ts';
import { printCheck } from '../parse/index.ts';
import { authoredConditions, childrenOf, isCheck, ownNodes } from './authored.ts';
import { textOfCase } from './event.ts';
import { type Loads, openTestFile, type Subject, type TesterFiles } from './subject.ts';

/** A check of a condition that the tests do not pin down. */
interface UndecidedCheck {
  /** `rule 'X'` or `macro 'x'`: where it is written. */
  readonly where: string;
  /** The check, as its condition reads once lists are put in. */
  readonly check: string;
  /** Outcomes no case depends on: were the check wrong about them, no test would notice. */
  readonly undecided: readonly boolean[];
}

export interface Coverage {
  /** Two for each check that is written: its being true, and its being false. */
  readonly outcomes: number;
  readonly decided: number;
  /** In order of the rules. */
  readonly undecided: readonly UndecidedCheck[];
}

/**
 * Which outcomes of which checks the cases decide. An outcome is decided when a case exists whose verdict would turn if the check came out
 * the other way: being evaluated is not enough. Only rules that count in a test file are looked at, because only they are asserted there.
 * A check in a macro is decided when any rule that uses the macro decides it. Rejects when a test file cannot be read; cases that
 * cannot be run, are rejected by Falco or have a todo decide nothing.
 */
export async function measureCoverage(paths: Iterable<string>, files: TesterFiles): Promise<Coverage> {
  const loads: Loads = new Map();
  const meters = new Map<LoadResult, Meter>();
  for (const path of paths) {
    const subject = await openTestFile(path, files, loads);
    const meter = meters.get(subject.loaded) ?? new Meter(subject.loaded);
    meters.set(subject.loaded, meter);
    for (const event of await eventsOf(subject, files)) meter.observe(event, subject.counts);
  }
  return summary([...meters.values()]);
}

/** Events of a file's cases that say something about rules. */
async function eventsOf({ test }: Subject, files: TesterFiles): Promise<readonly EventContext[]> {
  const events: EventContext[] = [];
  for (const one of test.cases) {
    if (one.todo !== undefined || one.expect === 'rejected') continue;
    const text = await textOfCase(test, one, files).catch(() => undefined);
    const accepted = text === undefined ? undefined : acceptEvent(Buffer.from(text));
    if (accepted && 'event' in accepted) events.push(accepted.event);
  }
  return events;
}

class Meter {
  readonly loaded: LoadResult;
  readonly #decided = new Map<Expression, Set<boolean>>();
  readonly #readers = new FieldReaders();
  readonly #compiled = new Map<Check, CompiledCondition>();

  constructor(loaded: LoadResult) {
    this.loaded = loaded;
  }

  decidedBy(check: Check): ReadonlySet<boolean> {
    return this.#decided.get(check) ?? new Set();
  }

  observe(event: EventContext, counts: Subject['counts']): void {
    const values = new Map<Expression, boolean>();
    const outcomeOf = (node: Expression): boolean => {
      let value = values.get(node);
      if (value === undefined) {
        if (node.type === 'and') value = node.children.map(outcomeOf).every(Boolean);
        else if (node.type === 'or') value = node.children.map(outcomeOf).some(Boolean);
        else if (node.type === 'not') value = !outcomeOf(node.child);
        else value = this.#evaluate(node as Check, event);
        values.set(node, value);
      }
      return value;
    };
    for (const { name, condition } of this.loaded.rules) if (counts(name)) this.#decide(condition, outcomeOf);
  }

  /** Everything below a node on which the verdict hangs, on which it hangs too. */
  #decide(node: Expression, outcomeOf: (node: Expression) => boolean): void {
    if (isCheck(node)) {
      const decided = this.#decided.get(node) ?? new Set();
      this.#decided.set(node, decided.add(outcomeOf(node)));
      return;
    }
    const children = childrenOf(node);
    // In an `and` a child matters if all others are true; in an `or`, if all others are false.
    const quiet = node.type === 'and';
    const loud = children.filter((child) => outcomeOf(child) !== quiet);
    for (const child of children)
      if (node.type === 'not' || loud.length === 0 || (loud.length === 1 && loud[0] === child)) this.#decide(child, outcomeOf);
  }

  #evaluate(check: Check, event: EventContext): boolean {
    const compiled = this.#compiled.get(check) ?? compileCondition(check, { readers: this.#readers });
    this.#compiled.set(check, compiled);
    return compiled(event);
  }
}

function summary(meters: readonly Meter[]): Coverage {
  const checks = new Map<string, { readonly where: string; readonly check: string; readonly decided: Set<boolean> }>();
  for (const meter of meters) {
    for (const authored of authoredConditions(meter.loaded)) {
      const own = ownNodes(authored, meter.loaded.macroOf).filter(isCheck);
      own.forEach((check, index) => {
        const key = `${authored.title} ${index}`;
        const known = checks.get(key) ?? {
          where: fromByteString(authored.title),
          check: fromByteString(printCheck(check)),
          decided: new Set(),
        };
        for (const outcome of meter.decidedBy(check)) known.decided.add(outcome);
        checks.set(key, known);
      });
    }
  }
  const all = [...checks.values()];
  return {
    outcomes: 2 * all.length,
    decided: all.reduce((sum, { decided }) => sum + decided.size, 0),
    undecided: all
      .filter(({ decided }) => decided.size < 2)
      .map(({ where, check, decided }) => ({ where, check, undecided: [true, false].filter((outcome) => !decided.has(outcome)) })),
  };
}
