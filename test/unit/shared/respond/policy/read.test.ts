import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { actionCatalogue } from '../../../../../shared/respond/action/registry.ts';
import { formatFinding } from '../../../../../shared/respond/policy/finding.ts';
import { loadPolicies, PolicyError, readPolicies } from '../../../../../shared/respond/policy/read.ts';

const read = (text: string) => readPolicies([{ path: 'p.yaml', text }], actionCatalogue);
const messages = (text: string) => read(text).findings.map(({ line, column, message }) => `${line}:${column} ${message}`);

const NONSENSE = 'condition: expected a check such as `ka.verb = create`, got the word nonsense: policies have no macros';

describe('readPolicies', () => {
  it('fills in the cautious defaults', () => {
    const { set, findings } = read('- policy: a\n  description: d\n  match: {rules: [r]}\n  actions: [{action: delete-binding}]\n');
    expect(findings).toEqual([]);
    expect(set.policies[0]).toMatchObject({ mode: 'shadow', maxAge: '10m' });
  });

  it('lists everything that is wrong, each at its place', () => {
    const text = [
      '- policy: Bad Name',
      '  description: d',
      '  match: {}',
      '  actions: [{action: delete-everything}]',
      '  maxAge: soon',
      '- policy: fine',
      '  description: d',
      '  match: {rules: [r], color: red}',
      '  actions:',
      '    - action: delete-binding',
      '      with: {force: true}',
      '- policy: fine',
      '  description: d',
      '  mode: enforced',
      '  match: {rules: [r]}',
      '  actions: [{action: delete-everything}]',
      '- protect: {namespace: [x]}',
    ].join('\n');
    const nothing =
      'no action is named delete-everything; there are capture-evidence, delete-binding, delete-object, isolate-pod, label, notify';
    expect(messages(text)).toEqual([
      '1:11 policy: expected lower-case letters, digits and hyphens, at most 63',
      '3:10 match: expected at least one thing to match by: an empty match would take every alert',
      `4:22 ${nothing}`,
      '5:11 maxAge: expected a duration such as 90s, 15m, 24h or 7d',
      '8:23 match: unrecognized key: "color"',
      '11:14 parameters of delete-binding: unrecognized key: "force"',
      '12:11 a policy named fine stands in p.yaml already; names are unique',
      '14:9 mode: invalid option: expected one of "off"|"shadow"|"enforce"',
      `16:22 ${nothing}`,
      '17:13 protect: unrecognized key: "namespace"',
    ]);
    expect(read(text).set.policies).toEqual([]);
  });

  it('is not kept from one fault by another in the same policy', () => {
    const text = [
      '- policy: a',
      '  mode: on',
      '  match: {condition: "ka.verb ==", source: ""}',
      '  unsigned: allow',
      '  ttl: 1h',
      '  approval: {within: 1h, by: me}',
      '  actions:',
      '    - {action: delete-binding, with: 1}',
      '    - {action: delete-binding}',
      '    - {acton: label}',
      '    - {action: label, with: {resources: [Pods]}}',
      '  notify: {channels: [A], on: [done]}',
    ].join('\n');
    expect(messages(text)).toEqual([
      '1:3 description: is missing',
      '2:9 mode: invalid option: expected one of "off"|"shadow"|"enforce"',
      expect.stringMatching(/^3:3\d condition: /),
      expect.stringMatching(/^3:4\d match.source: too small/),
      '6:13 approval: expected exactly one action that changes something in the cluster: an approval is for one thing, and the others do not wait for it',
      '6:26 approval: unrecognized key: "by"',
      '8:16 delete-binding cannot be taken back by respond, so it cannot have a ttl',
      expect.stringMatching(/^8:38 actions.0.with: invalid input: expected record/),
      '9:16 expected each action at most once: one happening leads to an action once',
      '9:16 delete-binding cannot be taken back by respond, so it cannot have a ttl',
      '10:7 actions.2.action: is missing',
      '10:8 actions.2: unrecognized key: "acton"',
      '11:29 parameters of label: expected at least one label or annotation',
      '11:42 parameters of label: resources.0: expected a plural resource with its group, such as pods or deployments.apps',
      '12:23 notify.channels.0: expected the name of a channel: lower-case letters, digits and hyphens',
    ]);
  });

  it('points at the key that is none', () => {
    const text =
      '- policy: a\n  description: d\n  match: {rules: [r]}\n  actions: [{action: label, with: {resources: [pods], labels: {ok: x, "bad key": y}}}]\n';
    expect(messages(text)).toEqual(['4:71 parameters of label: labels.bad key: expected a key such as team or example.com/team']);
  });

  it('names the road of unsigned alerts', () => {
    const policy = (match: string) =>
      `- policy: a\n  description: d\n  match: ${match}\n  actions: [{action: isolate-pod}]\n  unsigned: allow\n`;
    expect(messages(policy('{source: syscall}'))).toEqual([]);
    expect(messages(policy('{rules: [r]}'))).toEqual([
      '5:13 expected `match.source` beside `unsigned: allow`: name the one road that is trusted',
    ]);
  });

  it.each<[string, string[], string, string?]>([
    ['plain', ['  match: {condition: ka.verb = create and nonsense}'], '3:43'],
    ['quoted', [`  match: {condition: 'ka.verb = "x''y" and nonsense'}`], '3:44'],
    ['with a wide letter', ['  match: {condition: "ka.verb = ä and nonsense"}'], '3:39'],
    [
      'unfinished',
      ['  match:', '    condition: ka.verb = create and (ka.verb = get', '    source: s'],
      '4:51',
      "condition: expected ')' to close the parenthesis, found the end of the condition",
    ],
    ['over lines', ['  match:', '    condition: ka.verb = create', '      and nonsense'], '5:11'],
    ['folded', ['  match:', '    condition: >-', '      ka.verb = create', '      and ( nonsense )'], '6:13'],
    ['literal', ['  match:', '    condition: |', '', '      ka.verb = create and', '        nonsense'], '7:9'],
    ['escaped, where only its start is known', ['  match: {condition: "\\u006ba.verb = create and nonsense"}'], '3:22'],
  ])('points into a condition that is %s', (_name, match, place, message = NONSENSE) => {
    const text = ['- policy: a', '  description: d', ...match, '  actions: [{action: isolate-pod}]', ''].join('\n');
    expect(messages(text)).toEqual([`${place} ${message}`]);
  });

  it('checks actions and their parameters, and that names are unique', () => {
    const policy = (name: string, action: string) =>
      `- policy: ${name}\n  description: d\n  match: {rules: [r]}\n  actions:\n    - action: ${action}\n`;
    expect(messages(policy('a', 'delete-everything'))).toEqual([
      '5:15 no action is named delete-everything; there are capture-evidence, delete-binding, delete-object, isolate-pod, label, notify',
    ]);
    expect(messages(`${policy('a', 'delete-binding')}      with: {force: true}\n`)).toEqual([
      '6:14 parameters of delete-binding: unrecognized key: "force"',
    ]);
    expect(messages(policy('a', 'delete-binding') + policy('a', 'delete-binding'))).toEqual([
      '6:11 a policy named a stands in p.yaml already; names are unique',
    ]);
  });

  it('lets a person be asked about exactly one change, whatever is kept or told beside it', () => {
    const policy = (...actions: string[]) =>
      `- policy: a\n  description: d\n  match: {rules: [r]}\n  approval: {within: 1h}\n  actions:\n${actions.map((action) => `    - ${action}\n`).join('')}`;
    const [capture, isolate, binding, tell] = [
      'action: capture-evidence',
      'action: isolate-pod',
      'action: delete-binding',
      'action: notify\n      with: {channels: [c]}',
    ];
    expect(messages(policy(capture!, tell!, isolate!))).toEqual([]);
    const fault = [
      '4:13 approval: expected exactly one action that changes something in the cluster: an approval is for one thing, and the others do not wait for it',
    ];
    expect(messages(policy(isolate!, binding!))).toEqual(fault);
    expect(messages(policy(capture!))).toEqual(fault);
  });

  it('knows who is told of what: a list, or a choice of outcomes', () => {
    const policy = (notify: string) =>
      `- policy: a\n  description: d\n  match: {rules: [r]}\n  actions: [{action: isolate-pod}]\n  notify: ${notify}\n`;
    expect(read(policy('[security]')).set.policies[0]?.notify).toEqual({
      channels: ['security'],
      on: ['awaiting-approval', 'done', 'failed', 'undone'],
    });
    expect(read(policy('{channels: [a, b], on: [planned]}')).set.policies[0]?.notify).toEqual({ channels: ['a', 'b'], on: ['planned'] });
    for (const notify of ['[]', '[https://hooks.example]', '[a, a]', '{channels: [a], on: [open]}', '{channels: [a], on: []}'])
      expect(messages(policy(notify)), notify).not.toEqual([]);
  });

  it('never lets evidence be a secret, nor a message name what a request held', () => {
    const policy = (action: string, parameters: string) =>
      `- policy: a\n  description: d\n  match: {rules: [r]}\n  actions: [{action: ${action}, with: ${parameters}}]\n`;
    expect(messages(policy('capture-evidence', '{resources: [secrets]}')).join()).toContain('secrets are never read');
    expect(messages(policy('notify', '{channels: [c], text: "{ka.user.name} did {ka.verb}, {rule}"}'))).toEqual([]);
    for (const place of ['{ka.req.configmap.obj}', '{ka.uri.param[command]}', '{output}', '{}', '{ka.verb'])
      expect(messages(policy('notify', `{channels: [c], text: "say ${place}"}`)), place).not.toEqual([]);
  });

  it('tells fields that no alert has, where it knows them', () => {
    const text =
      '- policy: a\n  description: d\n  match: {condition: not ka.taget.name = x and ka.verb = get}\n  actions: [{action: isolate-pod}]\n';
    expect(messages(text)).toEqual([]);
    const { findings } = readPolicies([{ path: 'p.yaml', text }], actionCatalogue, (name) => name !== 'ka.taget.name');
    expect(findings.map(({ line, column, message }) => [line, column, message])).toEqual([
      [3, 26, 'condition: no alert has a field ka.taget.name, so this never matches'],
    ]);
  });

  it('points with a caret', () => {
    const [finding] = read('- policy: A\n  description: d\n  match: {rules: [r]}\n  actions: [{action: delete-binding}]\n').findings;
    expect(formatFinding(finding!)).toBe(
      'p.yaml:1:11: policy: expected lower-case letters, digits and hyphens, at most 63\n  - policy: A\n            ^',
    );
  });

  it.each(['', 'policy: x', '- [', '- policy: x\n  policy: y', '&a [*a]', '- 1'])('finds fault with %j instead of throwing', (text) => {
    expect(read(text).findings.length).toBeGreaterThan(0);
    expect(() => loadPolicies([{ path: 'p.yaml', text }], actionCatalogue)).toThrow(PolicyError);
  });
});

it('the shipped policies are sound, and all in shadow', () => {
  const folder = resolve(import.meta.dirname, '../../../../../rules/respond');
  const files = readdirSync(folder)
    .filter((name) => /(?<!\.test)\.yaml$/.test(name))
    .map((name) => ({ path: name, text: readFileSync(resolve(folder, name), 'utf8') }));
  const set = loadPolicies(files, actionCatalogue);
  expect(set.policies.length).toBeGreaterThan(0);
  expect(set.policies.every(({ mode }) => mode === 'shadow')).toBe(true);
});
