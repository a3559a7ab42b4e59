import { expect } from 'vitest';
import type { Expression } from '../../shared/falco/engine/ast.ts';
import { parseCondition, printCondition } from '../../shared/falco/engine/parse/index.ts';

function withoutSpans(tree: unknown): unknown {
  return JSON.parse(JSON.stringify(tree, (key, value) => (key === 'span' ? undefined : value)));
}

export function printedTreeComesBack(tree: Expression): void {
  const text = printCondition(tree);
  const again = parseCondition(text);
  if (!again.ok) throw new Error(`${text}\n${again.message} at ${again.offset}`);
  expect(withoutSpans(again.tree)).toEqual(withoutSpans(tree));
}

export function readableTextIsStable(text: string): void {
  const first = parseCondition(text);
  if (!first.ok) {
    expect(first.offset).toBeGreaterThanOrEqual(0);
    expect(first.offset).toBeLessThanOrEqual(text.length);
    return;
  }
  printedTreeComesBack(first.tree);
}
