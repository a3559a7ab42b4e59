import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ABSENT, JsonDocument, MemberIndex } from '../../../../../../shared/falco/engine/document/index.ts';
import { quoteLikeGo } from '../../../../../../shared/falco/engine/document/quote.ts';
import { unescapeJson } from '../../../../../../shared/falco/engine/document/unescape.ts';

function open(text: string): JsonDocument {
  const bytes = Buffer.from(text);
  const index = new MemberIndex(bytes, 0, bytes.length);
  if (!index.finish()) throw new Error(`fault at ${index.fault}`);
  return new JsonDocument(index);
}

function at(document: JsonDocument, ...keys: string[]): number {
  return keys.reduce((value, key) => document.get(value, key), document.root);
}

const textAt = (document: JsonDocument, ...keys: string[]) => document.text(at(document, ...keys));

describe('JSON over bytes, as fastjson reads it', () => {
  it('takes the first of two keys, walks arrays by number, and misses quietly', () => {
    const document = open('{"a":{"b":[10,{"c":"x"}],"b":2},"a":3}');
    expect(textAt(document, 'a', 'b', '1', 'c')).toBe('x');
    expect(textAt(document, 'a', 'b', '+0')).toBe('10');
    expect(textAt(document, 'a', 'b', '01', 'c')).toBe('x');
    for (const path of [['z'], ['a', 'b', '2'], ['a', 'b', '-1'], ['a', 'b', '1e0'], ['a', 'b', '0', 'x']])
      expect(at(document, ...path)).toBe(ABSENT);
  });

  it('gives strings their text and everything else its compact text, numbers as they are spelt', () => {
    const document = open(
      '{ "s" : "a\\u003cb\\u0000c" , "n" : 1.50, "e": 1E3, "o" : { "k" : [ 1 , "<\\u003c >" ] , "k" : null }, "t":true, "x":NaN, "y":-inf }',
    );
    expect(textAt(document, 's')).toBe('a<b');
    expect(document.rawText(at(document, 's'))).toBe('a<b\0c');
    expect(textAt(document, 'n')).toBe('1.50');
    expect(textAt(document, 'e')).toBe('1E3');
    expect(textAt(document, 'o')).toBe('{"k":[1,"<\\u003c >"],"k":null}');
    expect([textAt(document, 't'), textAt(document, 'x'), textAt(document, 'y')]).toEqual(['true', 'NaN', '-inf']);
  });

  it('writes anew what has been read before, as Go quotes it', () => {
    const document = open('{"o":{"a":"\\u003c\\n","b":"\\u003c","k\\u0065y":1}}');
    const untouched = '{"a":"\\u003c\\n","b":"\\u003c","k\\u0065y":1}';
    expect(textAt(document, 'o')).toBe(untouched);
    textAt(document, 'o', 'a');
    expect(textAt(document, 'o')).toBe('{"a":"<\\n","b":"\\u003c","k\\u0065y":1}');
    expect(document.rewrites).toBe(1);
    // Seeking a key in vain makes the parser unescape the keys.
    expect(at(document, 'o', 'nothing')).toBe(ABSENT);
    expect(textAt(document, 'o')).toBe('{"a":"<\\n","b":"\\u003c","key":1}');
    expect(textAt(document, 'o', 'key')).toBe('1');
  });

  it('takes a string as read whose type was asked for', () => {
    const document = open('{"o":["\\u003c\\n"]}');
    expect(document.isArray(at(document, 'o', '0'))).toBe(false);
    expect(textAt(document, 'o')).toBe('["<\\n"]');
  });

  it('writes anew a key with a bare control character, too', () => {
    const document = open('{"o":{"a\tb":1}}');
    expect(textAt(document, 'o')).toBe('{"a\tb":1}');
    expect(at(document, 'o', 'nothing')).toBe(ABSENT);
    expect(textAt(document, 'o')).toBe('{"a\\tb":1}');
  });

  it('prefers a key that is spelt plainly, until the keys have been unescaped', () => {
    const text = '{"o":{"\\u0061":1,"a":2}}';
    expect(textAt(open(text), 'o', 'a')).toBe('2');
    const document = open(text);
    at(document, 'o', 'z');
    expect(textAt(document, 'o', 'a')).toBe('1');
  });

  it('refuses what fastjson refuses, at the byte', () => {
    const deep = (levels: number) => `{"a":${'['.repeat(levels)}1${']'.repeat(levels)}}`;
    expect(() => open(deep(298))).not.toThrow();
    expect(() => open(deep(299))).toThrow('fault');
    for (const text of ['', '[]', '{', '{"a"}', '{"a":}', '{"a":1,}', '{"a":1}x', '{"a":tru}', "{'a':1}", '{"a":"b}', '{"a":[1 2]}']) {
      expect(() => open(text), text).toThrow('fault');
    }
    for (const text of ['{}', ' { } ', '{"a":01}', '{"a":+1}', '{"a":"\t\\q"}', '{"":""}']) expect(() => open(text), text).not.toThrow();
  });

  it('finds members one by one and reads no further than it must', () => {
    const bytes = Buffer.from('{"a":1,"b":2,"c":oops');
    const index = new MemberIndex(bytes, 0, bytes.length);
    expect(index.seek('b')).toBe(1);
    expect([index.count, index.fault, index.complete]).toEqual([2, -1, false]);
    expect(index.seek('c')).toBe(-1);
    expect(index.fault).toBe(17);
  });

  it('agrees with JSON.parse about JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 5 }), fc.constantFrom(0, 2), (value, indent) => {
        const document = open(JSON.stringify(value, null, indent));
        expect(JSON.parse(Buffer.from(document.write(document.root), 'latin1').toString())).toEqual(JSON.parse(JSON.stringify(value)));
        for (const [key, member] of Object.entries(value)) {
          const text = Buffer.from(document.rawText(at(document, Buffer.from(key).toString('latin1'))), 'latin1').toString();
          if (typeof member !== 'string') expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(member)));
          else if (member.isWellFormed()) expect(text).toBe(member);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('unescaping', () => {
  it.each([
    ['plain', 'plain'],
    ['\\"\\\\\\/\\b\\f\\n\\r\\t', '"\\/\b\f\n\r\t'],
    ['\\u00e9', '\xc3\xa9'],
    ['\\ud83d\\ude00', '\xf0\x9f\x98\x80'],
    ['\\ud800', '\\ud800'],
    ['\\ud800x', '\\ud800x'],
    ['\\ud800\\n', '\\ud800\n'],
    ['\\ud800\\ud800', '\xef\xbf\xbd'],
    ['\\udc00\\u0041', '\xef\xbf\xbd'],
    ['\\u12', '\\u12'],
    ['\\uzzzz', '\\uzzzz'],
    ['\\q\\x41', '\\q\\x41'],
  ])('%s', (raw, text) => expect(unescapeJson(raw)).toBe(text));
});

describe("Go's quoting", () => {
  it.each([
    ['plain é', '"plain é"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ['\n\t\x07\x01', '"\\n\\t\\a\\x01"'],
    ['"\u200b', '"\\"\\u200b"'],
    ['\u200b', '"\u200b"'],
    ['"\u{e0001}', '"\\"\\U000e0001"'],
  ])('%j', (text, quoted) => {
    const bytes = (s: string) => Buffer.from(s).toString('latin1');
    expect(quoteLikeGo(bytes(text))).toBe(bytes(quoted));
  });

  it('spells bytes that are no UTF-8 one by one', () => {
    expect(quoteLikeGo('"\xff\xed\xa0\x80\xc3\xab')).toBe('"\\"\\xff\\xed\\xa0\\x80\xc3\xab"');
  });
});
