import { TiercelError } from '../../../platform/errors.ts';
import type { FalcoAlert } from '../../alert.ts';
import { acceptIndexed, asBuffer, type Rejection, Run } from '../accept/index.ts';
import type { Expression } from '../ast.ts';
import { type CompiledCondition, compileConditions } from '../compile/index.ts';
import { MemberIndex } from '../document/index.ts';
import { FieldReaders } from '../fields/index.ts';
import { type AlertedRule, type AlertMaker, type AppendOutput, compileAlert } from '../format/index.ts';
import { createPreFilter, type PreFilter } from '../prefilter/index.ts';

/** A loaded rule: enabled, of source `k8s_audit`, at or above the minimum priority, condition checked, macros resolved. In order of evaluation. */
export interface EngineRule extends AlertedRule {
  readonly condition: Expression;
}

export interface EvaluatorOptions {
  /** `first` (Falco's default): the first rule that fires ends the event. */
  readonly ruleMatching?: 'first' | 'all';
  readonly appendOutput?: readonly AppendOutput[];
  /** `hostname` of alerts and `evt.hostname`. */
  readonly hostname?: string;
  /** Falco's `time_format_iso_8601`. */
  readonly isoTime?: boolean;
  /** Off: every event is evaluated, to the same alerts. On by default. */
  readonly preFilter?: boolean;
}

/** What became of one event. `dropped`: no rule could match, so none was evaluated. */
export type Verdict =
  | { readonly kind: 'evaluated'; readonly alerts: readonly FalcoAlert[] }
  | { readonly kind: 'dropped' }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

const DROPPED: Verdict = { kind: 'dropped' };
const SILENT: Verdict = { kind: 'evaluated', alerts: [] };

/** Evaluates events against rules, as one running Falco would: event numbers count from its creation. */
export interface Evaluator {
  readonly preFilter: PreFilter;
  evaluate(raw: Uint8Array): Verdict;
}

/** Compiles rules. Throws APPEND_OUTPUT_INVALID when an output with its additions does not compile (the rules' own were checked at load). */
export function createEvaluator(rules: readonly EngineRule[], options: EvaluatorOptions = {}): Evaluator {
  const readers = new FieldReaders();
  const hostname = options.hostname ?? '';
  const run = new Run(hostname);
  const appendOutput = options.appendOutput ?? [];
  const conditions = compileConditions(
    rules.map((rule) => rule.condition),
    { readers },
  );
  const compiled = rules.map((rule, i) => ({
    fires: conditions[i]!,
    alert: alertOf(rule, { hostname, appendOutput, isoTime: options.isoTime ?? false }, readers),
  }));
  const preFilter = createPreFilter(rules, appendOutput);
  const useFilter = preFilter.active && options.preFilter !== false;
  const all = options.ruleMatching === 'all';
  const index = new MemberIndex(Buffer.alloc(0), 0, 0);
  return {
    preFilter,
    evaluate: (raw) => {
      const bytes = asBuffer(raw);
      index.reset(bytes, 0, bytes.length);
      if (!index.finish()) return { kind: 'rejected', rejection: { reason: 'malformed', offset: index.fault } };
      const acceptance = acceptIndexed(index, run);
      if ('rejection' in acceptance) return { kind: 'rejected', rejection: acceptance.rejection };
      if (useFilter && !preFilter.couldMatchIndexed(acceptance.event.index)) return DROPPED;
      return evaluateRules(compiled, acceptance.event, all);
    },
  };
}

function alertOf(rule: EngineRule, options: Parameters<typeof compileAlert>[1], readers: FieldReaders): AlertMaker {
  const made = compileAlert(rule, options, readers);
  if ('alert' in made) return made.alert;
  throw new TiercelError(
    'APPEND_OUTPUT_INVALID',
    `the output of rule ${rule.name} does not compile with what append_output adds: ${made.problem.message}`,
  );
}

function evaluateRules(
  rules: readonly { readonly fires: CompiledCondition; readonly alert: AlertMaker }[],
  event: Parameters<CompiledCondition>[0],
  all: boolean,
): Verdict {
  let fired: AlertMaker[] | undefined;
  for (const { fires, alert } of rules) {
    event.forget();
    if (!fires(event)) continue;
    fired ??= [];
    fired.push(alert);
    if (!all) break;
  }
  return fired ? { kind: 'evaluated', alerts: fired.map((alert) => alert(event)) } : SILENT;
}
