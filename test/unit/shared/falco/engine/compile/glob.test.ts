import { describe, expect, it } from 'vitest';
import { toByteString } from '../../../../../../shared/falco/engine/bytes.ts';
import { compileGlob } from '../../../../../../shared/falco/engine/compile/glob.ts';
import { RECORDED } from './glob.recorded.ts';

describe('globs', () => {
  it.each(RECORDED)('%j on %j (fold case: %s): %s, as glibc says', (pattern, text, foldCase, matches) => {
    expect(compileGlob(toByteString(pattern), foldCase)(toByteString(text))).toBe(matches);
  });

  it('takes time that grows with text times pattern, and not faster', () => {
    const text = 'a'.repeat(200_000);
    for (const pattern of [`${'*a'.repeat(120)}*b`, `${'a*'.repeat(120)}b`, `*${'?'.repeat(250)}b`]) {
      const started = performance.now();
      expect(compileGlob(pattern)(text)).toBe(false);
      expect(performance.now() - started).toBeLessThan(5000);
    }
  });
});
