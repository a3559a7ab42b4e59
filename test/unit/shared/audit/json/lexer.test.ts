import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEEPEST, MAX_DEPTH, skipBlanks, skipValue } from '../../../../../shared/audit/json/lexer.ts';

/** The offset after the value, or the fault as fastjson would find one. (fastjson itself is asked in test/fastjson.) */
function skip(text: string, maxDepth?: number): number {
  const bytes = Buffer.from(text);
  return skipValue(bytes, skipBlanks(bytes, 0, bytes.length), bytes.length, maxDepth);
}

const json = fc.jsonValue({ maxDepth: 5 }).chain((value) => fc.constantFrom(JSON.stringify(value), JSON.stringify(value, undefined, 1)));

describe('skipValue', () => {
  it('passes over any JSON value, and stops behind it', () => {
    fc.assert(
      fc.property(json, fc.constantFrom('', ' ', ',', ']', '\n{'), (text, more) => {
        expect(skip(`[${text}]${more}`)).toBe(Buffer.byteLength(`[${text}]`));
      }),
    );
  });

  it('knows when a value could still become whole', () => {
    fc.assert(
      fc.property(json, fc.nat(), (text, where) => {
        const whole = Buffer.from(`{"a":${text}}`);
        const cut = whole.subarray(0, where % whole.length);
        expect(~skipValue(cut, 0, cut.length)).toBeGreaterThanOrEqual(cut.length);
      }),
    );
  });

  it.each([
    '{,}',
    '[1 2]',
    '{"a" 1}',
    '{a:1}',
    '[1,]',
    '{"a":1,}',
    'tru3',
    '[nul1]',
    '}',
    '["a"]]'.slice(5),
    '{"a"::1}',
    '[+]',
    '[nanx]',
    '{"a":\u000b1}',
  ])('finds the fault in %s', (text) => {
    const fault = ~skip(text);
    expect(fault).toBeGreaterThanOrEqual(0);
    expect(fault).toBeLessThan(text.length);
  });

  it.each(['NaN', '+1', '01', '1e', '.', '-inf', 'Infinity'.slice(0, 3), '"\\q"', '"\u0001"', '[NAN,INF,+Inf]'])(
    'takes %s as fastjson does',
    (text) => {
      expect(skip(text)).toBe(Buffer.byteLength(text));
    },
  );

  it('counts nesting as fastjson does: a scalar is a level', () => {
    const nested = (depth: number) => `${'['.repeat(depth - 1)}1${']'.repeat(depth - 1)}`;
    expect(skip(nested(MAX_DEPTH))).toBeGreaterThan(0);
    expect(skip(nested(MAX_DEPTH + 1))).toBe(~MAX_DEPTH);
    expect(skip(nested(5), 4)).toBe(~4);
    expect(skip(nested(DEEPEST), DEEPEST)).toBeGreaterThan(0);
    expect(skip(nested(DEEPEST + 1), DEEPEST)).toBe(~DEEPEST);
  });

  it('never looks beyond the end it is given', () => {
    fc.assert(
      fc.property(json, fc.nat(), (text, where) => {
        const bytes = Buffer.from(`[${text}]`);
        const end = where % bytes.length;
        expect(skipValue(bytes, 0, end)).toBe(skipValue(bytes.subarray(0, end), 0, end));
      }),
    );
  });
});
