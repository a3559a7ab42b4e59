import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LoadOptions, loadRules } from '../../../../../../shared/falco/engine/index.ts';
import { matchesName } from '../../../../../../shared/falco/engine/load/selection.ts';
import { loadsOrSaysWhy, rulesItems } from '../../../../../support/rules-arbitrary.ts';

const rule = (name: string, more = ''): string =>
  `- rule: ${name}\n  desc: d\n  condition: ka.verb exists\n  output: o\n  priority: Notice\n  source: k8s_audit\n${more}`;
const order = (text: string, options?: LoadOptions): readonly string[] =>
  loadRules([{ name: 'r', text }], options).rules.map(({ name }) => name);

describe('which rules are evaluated, and in what order', () => {
  const three = rule('A') + rule('B', '  tags: [x, y]\n') + rule('C', '  enabled: false\n');

  it('enabled ones, as first defined', () => {
    expect(order(three + rule('A'))).toEqual(['A', 'B']);
  });

  it('a rule switched off and on again goes to the end', () => {
    expect(
      order(three, {
        selections: [
          { operation: 'disable', rule: 'A' },
          { operation: 'enable', rule: 'A' },
        ],
      }),
    ).toEqual(['B', 'A']);
  });

  it('selections apply one after the other, by name and by tag', () => {
    expect(
      order(three, {
        selections: [
          { operation: 'disable', rule: '*' },
          { operation: 'enable', tag: 'y' },
          { operation: 'enable', rule: 'C*' },
        ],
      }),
    ).toEqual(['B', 'C']);
    expect(order(three, { selections: [{ operation: 'disable', tag: 'z' }] })).toEqual(['A', 'B']);
  });

  it('only as urgent as asked for', () => {
    const text = rule('A') + rule('B').replace('Notice', 'CRITICAL');
    expect(order(text, { minPriority: 'Error' })).toEqual(['B']);
    expect(order(text, { minPriority: 'Error', selections: [{ operation: 'enable', rule: 'A' }] })).toEqual(['B']);
    expect(order(text, { minPriority: 'Notice' })).toEqual(['A', 'B']);
  });

  it('none, when there is an error', () => {
    expect(
      loadRules([
        { name: 'r', text: three },
        { name: 's', text: '- rule: X' },
      ]),
    ).toMatchObject({ loads: false, rules: [], defined: [] });
  });
});

it.each([
  ['abc', 'abc', true],
  ['abc', 'abcd', false],
  ['a*', 'abcd', true],
  ['*', '', true],
  ['**', 'x', true],
  ['*cd', 'abcd', true],
  ['a*c*', 'abcd', true],
  ['*a', 'aa', false],
  ['b*', 'abc', false],
  ['a?', 'ab', false],
])('the pattern %s and the name %s: %s', (pattern, name, matches) => {
  expect(matchesName(pattern, name)).toBe(matches);
});

it('keeps what a rule says, as a person reads it', () => {
  const text = rule('Größe ✓', '  tags: [zeta, Alpha, zeta, ä]\n').replace('output: o', 'output: "  ü %ka.verb  "');
  const [loaded] = loadRules([{ name: 'r', text }]).rules;
  expect(loaded).toMatchObject({
    name: 'Größe ✓',
    output: 'ü %ka.verb',
    priority: 'Notice',
    source: 'k8s_audit',
    tags: ['Alpha', 'zeta', 'ä'],
    place: { file: 'r', line: 1, column: 9 },
  });
});

describe('the digest', () => {
  const digest = (text: string): string => loadRules([{ name: 'r', text }]).digest;
  const base = digest(rule('A') + rule('B'));

  it('does not depend on how the file is written', () => {
    expect(digest(`# hello\n${rule('A')}\n---\n${rule('B')}`)).toBe(base);
    expect(digest(`- macro: m\n  condition: ka.verb exists\n${rule('A').replace('ka.verb exists', 'm')}${rule('B')}`)).toBe(base);
  });

  it.each([
    ['order', rule('B') + rule('A')],
    ['condition', rule('A') + rule('B').replace('ka.verb', 'ka.stage')],
    ['output', rule('A') + rule('B').replace('output: o', 'output: p')],
    ['priority', rule('A') + rule('B').replace('Notice', 'Debug')],
    ['tags', rule('A') + rule('B', '  tags: [x]\n')],
    ['enabled', rule('A') + rule('B', '  enabled: false\n')],
  ])('depends on %s', (_what, text) => {
    expect(digest(text)).not.toBe(base);
  });
});

describe('no file, however written, hangs it or takes it down', () => {
  const within = (ms: number, text: string): ReturnType<typeof loadRules> => {
    const started = performance.now();
    const result = loadRules([{ name: 'r', text }]);
    expect(performance.now() - started).toBeLessThan(ms);
    return result;
  };
  const code = (text: string, ms = 5000): string | undefined => within(ms, text).diagnostics[0]?.code;
  const lines = (count: number, line: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => line(index)).join('\n');

  it('macros that double each other', () => {
    expect(code(`- {macro: m0, condition: ka.verb exists}\n${lines(64, (i) => `- {macro: m${i + 1}, condition: m${i} and m${i}}`)}`)).toBe(
      'LOAD_ERR_VALIDATE',
    );
  });

  it('macros that double each other the wrong way round', () => {
    const macros = `${lines(64, (i) => `- {macro: m${i}, condition: ka.verb exists}`)}\n${lines(63, (i) => `- {macro: m${i}, condition: m${i + 1} and m${i + 1}}`)}`;
    expect(code(macros)).toBe('LOAD_ERR_VALIDATE');
  });

  it('a long chain of macros', () => {
    expect(
      within(5000, `- {macro: m0, condition: ka.verb exists}\n${lines(3000, (i) => `- {macro: m${i + 1}, condition: m${i}}`)}`).loads,
    ).toBe(true);
    const backwards = `${lines(3000, (i) => `- {macro: m${i}, condition: ka.verb exists}`)}\n${lines(2999, (i) => `- {macro: m${i}, condition: m${i + 1}}`)}`;
    expect(code(backwards)).toBe('LOAD_ERR_VALIDATE');
  });

  it('lists that multiply each other', () => {
    const text = `- {list: l0, items: [a, b]}\n${lines(40, (i) => `- {list: l${40 - i}, items: [${`l${39 - i}, `.repeat(10)}x]}`)}\n${rule('A').replace('ka.verb exists', 'ka.verb in (l40)')}`;
    expect(within(5000, text).diagnostics.length).toBeGreaterThan(0);
    const forward = `${lines(30, (i) => `- {list: l${i}, items: ['l${i + 1},l${i + 1}']}`)}\n${rule('A').replace('ka.verb exists', 'ka.verb in (l0)')}`;
    expect(code(forward)).toBe('LOAD_ERR_COMPILE_CONDITION');
  });

  it('ten thousand appends to one macro', () => {
    const text = `- {macro: m, condition: ka.verb exists}\n${lines(10_000, () => '- {macro: m, condition: or m, append: y}')}`;
    expect(code(text.replaceAll('or m', 'or ka.verb=x'), 10_000)).toBe('LOAD_DEPRECATED_ITEM');
  });

  it('aliases of aliases', () => {
    const text = `- {list: l, items: &a0 [x]}\n${lines(60, (i) => `- {note: &a${i + 1} [*a${i}, *a${i}]}`)}\n${rule('A', '  exceptions:\n    - {name: e, fields: [ka.verb], values: *a60}\n')}`;
    expect(code(text)).toBe('LOAD_ERR_YAML_PARSE');
  });

  it('a long text by a thousand aliases', () => {
    const aliases = '*t, '.repeat(5000);
    expect(code(`- {note: &t ${'x'.repeat(100_000)}}\n- {list: l, items: [${aliases}]}`)).toBe('LOAD_ERR_YAML_PARSE');
    const exceptions = `  exceptions:\n    - {name: e, fields: ka.verb, values: [${'*t, '.repeat(100)}]}\n`;
    expect(code(`- {note: &t ${'x'.repeat(100_000)}}\n${rule('A', exceptions)}`)).toBe('LOAD_ERR_COMPILE_CONDITION');
  });

  it('a warning in every one of many checks of one macro that many rules use', () => {
    const checks = Array.from({ length: 5000 }, (_, i) => `ka.verb regex 'a${i}'`).join(' or ');
    const text = `- macro: m\n  condition: ${checks}\n${lines(200, (i) => rule(`A${i}`).replace('ka.verb exists', 'm').trimEnd())}`;
    const { loads, diagnostics } = within(5000, text);
    expect(loads).toBe(true);
    expect(diagnostics.length).toBe(100);
  });

  it('an alias to itself', () => {
    expect(code('- &a [*a]')).toBe('LOAD_ERR_YAML_PARSE');
  });

  it('brackets without end', () => {
    expect(code('['.repeat(100_000))).toBe('LOAD_ERR_YAML_PARSE');
    expect(code('- '.repeat(50_000))).toBe('LOAD_ERR_YAML_PARSE');
  });

  it('a file of ten megabytes', () => {
    expect(code('#'.repeat(10 << 20))).toBe('LOAD_ERR_YAML_PARSE');
  });
});

it('any items load, or a diagnostic says why not', () => {
  fc.assert(fc.property(rulesItems, loadsOrSaysWhy), { numRuns: 700 });
});

it('any text loads, or a diagnostic says why not', () => {
  const text = fc.array(
    fc.oneof(
      fc.constantFrom(
        '- ',
        '\n',
        '  ',
        'rule: ',
        'condition: ',
        '>',
        '|',
        '&a ',
        '*a',
        '[',
        ']',
        '{',
        '}',
        ',',
        ': ',
        '"',
        "'",
        '---',
        '#',
        '!x ',
        '\t',
        '%',
      ),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(text, (pieces) => {
      const result = loadRules([{ name: 'r', text: pieces.join('') }]);
      expect(result.loads).toBe(result.diagnostics.every(({ level }) => level === 'warning'));
    }),
    { numRuns: 700 },
  );
});
