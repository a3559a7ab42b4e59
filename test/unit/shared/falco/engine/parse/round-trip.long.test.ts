import fc from 'fast-check';
import { it } from 'vitest';
import { conditionText, conditionTree } from '../../../../../support/condition-arbitrary.ts';
import { printedTreeComesBack, readableTextIsStable } from '../../../../../support/condition-properties.ts';

it('a million trees come back from their texts', () => {
  fc.assert(fc.property(conditionTree, printedTreeComesBack), { numRuns: 1_000_000 });
});

it('a million texts parse or fail at a place in them', () => {
  fc.assert(fc.property(conditionText, readableTextIsStable), { numRuns: 1_000_000 });
});
