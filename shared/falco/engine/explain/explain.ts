import { acceptEvent, type Rejection, Run } from '../accept/index.ts';
import type { Expression } from '../ast.ts';
import { fromByteString } from '../bytes.ts';
import { compileCondition } from '../compile/index.ts';
import type { Extracted } from '../fields/index.ts';
import type { LoadedRule } from '../load/index.ts';
import { printCheck } from '../parse/index.ts';

/** One node of a condition with what an event made of it. */
export interface Explanation {
  /** `and`, `or`, `not`, or the text of a check. */
  readonly text: string;
  /** The macro whose condition this node is. */
  readonly macro?: string;
  readonly result: boolean;
  /** False: Falco does not look at it, because what stands before it has decided. The result is what it would be. */
  readonly reached: boolean;
  /** What the left side of a check yields; `undefined` is a missing value. Absent for and, or, not. */
  readonly value?: { readonly left: Extracted };
  readonly children: readonly Explanation[];
}

/** How a rule's condition comes out for one event (raw text), node by node. */
export function explainRule(
  rule: LoadedRule,
  raw: Uint8Array,
  macroOf: (node: Expression) => string | undefined,
): { readonly explanation: Explanation } | { readonly rejection: Rejection } {
  const acceptance = acceptEvent(raw, new Run());
  if ('rejection' in acceptance) return acceptance;
  const results = new Map<Expression, { readonly result: boolean; readonly value?: { readonly left: Extracted } }>();
  const evaluated = (node: Expression, result: boolean, value?: { readonly left: Extracted }): void => {
    results.set(node, { result, ...(value && { value }) });
  };
  // Every node on its own: what short-circuiting skips has a value too, and that is what one wants to see.
  const explain = (node: Expression, reached: boolean): Explanation => {
    const macro = macroOf(node);
    const named = macro === undefined ? {} : { macro };
    if (node.type === 'and' || node.type === 'or') {
      let open = reached;
      const children = node.children.map((child) => {
        const one = explain(child, open);
        if (one.result === (node.type === 'or')) open = false;
        return one;
      });
      const result = node.type === 'and' ? children.every((one) => one.result) : children.some((one) => one.result);
      return { text: node.type, ...named, result, reached, children };
    }
    if (node.type === 'not') {
      const child = explain(node.child, reached);
      return { text: 'not', ...named, result: !child.result, reached, children: [child] };
    }
    if (node.type === 'identifier') throw new TypeError(`the macro ${node.name} was not resolved`);
    if (!results.has(node)) compileCondition(node, { hooks: { evaluated } })(acceptance.event);
    return { text: fromByteString(printCheck(node)), ...named, ...results.get(node)!, reached, children: [] };
  };
  return { explanation: explain(rule.condition, true) };
}
