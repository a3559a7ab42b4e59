import { describe, expect, it } from 'vitest';
import { type CaseResult, junitReport, runTestFile, type TesterFiles, tally } from '../../../../../../shared/falco/engine/tester/index.ts';

/** A file system in a record. */
function filesOf(contents: Readonly<Record<string, string>>): TesterFiles {
  return {
    read: (path) => (path in contents ? Promise.resolve(contents[path]!) : Promise.reject(new Error(`no file ${path}`))),
    list: () => Promise.resolve(Object.keys(contents)),
    join: (_folder, name) => name,
    folderOf: () => '.',
    nameOf: (path) => path,
  };
}

const RULES = `
- macro: done
  condition: ka.stage=ResponseComplete
- rule: Pod
  desc: d
  condition: done and ka.verb=create and ka.target.resource=pods
  output: "%ka.user.name made %ka.target.name (%ka.response.code %ka.user.groups)"
  priority: Notice
  source: k8s_audit
- rule: Off
  desc: d
  condition: done
  output: o
  priority: Debug
  source: k8s_audit
  enabled: false
`;
const OTHER = `
- rule: Anything
  desc: d
  condition: ka.verb exists
  output: o
  priority: Debug
  source: k8s_audit
`;
const EVENTS =
  'events:\n  made: {verb: create, user: {username: ann, groups: [a]}, objectRef: {resource: pods, name: web}, responseStatus: {code: 201}}\n';

async function results(test: string, more: Readonly<Record<string, string>> = {}): Promise<CaseResult[]> {
  const files = filesOf({ 'pods.yaml': RULES, 'other.yaml': OTHER, 'pods.test.yaml': test, ...more });
  const all: CaseResult[] = [];
  for await (const result of runTestFile('pods.test.yaml', files, () => 0)) all.push(result);
  return all;
}

/** Status and messages of the one case. */
async function one(body: string, head = EVENTS): Promise<readonly string[]> {
  const [result, ...others] = await results(`${head}cases:\n  - ${body.replaceAll('\n', '\n    ')}\n`);
  expect(others).toEqual([]);
  return [result!.status, ...result!.messages];
}

describe('a case', () => {
  it('passes when exactly the expected rules fire', async () => {
    expect(await one('name: n\nevent: made\nexpect: Pod')).toEqual(['passed']);
    expect(await one('name: n\nevent: made\npatch: {verb: get}\nexpect: none')).toEqual(['passed']);
    expect(await one('name: n\nevent: made\nexpect: []\npatch: {verb: get}')).toEqual(['passed']);
  });

  it('fails when one is missing, or one too many fires', async () => {
    expect(await one('name: n\nevent: made\npatch: {verb: get}\nexpect: Pod')).toEqual(['failed', "'Pod' did not fire"]);
    expect(await one('name: n\nevent: made\nexpect: none')).toEqual([
      'failed',
      expect.stringContaining("'Pod' fired unexpectedly: 03:04:05"),
    ]);
  });

  it('says why a rule could not fire', async () => {
    expect(await one('name: n\nevent: made\npatch: {verb: get}\nexpect: [Pot, Off, Anything]')).toEqual([
      'failed',
      "there is no rule 'Pot'",
      "the rule 'Off' is disabled: switch it on under 'enable:'",
      "the rule 'Anything' does not count here: add it under 'only:'",
    ]);
  });

  it('compares fields and output', async () => {
    expect(
      await one(
        'name: n\nevent: made\nexpect: Pod\nfields: {ka.user.name: ann, ka.response.code: 201, ka.user.groups: [a]}\noutput: ann made',
      ),
    ).toEqual(['passed']);
    expect(
      await one('name: n\nevent: made\nexpect: Pod\nfields: {ka.user.name: bob, ka.nope: x, ka.user.groups: a}\noutput: nothing'),
    ).toEqual([
      'failed',
      '\'Pod\': ka.user.name is "ann", expected "bob"',
      expect.stringContaining("'Pod' has no field ka.nope; it has evt.time"),
      '\'Pod\': ka.user.groups is ["a"], expected "a"',
      expect.stringContaining('the output does not contain "nothing"'),
    ]);
  });

  it('compares alert by alert where several are expected', async () => {
    const head = `only: [Pod, Anything]\n${EVENTS}`;
    expect(
      await one(
        'name: n\nevent: made\npatch: {objectRef: {name: null}}\nexpect:\n  Pod: {fields: {ka.target.name: null}, priority: notice}\n  Anything:',
        head,
      ),
    ).toEqual(['passed']);
  });

  it('takes an event Falco would not take for rejected', async () => {
    expect(await one('name: n\nevent: made\npatch: {stageTimestamp: null}\nexpect: rejected')).toEqual(['passed']);
    expect(await one('name: n\nevent: made\npatch: {stageTimestamp: null}\nexpect: none')).toEqual([
      'failed',
      'Falco would not take the event: timestamp',
    ]);
    expect(await one('name: n\nevent: made\nexpect: rejected')).toEqual(['failed', 'Falco would take the event']);
  });

  it('takes events inline, from files, and as exact text', async () => {
    const file = { 'e.json': '{"verb":"create","objectRef":{"resource":"pods"}}' };
    const status = async (event: string): Promise<string> =>
      (await results(`cases: [{name: n, event: ${event}, expect: Pod}]`, file))[0]!.status;
    expect(await status('{verb: create, objectRef: {resource: pods}}')).toBe('passed');
    expect(await status('e.json')).toBe('passed');
    const raw =
      '{"auditID":"1","stage":"ResponseComplete","verb":"create","verb":"get","stageTimestamp":"2026-01-02T03:04:05Z","objectRef":{"resource":"pods"}}';
    expect(await status(`{raw: '${raw}'}`)).toBe('passed');
    expect(await status("{raw: '{}'}")).toBe('failed');
    expect(await status('missing.json')).toBe('broken');
    expect(await status('missing')).toBe('broken');
  });

  it('is todo until it holds', async () => {
    expect(await one('name: n\ntodo: later\nevent: made\nexpect: none')).toEqual(['todo', 'later']);
    expect(await one('name: n\ntodo: later')).toEqual(['todo', 'later']);
    expect(await one('name: n\ntodo: later\nevent: made\nexpect: Pod')).toEqual(['failed', 'it holds now: remove its todo («later»)']);
  });

  it('runs rules that are switched on for the test', async () => {
    expect(await one('name: n\nevent: made\nexpect: [Pod, Off]', `enable: [Off]\n${EVENTS}`)).toEqual(['passed']);
  });
});

describe('which rules count', () => {
  const all = 'cases: [{name: n, event: {verb: get}, expect: Anything}]';

  it('those of the file with the name of the test', async () => {
    expect((await results(all))[0]!.messages).toEqual(["the rule 'Anything' does not count here: add it under 'only:'"]);
  });

  it('all of the files that are named', async () => {
    expect(await results(`rules: [other.yaml]\n${all}`)).toMatchObject([{ status: 'passed' }]);
  });
});

describe('a file that cannot be run', () => {
  it.each([
    ['broken YAML', 'cases: [', /^pods\.test\.yaml:\d+: /],
    ['no cases', 'events: {}', /cases/],
    ['a key nobody knows', 'case: []\ncases: [{name: n, todo: t}]', /case/],
    [
      'a case without an expectation',
      'cases:\n  - name: a\n    todo: t\n  - name: n\n    event: {}\n',
      /^pods\.test\.yaml:4: cases\.1: a case needs 'event' and 'expect'/,
    ],
    ['fields without one rule', 'cases: [{name: n, event: {}, expect: none, fields: {}}]', /exactly one/],
    ['an unknown rule under only', 'only: [Pot]\ncases: [{name: n, todo: t}]', /no rule 'Pot'/],
    ['a rules file that is not there', 'rules: [x.yaml]\ncases: [{name: n, todo: t}]', /no file x\.yaml/],
  ])('%s', async (_name, text, message) => {
    const [result, ...others] = await results(text);
    expect(others).toEqual([]);
    expect(result).toMatchObject({ status: 'broken', file: 'pods.test.yaml' });
    expect(result!.messages[0]).toMatch(message);
  });

  it('rules that do not load', async () => {
    const [result] = await results('rules: [bad.yaml]\ncases: [{name: n, todo: t}]', { 'bad.yaml': '- macro: m\n  condition: ka.verb=\n' });
    expect(result!.messages[0]).toContain('bad.yaml:2:22: error LOAD_ERR_COMPILE_CONDITION');
  });
});

it('reports to JUnit what XML can hold', () => {
  const result = (status: CaseResult['status'], messages: readonly string[]): CaseResult => ({
    file: 'a.test.yaml',
    line: 3,
    name: `<${status}> & "co"`,
    status,
    messages,
    durationMs: 1500,
  });
  const all = [result('passed', []), result('failed', ['1 < 2\u0000', 'more']), result('todo', ['later']), result('broken', ['no file'])];
  expect(tally(all)).toEqual({ passed: 1, failed: 1, broken: 1, todo: 1 });
  expect(junitReport(all)).toBe(
    [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<testsuites tests="4" failures="1" errors="1" skipped="1" time="6.000">',
      '  <testsuite name="a.test.yaml" tests="4" failures="1" errors="1" skipped="1" time="6.000">',
      '    <testcase name="&lt;passed&gt; &amp; &quot;co&quot;" classname="a.test.yaml" file="a.test.yaml" line="3" time="1.500"/>',
      '    <testcase name="&lt;failed&gt; &amp; &quot;co&quot;" classname="a.test.yaml" file="a.test.yaml" line="3" time="1.500">',
      '      <failure message="1 &lt; 2\ufffd">1 &lt; 2\ufffd&#10;more</failure>',
      '    </testcase>',
      '    <testcase name="&lt;todo&gt; &amp; &quot;co&quot;" classname="a.test.yaml" file="a.test.yaml" line="3" time="1.500">',
      '      <skipped message="later">later</skipped>',
      '    </testcase>',
      '    <testcase name="&lt;broken&gt; &amp; &quot;co&quot;" classname="a.test.yaml" file="a.test.yaml" line="3" time="1.500">',
      '      <error message="no file">no file</error>',
      '    </testcase>',
      '  </testsuite>',
      '</testsuites>',
      '',
    ].join('\n'),
  );
});
