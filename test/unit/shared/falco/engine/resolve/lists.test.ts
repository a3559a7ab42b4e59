import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SourceFile } from '../../../../../../shared/falco/engine/read/source.ts';
import type { YamlScalar } from '../../../../../../shared/falco/engine/read/yaml.ts';
import { flattenLists, ListPaster } from '../../../../../../shared/falco/engine/resolve/lists.ts';
import { Paste } from '../../../../../../shared/falco/engine/resolve/paste.ts';

function scalar(text: string): YamlScalar {
  return { kind: 'scalar', text, isNull: false, style: 'plain', source: new SourceFile('f', text), start: 0, end: text.length };
}

function entries(lists: readonly (readonly [string, readonly string[]])[]): Parameters<typeof flattenLists>[0] {
  return new Map(
    lists.map(([name, items], index) => [name, { name, index, visibility: index, place: scalar(name), items: items.map(scalar) }]),
  );
}

function pasted(condition: string, lists: readonly (readonly [string, readonly string[]])[]): string {
  return new ListPaster(flattenLists(entries(lists))).paste(Paste.of(scalar(condition))).text;
}

/** Falco's way, on plain strings and without regard to cost: search, cut out, go on behind. */
function model(condition: string, lists: readonly (readonly [string, readonly string[]])[]): string {
  const names = new Map(lists.map(([name, items], index) => [name, { items, index }]));
  let text = condition;
  for (const [position, [name, items]] of lists.entries()) {
    const flat = items.flatMap((item) => (names.has(item) && names.get(item)!.index < position ? names.get(item)!.items : [item]));
    for (let at = text.indexOf(name); at >= 0; ) {
      let start = at;
      let end = at + name.length;
      if ((start === 0 || /[ \t\n\r(),=]/.test(text[start - 1]!)) && (end === text.length || /[ \t\n\r(),=]/.test(text[end]!))) {
        while (start > 0 && /[ \t\n\r]/.test(text[start - 1]!)) start--;
        while (end < text.length && /[ \t\n\r]/.test(text[end]!)) end++;
        const joined = flat.reduce(
          (all, item) => `${all}${all === '' ? '' : ', '}${item.includes(' ') && !/^["']/.test(item) ? `"${item}"` : item}`,
          '',
        );
        if (joined === '' && start > 0 && text[start - 1] === ',') start--;
        else if (joined === '' && text[end] === ',') end++;
        text = `${start > 0 ? `${text.slice(0, start)} ` : ''}${joined} ${text.slice(end)}`;
        at = start + joined.length + 1;
      }
      at = text.indexOf(name, at + 1);
    }
  }
  return text;
}

describe('lists are pasted into the text', () => {
  it.each([
    ['x in (l)', [['l', ['a', 'b']]], 'x in ( a, b )'],
    ['x in (l)', [['l', ['a b', '"c d"', "'e f'"]]], `x in ( "a b", "c d", 'e f' )`],
    ['x=l and y', [['l', ['a']]], 'x= a and y'],
    ['x in (a, l, b)', [['l', []]], 'x in (a  , b)'],
    ['x in (l, b)', [['l', []]], 'x in (   b)'],
    ['l and l', [['l', ['m']]], 'm and m '],
    ['x in (all)', [['l', ['m']]], 'x in (all)'],
    ['x = "one l two"', [['l', ['m']]], 'x = "one m two"'],
    ['x in (l)', [['l', ['', 'a']]], 'x in ( a )'],
    ['x in (l)', [['l', ['a', '']]], 'x in ( a,  )'],
  ] as const)('%j with %j', (condition, lists, expected) => {
    expect(pasted(condition, lists)).toBe(expected);
    expect(model(condition, lists)).toBe(expected);
  });

  it('as Falco would, byte for byte', () => {
    const name = fc.constantFrom('l', 'm', 'll', 'a', 'k l');
    const item = fc.constantFrom('', 'l', 'm', 'a', 'a b', '"a b"', 'l,m', ',', 'x ', '(l)');
    const lists = fc.uniqueArray(fc.tuple(name, fc.array(item, { maxLength: 3 })), { maxLength: 4, selector: ([one]) => one });
    const condition = fc
      .array(fc.constantFrom('l', 'm', 'a', 'k', ' ', '\t', '\n', '(', ')', ',', '=', 'x', '"'), { minLength: 1, maxLength: 16 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(condition, lists, (text, some) => {
        expect(pasted(text, some)).toBe(model(text, some));
      }),
      { numRuns: 5000 },
    );
  });

  it('knows where every byte comes from', () => {
    const condition = scalar('ka.verb in (first, verbs)');
    const lists = flattenLists(entries([['verbs', ['create', 'delete']]]));
    const paste = new ListPaster(lists).paste(Paste.of(condition));
    expect(paste.text).toBe('ka.verb in (first, create, delete )');
    const at = paste.text.indexOf('delete');
    expect(paste.placeOf(at, at + 6)).toMatchObject({ source: lists[0]!.items[1]!.source, start: 0, end: 6 });
    const first = paste.text.indexOf('first');
    expect(paste.placeOf(first, first + 5)).toMatchObject({ source: condition.source, start: first, end: first + 5 });
    expect(paste.placeOf(paste.text.length - 1, paste.text.length)).toMatchObject({ source: condition.source, start: 24, end: 25 });
    expect(lists[0]!.used).toBe(true);
  });
});
