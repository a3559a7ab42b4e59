import { describe, expect, it } from 'vitest';
import { toByteString } from '../../../../../../shared/falco/engine/bytes.ts';
import { compileRegex } from '../../../../../../shared/falco/engine/compile/regex.ts';
import { RECORDED } from './regex.recorded.ts';

function verdict(pattern: string, text: string): boolean | null {
  const compiled = compileRegex(toByteString(pattern));
  return 'error' in compiled ? null : compiled.matches(toByteString(text));
}

describe('regular expressions', () => {
  it.each(RECORDED)('%j on %j: %s, as RE2 says', (pattern, text, matches) => {
    expect(verdict(pattern, text ?? '')).toBe(matches);
  });

  it('matches the whole text, by code point, with line anchors', () => {
    expect(verdict('...', 'Ünï')).toBe(true);
    expect(verdict('al', 'alice')).toBe(false);
    expect(verdict('^two$(.|\\n)*', 'two\nlines')).toBe(true);
    expect(verdict('two.*', 'two\nlines')).toBe(false);
  });

  it('matches no bytes that are not UTF-8', () => {
    const compiled = compileRegex('.*');
    if ('error' in compiled) throw new Error(compiled.error);
    expect([compiled.matches('\xc3\xa9'), compiled.matches('a\xff'), compiled.matches('\xc3')]).toEqual([true, false, false]);
  });

  it('refuses what POSIX does not have', () => {
    for (const pattern of [
      '\\d',
      '\\w+',
      '\\bx',
      '(?i)a',
      '(?:a)',
      '(?P<n>a)',
      '\\p{L}',
      '\\Qa\\E',
      '\\A',
      '*a',
      'a|*',
      '(',
      'a)',
      '[a',
      'a{1001}',
    ]) {
      expect(verdict(pattern, 'a'), pattern).toBe(null);
    }
  });

  it('reads a quantifier behind a quantifier as POSIX does', () => {
    expect(verdict('a+?', '')).toBe(true);
    expect(verdict('a**', 'aaa')).toBe(true);
    expect(verdict('(ab){2}?', '')).toBe(true);
    expect(verdict('(ab){2}?', 'ab')).toBe(false);
  });

  it('does not run away', () => {
    const text = `${'a'.repeat(100_000)}!`;
    for (const pattern of ['(a+)+b', '(a|a)*b', '(a*)*b', '(.*a){20}', '(a?){200}a{200}']) {
      const started = performance.now();
      expect(verdict(pattern, text)).toBe(false);
      expect(performance.now() - started).toBeLessThan(5000);
    }
  });
});
