import { describe, expect, it } from 'vitest';
import { loadRules, renderDiagnostic } from '../../../../../../shared/falco/engine/index.ts';

/** What a person sees. */
function shown(...texts: string[]): string {
  const files = texts.map((text, index) => ({ name: index === 0 ? 'rules.yaml' : `rules-${index + 1}.yaml`, text }));
  return loadRules(files).diagnostics.map(renderDiagnostic).join('\n');
}

const rule = (condition: string, more = ''): string =>
  `- rule: A\n  desc: d\n  condition: ${condition}\n  output: o\n  priority: Notice\n  source: k8s_audit\n${more}`;

describe('diagnostics point at the line the user wrote', () => {
  it('in a plain condition', () => {
    expect(shown(rule('ka.verb = create and ka.user.nam = x'))).toBe(
      [
        'rules.yaml:3:35: error LOAD_ERR_COMPILE_CONDITION: there is no field ka.user.nam in the source k8s_audit',
        '  |   condition: ka.verb = create and ka.user.nam = x',
        '  |                                   ^^^^^^^^^^^^^^^',
        '  Correct the condition. Lists and exceptions are pasted into it as text before it is parsed.',
      ].join('\n'),
    );
  });

  it('in a folded condition, on its own line', () => {
    expect(shown(rule('>\n    ka.verb = create and\n    ka.stage = x or\n      ka.nope exists\n'))).toContain(
      ['rules.yaml:6:7: error LOAD_ERR_COMPILE_CONDITION', '  |       ka.nope exists', '  |       ^^^^^^^^^^^^^^']
        .join('\n')
        .replace('CONDITION\n', 'CONDITION: there is no field ka.nope in the source k8s_audit\n'),
    );
  });

  it('in a literal condition', () => {
    expect(shown(rule('|-\n    ka.verb = create\n    and ka.stage = \n'))).toMatch(
      /^rules\.yaml:5:20: error LOAD_ERR_COMPILE_CONDITION: expected a string after '='/,
    );
  });

  it('in a plain condition over several lines', () => {
    expect(shown(rule('ka.verb = create\n    and ka.stage = x\n    and ka.nope = y'))).toMatch(/^rules\.yaml:5:9: /);
  });

  it('in double quotes with escapes', () => {
    expect(shown(rule('"ka.verb = \\"a\\" and\\x20ka.nope = y"'))).toMatch(/^rules\.yaml:3:38: /);
  });

  it('in single quotes with doubled quotes', () => {
    expect(shown(rule("'ka.verb = ''a'' and ka.nope = y'"))).toMatch(/^rules\.yaml:3:35: /);
  });

  it('behind text that is not ASCII', () => {
    expect(shown(rule('ka.user.name = Ünï and ka.nope = y'))).toMatch(/^rules\.yaml:3:37: /);
  });

  it('in a macro, for a rule that uses it', () => {
    expect(shown(`- macro: m\n  condition: ka.nope = 1\n${rule('ka.verb = create and m')}`)).toMatch(/^rules\.yaml:2:14: /);
  });

  it('in an item of a list that breaks the condition', () => {
    expect(shown(`- list: names\n  items:\n    - alice\n    - bo(b\n${rule('ka.user.name in (names)')}`)).toMatch(
      /^rules\.yaml:4:9: error LOAD_ERR_COMPILE_CONDITION: .*put together the condition reads «ka\.user\.name in \( alice, bo\(b \)»/,
    );
  });

  it('in what another file appends', () => {
    const diagnostics = shown(rule('ka.verb = create'), '- rule: A\n  condition: and ka.nope = 1\n  override:\n    condition: append\n');
    expect(diagnostics).toMatch(/^rules-2\.yaml:2:18: /);
  });

  it('in a value of an exception', () => {
    const exceptions = '  exceptions:\n    - name: e\n      fields: [ka.user.name, ka.verb]\n      values:\n        - [alice, [a, b]]\n';
    expect(shown(rule('ka.verb exists', exceptions))).toMatch(/^rules\.yaml:11:20: /);
  });

  it('in a field of an exception', () => {
    expect(shown(rule('ka.verb exists', '  exceptions:\n    - name: e\n      fields: [ka.nope]\n      values: [[a]]\n'))).toMatch(
      /^rules\.yaml:9:16: /,
    );
  });

  it('in an output', () => {
    expect(shown(rule('ka.verb exists').replace('output: o', 'output: user %ka.user.name at %ka.nope'))).toMatch(
      /^rules\.yaml:4:33: error LOAD_ERR_COMPILE_OUTPUT/,
    );
  });

  it('in broken YAML', () => {
    expect(shown('- rule: A\n  tags: [a\n')).toMatch(/^rules\.yaml:3:1: error LOAD_ERR_YAML_PARSE/);
  });

  it('with tabs before it', () => {
    expect(shown('- required_engine_version:\t9.9.9\n')).toContain(
      '  | - required_engine_version:\t9.9.9\n  |                           \t^^^^^\n',
    );
  });

  it('on a long line, cut around the place', () => {
    const long = Array.from({ length: 100 }, () => 'ka.verb = create').join(' or ');
    const text = shown(rule(`${long} or ka.nope = 1 or ${long}`));
    const [, line, carets] = text.split('\n');
    expect(line!.length).toBeLessThan(140);
    expect(line!.slice(carets!.indexOf('^'), carets!.lastIndexOf('^') + 1)).toBe('ka.nope = 1');
  });
});

describe('what to do', () => {
  it.each([
    ['a macro spelt in another case', `- macro: kevt\n  condition: ka.verb exists\n${rule('Kevt')}`, "Is 'kevt' meant?"],
    ['a macro defined below its user', '- macro: a\n  condition: b\n- macro: b\n  condition: ka.verb exists\n', 'move it above'],
    ['a priority nobody knows', rule('ka.verb exists').replace('Notice', 'LOW'), 'Priorities: Emergency'],
    ['a source left out', rule('ka.verb exists').replace('  source: k8s_audit\n', ''), 'write `source: k8s_audit`'],
    ['a comparison with a missing value', rule('ka.verb = <NA>'), 'write `not FIELD exists`'],
  ])('%s', (_name, text, help) => {
    expect(shown(text)).toContain(help);
  });
});

it('says each thing once, although every file compiles everything', () => {
  const { diagnostics } = loadRules([
    { name: 'a', text: `- list: unused\n  items: [x]\n${rule('ka.verb = <NA>')}` },
    { name: 'b', text: '- macro: other\n  condition: ka.verb exists\n' },
  ]);
  expect(diagnostics.map(({ code, file }) => `${file} ${code}`)).toEqual([
    'a LOAD_UNSAFE_NA_CHECK',
    'a LOAD_UNUSED_LIST',
    'b LOAD_UNUSED_MACRO',
  ]);
});

describe('with all errors asked for', () => {
  const all = (text: string): readonly string[] =>
    loadRules([{ name: 'r', text }], { allErrors: true }).diagnostics.map(
      ({ code, line, message }) => `${line} ${code} ${message.slice(0, 30)}`,
    );

  it('goes on with the next item, macro and rule, and keeps quiet about what follows', () => {
    const text = `- list: l\n  items: x\n- macro: broken\n  condition: ka.verb=\n- macro: user\n  condition: broken\n${rule('user and broken')}${rule('ka.nope exists').replace('A', 'B')}${rule('(ka.verb=').replace('A', 'C')}- macro: unused\n  condition: ka.verb exists\n`;
    expect(all(text)).toEqual([
      "2 LOAD_ERR_YAML_VALIDATE 'items' must be a sequence",
      "4 LOAD_ERR_COMPILE_CONDITION expected a string after '=' (o",
      '15 LOAD_ERR_COMPILE_CONDITION there is no field ka.nope in t',
      "21 LOAD_ERR_COMPILE_CONDITION expected a string after '=' (o",
    ]);
  });

  it('gives up after fifty', () => {
    expect(all('- {list: l}\n'.repeat(80)).length).toBe(50);
  });

  it('says nothing new about files without errors', () => {
    expect(all(rule('ka.verb exists'))).toEqual([]);
  });
});
