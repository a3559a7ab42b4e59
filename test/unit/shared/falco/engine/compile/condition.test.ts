import { describe, expect, it } from 'vitest';
import type { Expression } from '../../../../../../shared/falco/engine/ast.ts';
import { compileCondition } from '../../../../../../shared/falco/engine/compile/index.ts';
import { printCondition } from '../../../../../../shared/falco/engine/parse/index.ts';
import { eventOf, treeOf } from '../../../../../support/engine.ts';

describe('conditions', () => {
  const event = eventOf({ verb: 'create', user: { username: 'a' } });

  it('tells a watcher what was evaluated, children first, and what short-circuits was not', () => {
    const seen: string[] = [];
    const hooks = {
      evaluated: (node: Expression, result: boolean, value?: { readonly left: unknown }) =>
        void seen.push(`${printCondition(node)} → ${result}${value ? ` (${value.left})` : ''}`),
    };
    const condition = compileCondition(treeOf('ka.verb = create and not (ka.target.name exists or ka.user.name = b) or ka.stage = x'), {
      hooks,
    });
    expect(condition(event)).toBe(true);
    expect(seen).toEqual([
      'ka.verb = create → true (create)',
      'ka.target.name exists → false (undefined)',
      'ka.user.name = b → false (a)',
      'ka.target.name exists or ka.user.name = b → false',
      'not (ka.target.name exists or ka.user.name = b) → true',
      'ka.verb = create and not (ka.target.name exists or ka.user.name = b) → true',
      'ka.verb = create and not (ka.target.name exists or ka.user.name = b) or ka.stage = x → true',
    ]);
  });

  it('evaluates a shared subtree once per event, however often macros repeat it', () => {
    let tree = treeOf('ka.verb = create and ka.user.name = a');
    // 2^200 checks if every occurrence were evaluated by itself.
    for (let level = 0; level < 200; level++) tree = { type: level % 2 === 0 ? 'and' : 'or', children: [tree, tree], span: tree.span };
    const condition = compileCondition(tree);
    expect(condition(event)).toBe(true);
    expect(condition(eventOf({ verb: 'get' }))).toBe(false);
    expect(condition(event)).toBe(true);
  });

  it('is not compiled with names in it', () => {
    expect(() => compileCondition(treeOf('some_macro'))).toThrow('some_macro was not resolved');
  });
});
