import fc from 'fast-check';
import { it } from 'vitest';
import { loadsOrSaysWhy, rulesItems } from '../../../../../support/rules-arbitrary.ts';

it('two hundred thousand rules files load, or a diagnostic says why not', () => {
  fc.assert(fc.property(rulesItems, loadsOrSaysWhy), { numRuns: 200_000 });
});
