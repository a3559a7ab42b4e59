/** The embedded engine's door: Falco's rules, Falco's verdicts, no Falco. */
export { readEvent } from './accept/index.ts';
export { splitPayload } from './accept/payload.ts';
export type { Check, Constant, Expression } from './ast.ts';
export { compileRegex, OPERATORS } from './compile/index.ts';
export { DIAGNOSTICS, type Diagnostic, type DiagnosticCode, diagnosticAt, renderDiagnostic } from './diagnostic.ts';
export { createEvaluator, type Evaluator, type EvaluatorOptions, type Verdict } from './evaluate/index.ts';
export { type Explanation, explainRule } from './explain/explain.ts';
export { type AppendOutput, alertToJson, readAppendOutput } from './format/index.ts';
export {
  type LoadedRule,
  type LoadOptions,
  type LoadResult,
  loadRules,
  type RulesFile,
  rulesDigest,
  type Selection,
} from './load/index.ts';
export { parseCondition } from './parse/index.ts';
export { createPreFilter, type PreFilter } from './prefilter/index.ts';
