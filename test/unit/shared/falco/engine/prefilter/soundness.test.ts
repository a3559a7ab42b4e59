import { describe, expect, it } from 'vitest';
import { checkSoundness } from '../../../../../support/pre-filter-soundness.ts';
import { SET_OPERATORS, TEXT_FIELDS, TEXT_OPERATORS } from '../../../../../support/valid-condition.ts';

describe('pre-filter', () => {
  it('drops no event that a rule fires for', () => {
    const seen = checkSoundness(400);
    expect(seen.pairs).toBeGreaterThanOrEqual(8000);
    // A filter that drops nothing, or rules that never fire, would prove nothing.
    expect(seen.fired / seen.pairs).toBeGreaterThanOrEqual(0.3);
    expect(seen.dropped / seen.pairs).toBeGreaterThanOrEqual(0.1);
    const all = seen.conditions.join('\n');
    for (const operator of [...TEXT_OPERATORS, ...SET_OPERATORS, 'pmatch', 'exists', 'oneof', 'anyof', 'allof'])
      expect(all).toContain(` ${operator}`);
    for (const field of Object.keys(TEXT_FIELDS)) expect(all).toContain(field);
  });
});
