import type { Check, Expression } from '../ast.ts';
import type { LoadResult } from '../load/index.ts';

/** A condition as somebody wrote it: that of a rule with its exceptions, or that of a macro. Macros named in it are conditions of their own. */
export interface Authored {
  /** `rule 'X'` or `macro 'x'`. */
  readonly title: string;
  readonly tree: Expression;
  /** Rules in whose condition it stands. */
  readonly rules: ReadonlySet<string>;
}

/** The authored conditions of loaded rules: each macro once, where it is first met. */
export function authoredConditions({ rules, macroOf }: Pick<LoadResult, 'rules' | 'macroOf'>): readonly Authored[] {
  const macros = new Map<Expression, { readonly title: string; readonly tree: Expression; readonly rules: Set<string> }>();
  const found: Authored[] = [];
  for (const { name, condition } of rules) {
    const visit = (node: Expression): void => {
      const macro = macroOf(node);
      if (macro !== undefined) {
        let known = macros.get(node);
        if (known?.rules.has(name)) return;
        if (!known) {
          known = { title: `macro '${macro}'`, tree: node, rules: new Set() };
          macros.set(node, known);
          found.push(known);
        }
        known.rules.add(name);
      }
      childrenOf(node).forEach(visit);
    };
    // A rule that is nothing but a macro has no text of its own.
    if (macroOf(condition) === undefined) found.push({ title: `rule '${name}'`, tree: condition, rules: new Set([name]) });
    visit(condition);
  }
  return found;
}

/** The nodes written in a condition itself, parents first; a macro named in it is left out, with all that is in it. */
export function ownNodes({ tree }: Authored, macroOf: LoadResult['macroOf']): readonly Expression[] {
  const nodes: Expression[] = [];
  const visit = (node: Expression): void => {
    if (node !== tree && macroOf(node) !== undefined) return;
    nodes.push(node);
    childrenOf(node).forEach(visit);
  };
  visit(tree);
  return nodes;
}

export function childrenOf(node: Expression): readonly Expression[] {
  if (node.type === 'and' || node.type === 'or') return node.children;
  return node.type === 'not' ? [node.child] : [];
}

export function isCheck(node: Expression): node is Check {
  return node.type === 'exists' || node.type === 'compare';
}
