import type { EventContext } from '../accept/index.ts';
import type { Check, Expression } from '../ast.ts';
import { type Extracted, FieldReaders } from '../fields/index.ts';
import { compileCheck } from './compare.ts';
import { compileOperand } from './operand.ts';

export type CompiledCondition = (event: EventContext) => boolean;

/** Watches an evaluation: called for each node that is evaluated, children before parents; what short-circuiting skips is not reported. */
export interface EvaluationHooks {
  /** `value`: what the left side of a check yielded (`undefined`: missing); absent for and, or and not. */
  readonly evaluated: (node: Expression, result: boolean, value?: { readonly left: Extracted }) => void;
}

/** A checked condition (macros resolved) → closure. `readers` shares extracted values with other conditions and outputs. */
export function compileCondition(
  tree: Expression,
  options: { readonly readers?: FieldReaders; readonly hooks?: EvaluationHooks } = {},
): CompiledCondition {
  return compileConditions([tree], options)[0]!;
}

/**
 * The conditions of one engine. A subtree that occurs several times, as macros do, is compiled once and evaluated once per event:
 * however deep macros are nested in one another, they do not multiply work.
 */
export function compileConditions(
  trees: readonly Expression[],
  options: { readonly readers?: FieldReaders; readonly hooks?: EvaluationHooks } = {},
): CompiledCondition[] {
  const compiler = new Compiler(options.readers ?? new FieldReaders(), options.hooks);
  for (const tree of trees) compiler.countUses(tree);
  return trees.map((tree) => compiler.compile(tree));
}

class Compiler {
  readonly #readers: FieldReaders;
  readonly #hooks: EvaluationHooks | undefined;
  readonly #uses = new Map<Expression, number>();
  readonly #compiled = new Map<Expression, CompiledCondition>();

  constructor(readers: FieldReaders, hooks: EvaluationHooks | undefined) {
    this.#readers = readers;
    this.#hooks = hooks;
  }

  countUses(node: Expression): void {
    const uses = this.#uses.get(node) ?? 0;
    this.#uses.set(node, uses + 1);
    if (uses > 0) return;
    if (node.type === 'not') this.countUses(node.child);
    else if (node.type === 'and' || node.type === 'or') for (const child of node.children) this.countUses(child);
  }

  compile(node: Expression): CompiledCondition {
    let compiled = this.#compiled.get(node);
    if (!compiled) {
      compiled = this.#build(node);
      if (this.#hooks) compiled = this.#watched(node, compiled, this.#hooks);
      else if (this.#uses.get(node)! > 1) compiled = oncePerEvent(compiled);
      this.#compiled.set(node, compiled);
    }
    return compiled;
  }

  #build(node: Expression): CompiledCondition {
    switch (node.type) {
      case 'and':
        return conjunction(node.children.map((child) => this.compile(child)));
      case 'or':
        return disjunction(node.children.map((child) => this.compile(child)));
      case 'not': {
        const child = this.compile(node.child);
        return (event) => !child(event);
      }
      case 'identifier':
        throw new TypeError(`the macro ${node.name} was not resolved before the condition was compiled`);
      default:
        return compileCheck(node, this.#readers);
    }
  }

  #watched(node: Expression, compiled: CompiledCondition, hooks: EvaluationHooks): CompiledCondition {
    const left = node.type === 'exists' || node.type === 'compare' ? compileOperand((node as Check).left, this.#readers) : undefined;
    return (event) => {
      const result = compiled(event);
      hooks.evaluated(node, result, left && { left: left(event) });
      return result;
    };
  }
}

function conjunction(children: readonly CompiledCondition[]): CompiledCondition {
  const [first, second, ...rest] = children as [CompiledCondition, CompiledCondition];
  if (rest.length === 0) return (event) => first(event) && second(event);
  return (event) => {
    for (const child of children) if (!child(event)) return false;
    return true;
  };
}

function disjunction(children: readonly CompiledCondition[]): CompiledCondition {
  const [first, second, ...rest] = children as [CompiledCondition, CompiledCondition];
  if (rest.length === 0) return (event) => first(event) || second(event);
  return (event) => {
    for (const child of children) if (child(event)) return true;
    return false;
  };
}

function oncePerEvent(compiled: CompiledCondition): CompiledCondition {
  let epoch = 0;
  let result = false;
  return (event) => {
    if (event.epoch !== epoch) {
      result = compiled(event);
      epoch = event.epoch;
    }
    return result;
  };
}
