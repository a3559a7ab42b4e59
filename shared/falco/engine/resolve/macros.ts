import type { Expression, Identifier } from '../ast.ts';
import { fromByteString } from '../bytes.ts';
import { MAX_DEPTH } from '../parse/index.ts';
import { LoadProblem } from '../read/problem.ts';
import type { YamlScalar } from '../read/yaml.ts';
import type { Paste } from './paste.ts';

/** A macro whose condition was parsed. `tree` is replaced once its own macros are resolved. */
export interface ParsedMacro {
  readonly name: string;
  /** Running index of the first definition: who may see it. */
  readonly index: number;
  /** Running index of the last change: what it may see. */
  readonly visibility: number;
  readonly text: Paste;
  readonly place: YamlScalar;
  tree: Expression;
  used: boolean;
}

/** Checks in one condition after its macros were put in. The largest shipped rule has 60. */
const MAX_CHECKS = 20_000;

/**
 * Puts macros into a tree in place of their names. A macro's tree is shared, not copied: its nodes keep the spans of
 * the macro's own text, by which the loader shows a problem where the macro is written.
 *
 * `resolve` in order of definition, macros first: each sees the macros first defined before its own last change.
 */
export class MacroResolver {
  readonly #macros: ReadonlyMap<string, ParsedMacro>;
  /** Size and depth of resolved trees, so that doubling macros are refused before anybody walks them. */
  readonly #measures = new WeakMap<Expression, Measure>();
  /** Trees without names in them. */
  readonly #closed = new WeakSet<Expression>();

  readonly #names: WeakMap<Expression, string>;

  readonly #broken: ReadonlySet<string>;

  /** `names` takes down which tree is which macro's; `broken` are macros that could not be parsed. */
  constructor(macros: ReadonlyMap<string, ParsedMacro>, names: WeakMap<Expression, string>, broken: ReadonlySet<string>) {
    this.#macros = macros;
    this.#names = names;
    this.#broken = broken;
  }

  resolve(tree: Expression, visibility: number, text: Paste, place: YamlScalar): Expression {
    const path = new Set<string>();
    const done = new Map<string, Expression>();
    const unknown: Identifier[] = [];
    const loops: Identifier[] = [];
    let level = 0;
    const inside = <T>(walk: () => T): T => {
      if (++level > MAX_DEPTH) throw tooLarge(place);
      const result = walk();
      level--;
      return result;
    };
    const visit = (node: Expression): Expression => {
      if (this.#closed.has(node)) return node;
      switch (node.type) {
        case 'and':
        case 'or': {
          const children = inside(() => node.children.map(visit));
          return children.every((child, index) => child === node.children[index]) ? node : { ...node, children };
        }
        case 'not': {
          const child = inside(() => visit(node.child));
          return child === node.child ? node : { ...node, child };
        }
        case 'identifier':
          return macroFor(node) ?? node;
        default:
          return node;
      }
    };
    const macroFor = (node: Identifier): Expression | undefined => {
      if (this.#broken.has(node.name)) throw new LoadProblem('LOAD_ERR_VALIDATE', 'a macro it uses is broken', place, undefined, true);
      const macro = this.#macros.get(node.name);
      if (!macro || macro.index >= visibility) {
        unknown.push(node);
        return undefined;
      }
      if (path.has(node.name)) {
        loops.push(node);
        return undefined;
      }
      macro.used = true;
      const known = done.get(node.name);
      if (known) return known;
      path.add(node.name);
      const resolved = inside(() => visit(macro.tree));
      path.delete(node.name);
      done.set(node.name, resolved);
      // A macro that only names another one is the same tree: it keeps the inner name.
      if (!this.#names.has(resolved)) this.#names.set(resolved, node.name);
      return resolved;
    };
    const resolved = visit(tree);
    const [loop] = loops;
    const [wanted] = unknown;
    if (loop)
      throw this.#problem(
        `the macro '${fromByteString(loop.name)}' refers to itself`,
        loop,
        text,
        place,
        'Break the circle: a macro cannot stand in its own condition.',
      );
    if (wanted)
      throw this.#problem(`the macro '${fromByteString(wanted.name)}' is not defined here`, wanted, text, place, this.#hint(wanted.name));
    this.#measure(resolved, place);
    this.#closed.add(resolved);
    return resolved;
  }

  #hint(name: string): string {
    if (this.#macros.has(name)) return 'It is defined further down; move it above the macro that uses it.';
    const near = [...this.#macros.keys()].find((other) => other.toLowerCase() === name.toLowerCase());
    return near === undefined ? 'Define it before it is used, in this file or one loaded earlier.' : `Is '${near}' meant?`;
  }

  #problem(message: string, { span }: Identifier, text: Paste, place: YamlScalar, help: string): LoadProblem {
    return new LoadProblem('LOAD_ERR_VALIDATE', message, text.placeOf(span.start, span.end) ?? place, help);
  }

  #measure(tree: Expression, place: YamlScalar): Measure {
    const known = this.#measures.get(tree);
    if (known) return known;
    let measure: Measure;
    if (tree.type === 'and' || tree.type === 'or') {
      const children = tree.children.map((child) => this.#measure(child, place));
      measure = {
        checks: children.reduce((sum, { checks }) => sum + checks, 0),
        depth: 1 + Math.max(...children.map(({ depth }) => depth)),
      };
    } else if (tree.type === 'not') {
      const child = this.#measure(tree.child, place);
      measure = { checks: child.checks, depth: child.depth + 1 };
    } else {
      measure = { checks: 1, depth: 1 };
    }
    if (measure.checks > MAX_CHECKS || measure.depth > MAX_DEPTH) throw tooLarge(place);
    this.#measures.set(tree, measure);
    return measure;
  }
}

function tooLarge(place: YamlScalar): LoadProblem {
  return new LoadProblem(
    'LOAD_ERR_VALIDATE',
    `with its macros put in, the condition has more than ${MAX_CHECKS} checks or ${MAX_DEPTH} levels`,
    place,
    'Split it; macros that double each other grow without bound.',
  );
}

interface Measure {
  readonly checks: number;
  readonly depth: number;
}
