import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Expression } from '../../../../../../shared/falco/engine/ast.ts';
import { parseCondition, printCondition } from '../../../../../../shared/falco/engine/parse/index.ts';
import { conditionText, conditionTree } from '../../../../../support/condition-arbitrary.ts';
import { printedTreeComesBack, readableTextIsStable } from '../../../../../support/condition-properties.ts';

describe('print and parse', () => {
  it('every tree comes back from its text', () => {
    fc.assert(fc.property(conditionTree, printedTreeComesBack), { numRuns: 2000 });
  });

  it('any text parses or fails at a place in it; what parses prints to the same tree', () => {
    fc.assert(fc.property(conditionText, readableTextIsStable), { numRuns: 3000 });
  });

  it('a closing backslash survives, although `\\\\"` would not end a string', () => {
    const check: Expression = {
      type: 'compare',
      left: { type: 'field', name: 'a.b', span: { start: 0, end: 0 } },
      operator: '=',
      right: { type: 'constant', text: '\\', form: 'quoted', span: { start: 0, end: 0 } },
      span: { start: 0, end: 0 },
    };
    const text = printCondition(check);
    expect(text).toBe('a.b = "\\ "');
    expect(parseCondition(text)).toMatchObject({ ok: true, tree: { right: { text: '\\' } } });
  });
});
