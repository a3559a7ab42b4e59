import type { Check, TransformerArgument } from '../ast.ts';
import { findField } from '../fields/index.ts';

/** Steps in which the pre-filter looks at an event; what a check of a step reads is known from that step on. */
export const STEPS = ['auditID', 'stage', 'verb', 'resource', 'subresource', 'user', 'other fields'] as const;
export type Step = (typeof STEPS)[number];

const OTHER = STEPS.length - 1;

/** Where the value of each step but the last stands in an event. Few values go through these steps: what follows from a combination is remembered. */
export const STEP_PATHS: readonly (readonly [string] | readonly [string, string])[] = [
  ['auditID'],
  ['stage'],
  ['verb'],
  ['objectRef', 'resource'],
  ['objectRef', 'subresource'],
  ['user', 'username'],
];

/** Members of the top level that can be large. What is in them is not looked at; all else is short, and found by passing over these. */
const BODIES = new Set(['requestObject', 'responseObject']);

/**
 * From which step on a check has an answer; `undefined`: it reads what is not cheap.
 * The step depends on what the fields read, not on how they are called: `ka.stage` and `jevt.value[/stage]` are the same.
 */
export function stepOf(check: Check): number | undefined {
  const operands: TransformerArgument[] = [check.left];
  if (check.type === 'compare' && check.right.type !== 'constant' && check.right.type !== 'list') operands.push(check.right);
  return latest(operands);
}

function latest(operands: readonly TransformerArgument[]): number | undefined {
  let step = 0;
  for (const operand of operands) {
    const own = stepOfOperand(operand);
    if (own === undefined) return undefined;
    step = Math.max(step, own);
  }
  return step;
}

function stepOfOperand(operand: TransformerArgument): number | undefined {
  switch (operand.type) {
    case 'constant':
      return 0;
    case 'arguments':
      return latest(operand.items);
    case 'transformer':
      return latest(operand.arguments);
    case 'field': {
      const found = findField(operand.name, operand.argument);
      if ('problem' in found) return undefined;
      const reads = found.row.reads?.(operand.argument);
      if (reads === undefined) return undefined;
      if (reads === 'nothing') return 0;
      return reads === 'time' ? OTHER : stepOfPath(reads);
    }
  }
}

function stepOfPath(keys: readonly string[]): number | undefined {
  const [first] = keys;
  if (first === undefined || BODIES.has(first)) return undefined;
  // The first step knows that there is an auditID, not which.
  const step = STEP_PATHS.findIndex((path, i) => i > 0 && path.length === keys.length && path.every((key, k) => key === keys[k]));
  return step < 0 ? OTHER : step;
}

/** Fields whose value changes when other events are dropped. */
export const COUNTS_EVENTS: readonly string[] = ['evt.num', 'evt.reltime', 'evt.reltime.s', 'evt.reltime.ns'];
