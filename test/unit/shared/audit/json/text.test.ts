import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textOf, unescapedUpTo, unescapeInto } from '../../../../../shared/audit/json/text.ts';

/** Any text, from one-byte characters to surrogate pairs. */
const anyText = (maxLength: number) =>
  fc
    .array(
      fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0x80, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff })),
      { maxLength },
    )
    .map((codes) => String.fromCodePoint(...codes));

function unescaped(content: string | Buffer): string {
  const bytes = Buffer.from(content as string);
  const out = Buffer.alloc(bytes.length + 8, 0x7e);
  const end = unescapeInto(bytes, 0, bytes.length, out, 4);
  expect(out.subarray(0, 4).toString() + out.subarray(end, end + 4).toString()).toBe('~'.repeat(8));
  return out.toString('utf8', 4, end);
}

describe('unescapeInto', () => {
  it('gives the bytes that the text stands for, whichever way it is spelled', () => {
    fc.assert(
      fc.property(anyText(20), fc.boolean(), (text, ascii) => {
        const json = JSON.stringify(text);
        const spelled = ascii
          ? json.replace(/[^"\\a-z]/g, (c) => (json.includes('\\') ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`))
          : json;
        expect(unescaped(spelled.slice(1, -1))).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it('leaves as they are: lone surrogates, unknown escapes, escapes cut short', () => {
    for (const text of ['\\ud800', '\\udc00', '\\ud800x', '\\ud800\\n', '\\ud800\\ud800', '\\q', '\\u12', '\\u12g4', '\\']) {
      expect(unescaped(text)).toBe(text.replace('\\n', '\n'));
    }
    expect(unescaped('\\ud83e\\udd85\\u0000\\u00E9')).toBe('🦅\u0000é');
  });

  it('passes bytes that are no UTF-8 through', () => {
    const bytes = Buffer.from([0xff, 0x5c, 0x6e, 0x80]);
    const out = Buffer.alloc(8);
    expect(out.subarray(0, unescapeInto(bytes, 0, 4, out, 0))).toEqual(Buffer.from([0xff, 0x0a, 0x80]));
  });

  it('stops at the closing quote', () => {
    const bytes = Buffer.from('a\\"b\\\\","c"');
    const out = Buffer.alloc(20);
    expect(out.toString('utf8', 0, unescapeInto(bytes, 0, bytes.length, out, 0))).toBe('a"b\\');
    expect(unescapedUpTo).toBe(6);
  });
});

describe('textOf', () => {
  it('renders strings unescaped and all else as it is written', () => {
    const text = (json: string) => textOf(Buffer.from(` ${json} `), 1, 1 + Buffer.byteLength(json));
    expect(['"a\\u0026b"', '"é"', '1.50', 'null', '{"a": 1}'].map(text)).toEqual(['a&b', 'é', '1.50', 'null', '{"a": 1}']);
  });
});
