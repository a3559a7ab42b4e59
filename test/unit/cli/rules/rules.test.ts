import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run } from '../../../../cli/program.ts';
import { runConditionCases } from '../../../../cli/rules/case.ts';
import { checkRules } from '../../../../cli/rules/check.ts';
import { explainEvents } from '../../../../cli/rules/explain.ts';
import { runRulesTests } from '../../../../cli/rules/test.ts';
import { loadRules, rulesDigest } from '../../../../shared/falco/engine/index.ts';

let folder: string;
const at = (name: string): string => join(folder, name);

const RULES = `- macro: made
  condition: ka.verb=create
- rule: Pod
  desc: d
  condition: made and not ka.target.resource in (secrets) and ka.user.name startswith a
  output: o
  priority: Notice
  source: k8s_audit
`;
const EVENT =
  '{"kind":"Event","auditID":"id-1","stage":"ResponseComplete","verb":"create","stageTimestamp":"2026-01-02T03:04:05Z","user":{"username":"ann"},"objectRef":{"resource":"pods"}}';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tiercel-rules-'));
  mkdirSync(at('empty-folder'));
  writeFileSync(at('a.yaml'), RULES);
  writeFileSync(at('b.yaml'), '- list: unused\n  items: [x]\n');
  writeFileSync(at('bad.yml'), '- macro: m\n  condition: ka.verb=\n');
  writeFileSync(
    at('a.test.yaml'),
    'rules: [a.yaml]\ncases:\n  - {name: a pod, event: {verb: create, user: {username: ann}}, expect: Pod}\n  - {name: another, event: {verb: get}, expect: Pod}\n',
  );
  writeFileSync(at('event.json'), EVENT);
  writeFileSync(
    at('events.ndjson'),
    `${EVENT}\n{"kind":"EventList","items":[${EVENT.replace('id-1', 'id-2').replace('pods', 'secrets')}]}\n`,
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

/** What a call writes, without the folder's name. */
async function written<T>(call: (out: Writable) => Promise<T>): Promise<{ text: string; result: T }> {
  let text = '';
  const out = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk);
      done();
    },
  });
  const result = await call(out);
  return { text: text.replaceAll(`${folder}/`, ''), result };
}

describe('rules check', () => {
  it('says what it loaded', async () => {
    expect(await written((out) => checkRules([at('a.yaml')], 'text', out))).toEqual({ text: '1 rule from 1 file\n', result: 'clean' });
  });

  it('shows warnings and errors where they are', async () => {
    expect(await written((out) => checkRules([at('a.yaml'), at('b.yaml')], 'text', out))).toEqual({
      result: 'warnings',
      text: [
        "b.yaml:1:9: warning LOAD_UNUSED_LIST: no condition or list refers to the list 'unused'",
        '  | - list: unused',
        '  |         ^^^^^^',
        '  Remove it, or refer to it from a condition or another list.',
        '',
        '1 rule from 2 files, 1 warning',
        '',
      ].join('\n'),
    });
    expect((await written((out) => checkRules([at('bad.yml')], 'text', out))).result).toBe('errors');
  });

  it('takes a folder for its rules files, without tests', async () => {
    const { text, result } = await written((out) => checkRules([folder], 'json', out));
    expect(result).toBe('errors');
    expect(JSON.parse(text)).toMatchObject({
      loads: false,
      diagnostics: [
        { level: 'error', code: 'LOAD_ERR_COMPILE_CONDITION', file: 'bad.yml', line: 2, column: 22 },
        { level: 'warning', code: 'LOAD_UNUSED_LIST', file: 'b.yaml' },
      ],
    });
  });

  it('says the digest by which Falco, the stage and the heartbeat know the rules, the heartbeat not counted', async () => {
    const digest = async (...files: string[]) => JSON.parse((await written((out) => checkRules(files, 'json', out))).text).digest;
    const heartbeat = at('empty-folder/heartbeat.yaml');
    writeFileSync(
      heartbeat,
      '- rule: Tiercel Heartbeat\n  desc: d\n  condition: ka.verb = get\n  output: o\n  priority: DEBUG\n  source: k8s_audit\n',
    );
    const { rules } = loadRules([{ name: 'a.yaml', text: readFileSync(at('a.yaml'), 'utf8') }]);
    expect(await digest(at('a.yaml'))).toBe(rulesDigest(rules));
    expect(await digest(at('a.yaml'), heartbeat)).toBe(rulesDigest(rules));
    expect(await digest(at('bad.yml'))).toBeNull();
    rmSync(heartbeat);
  });

  it('reports a file that is not there as Falco does', async () => {
    const { text, result } = await written((out) => checkRules([at('none.yaml')], 'json', out));
    expect(result).toBe('errors');
    expect(JSON.parse(text)).toMatchObject({
      loads: false,
      diagnostics: [{ code: 'LOAD_ERR_FILE_READ', file: 'none.yaml', line: 1, column: 1 }],
    });
  });

  it('prints SARIF', async () => {
    const { text } = await written((out) => checkRules([at('bad.yml')], 'sarif', out));
    expect(JSON.parse(text)).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { rules: [{ id: 'LOAD_ERR_COMPILE_CONDITION', defaultConfiguration: { level: 'error' } }] } },
          results: [
            {
              ruleId: 'LOAD_ERR_COMPILE_CONDITION',
              ruleIndex: 0,
              level: 'error',
              locations: [
                {
                  physicalLocation: {
                    artifactLocation: { uri: 'bad.yml' },
                    region: { startLine: 2, startColumn: 22, endLine: 2, endColumn: 23 },
                  },
                },
              ],
            },
          ],
        },
      ],
    });
  });

  it('prints workflow commands, escaped', async () => {
    const { text } = await written((out) => checkRules([at('a.yaml'), at('b.yaml')], 'github', out));
    expect(text).toMatch(
      /^::warning file=b\.yaml,line=1,col=9,endColumn=15,title=LOAD_UNUSED_LIST::no condition or list refers to the list 'unused'\. Remove it[^\n]*\n$/,
    );
  });
});

describe('rules test', () => {
  it('prints cases as they end, and counts them', async () => {
    expect(await written((out) => runRulesTests([folder], 'text', out))).toEqual({
      result: false,
      text: "a.test.yaml\n  ✓ a pod\n  ✗ another  (a.test.yaml:4)\n      'Pod' did not fire\n\n1 passed, 1 failed\n",
    });
  });

  it('prints JSON', async () => {
    const { text } = await written((out) => runRulesTests([at('a.test.yaml')], 'json', out));
    expect(JSON.parse(text)).toMatchObject({
      ok: false,
      passed: 1,
      failed: 1,
      cases: [
        { name: 'a pod', status: 'passed' },
        { line: 4, status: 'failed' },
      ],
    });
  });

  it('is no success when there is nothing to test', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'tiercel-none-'));
    expect(await written((out) => runRulesTests([empty], 'text', out))).toMatchObject({
      result: false,
      text: expect.stringContaining('no *.test.yaml file'),
    });
    rmSync(empty, { recursive: true });
  });
});

describe('rules case', () => {
  it('prints a verdict for each case, events found by cid', async () => {
    const event = (cid: string, more: string): string => `{"cid":"${cid}","auditID":"1","stageTimestamp":"2026-01-02T03:04:05Z"${more}}`;
    const file = {
      events: {
        one: event('A', ',"kind":"Event","verb":"get"'),
        list: `{"kind":"EventList","items":[${event('B', ',"verb":"list"')},${event('C', ',"verb":"watch"')}]}`,
        lost: `[${event('D', ',"kind":"Event","verb":"get"')},{"kind":"Nope"}]`,
      },
      cases: [
        { event: 'A', condition: 'ka.verb=get' },
        { event: 'A', condition: 'ka.verb=list' },
        { event: 'A', condition: 'ka.verb=' },
        { event: 'C', condition: 'ka.verb=watch and evt.num=2' },
        { event: 'D', condition: 'ka.verb=get' },
        { event: 'E', condition: 'ka.verb=get' },
      ],
    };
    writeFileSync(at('cases.json'), JSON.stringify(file));
    const { text } = await written((out) => runConditionCases(at('cases.json'), out));
    expect(text.trim().split('\n')).toEqual(['match', 'no-match', 'load-error', 'match', 'no-match', 'no-match']);
  });
});

describe('rules explain', () => {
  it('shows the condition with the value of each check', async () => {
    const { text, result } = await written((out) => explainEvents(at('events.ndjson'), 'Pod', [at('a.yaml')], { out, log: out }));
    expect(result).toBe(true);
    expect(text).toBe(
      [
        'Pod  a.yaml:3',
        '',
        'id-1 ResponseComplete create',
        'fires',
        '  ✓ and',
        '    ✓ made: ka.verb = create   is "create"',
        '    ✓ not',
        '      ✗ ka.target.resource in (secrets)   is "pods"',
        '    ✓ ka.user.name startswith a   is "ann"',
        '',
        'id-2 ResponseComplete create',
        'does not fire',
        '  ✗ and',
        '    ✓ made: ka.verb = create   is "create"',
        '    ✗ not',
        '      ✓ ka.target.resource in (secrets)   is "secrets"',
        '    · ka.user.name startswith a   is "ann"',
        '',
      ].join('\n'),
    );
  });

  it('names rules that may be meant', async () => {
    const { text, result } = await written((out) => explainEvents(at('event.json'), 'po', [at('a.yaml')], { out, log: out }));
    expect(result).toBe(false);
    expect(text).toBe("there is no rule 'po'; is one of these meant: Pod?\n");
  });
});

describe('exit codes', () => {
  it.each([
    [['rules', 'check', 'a.yaml'], 0],
    [['rules', 'check', 'a.yaml', 'b.yaml'], 2],
    [['rules', 'check', '--json', 'bad.yml'], 3],
    [['rules', 'check', 'none.yaml'], 3],
    [['rules', 'check', 'empty-folder'], 64],
    [['rules', 'check', '--format', 'html', 'a.yaml'], 64],
    [['rules', 'test', 'a.test.yaml'], 3],
    [['rules', 'test', 'none'], 64],
    [['rules', 'case', 'none.json'], 64],
    [['rules', 'case', 'event.json'], 64],
    [['rules', 'case', 'a.yaml'], 64],
    [['rules', 'explain', '--rules', 'a.yaml', '--rule', 'Pod', 'event.json'], 0],
    [['rules', 'explain', '--rules', 'bad.yml', '--rule', 'Pod', 'event.json'], 3],
  ])('%j: %i', async (words, code) => {
    const silent = [vi.spyOn(process.stdout, 'write').mockReturnValue(true), vi.spyOn(process.stderr, 'write').mockReturnValue(true)];
    const argv = words.map((word) => (/\.(ya?ml|json)$|^none$|^empty-folder$/.test(word) ? at(word) : word));
    try {
      expect(await run(argv)).toBe(code);
    } finally {
      for (const spy of silent) spy.mockRestore();
    }
  });
});
