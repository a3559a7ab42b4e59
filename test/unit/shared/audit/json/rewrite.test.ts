import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rewrite, type Verdict, type Visit } from '../../../../../shared/audit/json/rewrite.ts';

const rewritten = (text: string, decide: (visit: Visit) => Verdict = () => 'keep') =>
  Buffer.from(rewrite(Buffer.from(text), decide)).toString();

describe('rewrite', () => {
  it('takes out blanks and nothing else', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(rewritten(JSON.stringify({ value }, undefined, 2))).toBe(JSON.stringify({ value }));
      }),
    );
    const text = '{"a":"\\u0026 x","a":1.50,"b":[ ],"c":{ },"d":[NaN,01,"\\q"]}';
    expect(rewritten(text)).toBe('{"a":"\\u0026 x","a":1.50,"b":[],"c":{},"d":[NaN,01,"\\q"]}');
  });

  it('shows every value once, with its path, position and size', () => {
    const seen: string[] = [];
    rewritten('{"a":[1,{"b":"xyz"}],"c":null}', ({ path, index, stringBytes, container }) => {
      seen.push(`${path.join('.')} ${index} ${stringBytes} ${container}`);
      return 'keep';
    });
    expect(seen).toEqual(['a 0 0 true', 'a.[] 0 0 false', 'a.[] 1 0 true', 'a.[].b 0 3 false', 'c 1 0 false']);
  });

  it('leaves out members and elements anywhere, and stays valid', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 4 }),
        fc.infiniteStream(fc.constantFrom<Verdict>('keep', 'drop', { replaceBy: '"[nested too deeply]"' }, { cutTo: 2, mark: '[...]' })),
        (value, verdicts) => {
          expect(() => JSON.parse(rewritten(JSON.stringify([value, value], undefined, 1), () => verdicts.next().value))).not.toThrow();
        },
      ),
      { numRuns: 300 },
    );
    expect(rewritten('{"a":1,"b":2,"c":3}', ({ path }) => (path[0] === 'b' ? 'keep' : 'drop'))).toBe('{"b":2}');
    expect(rewritten('[[1],[2]]', () => 'drop')).toBe('[]');
  });

  it('cuts strings between characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat({ max: 40 }), fc.boolean(), (text, cutTo, ascii) => {
        const json = JSON.stringify([text]);
        const spelled = ascii ? json.replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`) : json;
        const bytes = rewrite(Buffer.from(spelled), () => ({ cutTo, mark: '' }));
        const [kept] = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as [string];
        expect(text.startsWith(kept)).toBe(true);
        expect(bytes.length).toBeLessThanOrEqual(cutTo + 4);
      }),
      { numRuns: 200 },
    );
  });
});
