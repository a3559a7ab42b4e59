import { asBuffer, EventContext, Run } from '../accept/index.ts';
import type { Expression, TransformerArgument } from '../ast.ts';
import { toByteString } from '../bytes.ts';
import { checksOf } from '../check/index.ts';
import { MemberIndex } from '../document/index.ts';
import { FieldReaders } from '../fields/index.ts';
import { type AppendOutput, fieldsOf, readTokens } from '../format/index.ts';
import { COUNTS_EVENTS, STEPS, type Step } from './cheap.ts';
import { Decisions } from './decisions.ts';
import { KleeneCompiler } from './kleene.ts';
import { glimpseMoment } from './moment.ts';

/** What the pre-filter needs of a rule: conditions are checked and their macros resolved. */
export interface FilteredRule {
  readonly name: string;
  readonly condition: Expression;
  readonly output: string;
}

export interface PreFilterStats {
  /** Events a rule may match. */
  readonly kept: number;
  /** Events kept unasked: no JSON, or with escapes in keys, where what Falco reads depends on what it has read before. */
  readonly unclear: number;
  /** Events no rule can match, by the step that showed it: `stage` means that no rule matches anything of that stage. */
  readonly dropped: Readonly<Record<Step, number>>;
}

/** Tells events no loaded rule can match from those one may, without reading more of them than that takes. */
export interface PreFilter {
  /** False: every event is kept. */
  readonly active: boolean;
  /** Why not, in words. */
  readonly whyNot?: string;
  /**
   * False only if no rule can fire for this event, whatever the rest of it holds. `raw`: one event, as decoded from its wrapping.
   * Text that is no JSON is kept.
   */
  couldMatch(raw: Uint8Array): boolean;
  /** The same for an event that has been read to its end. */
  couldMatchIndexed(index: MemberIndex): boolean;
  readonly stats: PreFilterStats;
}

/**
 * Derives the pre-filter from rules: those that are enabled, of source `k8s_audit` and urgent enough, in any order.
 * It must be given what Falco is given, additions to outputs included.
 */
export function createPreFilter(rules: readonly FilteredRule[], appendOutput: readonly AppendOutput[] = []): PreFilter {
  const whyNot = countsEvents(rules, appendOutput);
  const counts = { kept: 0, unclear: 0, dropped: Object.fromEntries(STEPS.map((step) => [step, 0])) as Record<Step, number> };
  if (whyNot !== undefined) {
    const keep = () => {
      counts.kept++;
      return true;
    };
    return { active: false, whyNot, couldMatch: keep, couldMatchIndexed: keep, stats: counts };
  }
  const readers = new FieldReaders();
  const compiler = new KleeneCompiler(readers);
  const decisions = new Decisions(rules.map((rule) => compiler.judgement(rule.condition)));
  const run = new Run();
  const index = new MemberIndex(Buffer.alloc(0), 0, 0);
  const newEvent = (of: MemberIndex) => new EventContext(of, glimpseMoment, run);
  const couldMatchIndexed = (index: MemberIndex): boolean => {
    const step = decisions.droppedAt(index, newEvent);
    if (index.fault >= 0 || index.escapedKeys || index.nestedEscapedKeys) {
      counts.unclear++;
      return true;
    }
    if (step === undefined) counts.kept++;
    else counts.dropped[step]++;
    return step === undefined;
  };
  return {
    active: true,
    couldMatch: (raw) => {
      const bytes = asBuffer(raw);
      index.reset(bytes, 0, bytes.length);
      return couldMatchIndexed(index);
    },
    couldMatchIndexed,
    stats: counts,
  };
}

/** A reason against dropping anything: a field that counts the events Falco is given. */
function countsEvents(rules: readonly FilteredRule[], appendOutput: readonly AppendOutput[]): string | undefined {
  for (const rule of rules) {
    for (const check of checksOf(rule.condition)) {
      const operands = check.type === 'compare' ? [check.left, check.right] : [check.left];
      const field = operands.flatMap((operand) => (operand.type === 'list' ? [] : countersIn(operand)))[0];
      if (field) return `the condition of rule ${rule.name} reads ${field}, which counts the events Falco is given`;
    }
    const field = countersInFormat(rule.output);
    if (field) return `the output of rule ${rule.name} prints ${field}, which counts the events Falco is given`;
  }
  for (const entry of appendOutput) {
    const formats = [...(entry.extraOutput === undefined ? [] : [entry.extraOutput]), ...entry.extraFields.map(({ format }) => format)];
    const field = formats.map(countersInFormat).find((found) => found !== undefined);
    if (field) return `append_output prints ${field}, which counts the events Falco is given`;
  }
  return undefined;
}

function countersInFormat(format: string): string | undefined {
  const read = readTokens(toByteString(format));
  if ('problem' in read) return undefined;
  return read.tokens.flatMap((token) => ('operand' in token ? countersIn(token.operand) : []))[0];
}

function countersIn(operand: TransformerArgument): string[] {
  return fieldsOf(operand)
    .map((field) => field.name)
    .filter((name) => COUNTS_EVENTS.includes(name));
}
