import type { Check, Expression, Span } from '../ast.ts';
import { ShapeError } from '../compile/index.ts';
import { checkComparison } from './comparison.ts';
import { warningsOf } from './warnings.ts';

export interface Problem {
  /** Falco's code. */
  readonly code: 'LOAD_ERR_COMPILE_CONDITION' | 'LOAD_COMPILE_CONDITION' | 'LOAD_UNSAFE_NA_CHECK';
  readonly level: 'error' | 'warning';
  readonly message: string;
  /** Where, in the text the node was parsed from: that of the condition or of a macro. */
  readonly span: Span;
  /** The check it is about. */
  readonly check: Check;
  /** A field that does not exist: the one kind of error that skip-if-unknown-filter forgives. */
  readonly unknownFilter?: boolean;
}

/**
 * Whether Falco would compile a condition (macros resolved) of source `k8s_audit`: fields, arguments, types, constants.
 * Like Falco it stops at the first error; the warnings found before it come first.
 */
export function checkCondition(tree: Expression): Problem[] {
  const problems: Problem[] = [];
  for (const check of checksOf(tree)) {
    const error = problemOf(check);
    if (error) return [...problems, error];
    for (const warning of warningsOf(check)) {
      const isRepeated = warning.code === 'LOAD_UNSAFE_NA_CHECK' && problems.some((problem) => problem.code === warning.code);
      if (!isRepeated) problems.push(warning);
    }
  }
  return problems;
}

function problemOf(check: Check): Problem | undefined {
  try {
    checkComparison(check);
    return undefined;
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    return {
      code: 'LOAD_ERR_COMPILE_CONDITION',
      level: 'error',
      message: error.message,
      span: check.span,
      check,
      ...(error.unknown && { unknownFilter: true }),
    };
  }
}

/** All checks from left to right, those of a shared subtree once. */
export function checksOf(tree: Expression): Check[] {
  const checks: Check[] = [];
  const seen = new Set<Expression>();
  const visit = (node: Expression): void => {
    if (seen.has(node)) return;
    seen.add(node);
    if (node.type === 'and' || node.type === 'or') node.children.forEach(visit);
    else if (node.type === 'not') visit(node.child);
    else if (node.type !== 'identifier') checks.push(node);
  };
  visit(tree);
  return checks;
}
