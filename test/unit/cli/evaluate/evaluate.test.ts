import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EvaluateOptions, evaluateFiles } from '../../../../cli/evaluate/evaluate.ts';
import { type SelectOptions, selectFiles } from '../../../../cli/evaluate/select.ts';
import { LineWriter } from '../../../../cli/evaluate/writer.ts';

const RULES = `
- rule: Made
  desc: d
  condition: ka.verb = create
  output: made by %ka.user.name
  priority: INFO
  source: k8s_audit
- rule: By Alice
  desc: d
  condition: ka.user.name = alice
  output: hers
  priority: WARNING
  source: k8s_audit
`;
const event = (verb: string, user: string) =>
  `{"kind":"Event","auditID":"1","verb":"${verb}","user":{"username":"${user}"},"stageTimestamp":"2026-01-02T03:04:05Z"}`;

let folder: string;
const inFolder = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tiercel-evaluate-'));
  writeFileSync(inFolder('rules.yaml'), RULES);
  writeFileSync(
    inFolder('broken.yaml'),
    `${RULES}- rule: Bad\n  desc: d\n  condition: ka.verb = \n  output: o\n  priority: INFO\n  source: k8s_audit\n`,
  );
  writeFileSync(
    inFolder('events.ndjson'),
    [event('create', 'alice'), event('get', 'bob'), event('get', 'alice'), '{"kind":"Event"}', event('create', 'bob')].join('\n'),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(
  command: 'evaluate' | 'select',
  options: Partial<EvaluateOptions & SelectOptions> = {},
  files = ['events.ndjson'],
  stdin = '',
) {
  const out = new PassThrough();
  let log = '';
  const streams = { out, log: { write: (text: string) => (log += text) }, stdin: new PassThrough().end(stdin) };
  const all = { ruleMatching: 'first' as const, rules: [inFolder('rules.yaml')], ...options };
  const paths = files.map((file) => (file === '-' ? file : inFolder(file)));
  const printed = out.toArray();
  const outcome = await (command === 'evaluate' ? evaluateFiles(paths, all, streams) : selectFiles(paths, all, streams));
  out.end();
  const lines = Buffer.concat((await printed) as Buffer[])
    .toString()
    .split('\n')
    .filter((line) => line !== '');
  return { outcome, lines, log };
}

describe('evaluate', () => {
  it('prints an alert a line, names what Falco would not take, and goes on', async () => {
    const { outcome, lines, log } = await run('evaluate', { ruleMatching: 'all' });
    expect(lines.map((line) => JSON.parse(line).rule)).toEqual(['Made', 'By Alice', 'By Alice', 'Made']);
    expect(outcome).toBe('broken');
    expect(log).toContain('events.ndjson:4: this event has no stageTimestamp');
  });

  it('leaves out what is less urgent, and stops at the first', async () => {
    expect((await run('evaluate', { priority: 'Warning' })).lines.length).toBe(2);
    expect((await run('evaluate')).lines.length).toBe(3);
  });

  it('reads standard input and adds outputs', async () => {
    writeFileSync(inFolder('append.yaml'), 'append_output: [{match: {source: k8s_audit}, extra_fields: [ka.verb]}]');
    const { outcome, lines } = await run('evaluate', { appendOutput: inFolder('append.yaml') }, ['-'], event('create', 'bob'));
    expect(outcome).toBe('done');
    expect(JSON.parse(lines[0]!).output_fields).toMatchObject({ 'ka.verb': 'create', 'ka.user.name': 'bob' });
  });

  it('evaluates nothing when the rules do not load, and says where and why', async () => {
    const { outcome, lines, log } = await run('evaluate', { rules: [inFolder('rules.yaml'), inFolder('broken.yaml')] });
    expect([outcome, lines]).toEqual(['no rules', []]);
    expect(log).toMatch(/broken\.yaml:16:\d+: error LOAD_ERR_COMPILE_CONDITION/);
  });

  it('counts what was read, kept, dropped and raised', async () => {
    const { log } = await run('evaluate', { stats: true });
    expect(log).toMatch(/events +5 /);
    expect(log).toMatch(/dropped, no rule can match +1 /);
    expect(log).toMatch(/alerts +3/);
    expect(log).toMatch(/ {2}Made +2/);
  });

  it('says which file cannot be read', async () => {
    await expect(run('evaluate', {}, ['nowhere.ndjson'])).rejects.toThrow('nowhere.ndjson');
    await expect(run('evaluate', { rules: [inFolder('nowhere.yaml')] })).rejects.toThrow('nowhere.yaml');
  });
});

describe('select', () => {
  it('prints what a rule may match, untouched and one a line', async () => {
    const spaced = event('create', 'bob').replace('"auditID":"1"', '"auditID":"1","n":1.50,\n "s":"\\u003c"');
    const { outcome, lines, log } = await run('select', { stats: true }, ['events.ndjson', '-'], spaced);
    expect(lines).toEqual([event('create', 'alice'), event('get', 'alice'), event('create', 'bob'), spaced.replace('\n ', '')]);
    expect(outcome).toBe('done');
    expect(log).toMatch(/dropped, no rule can match +2 /);
    expect(log).toContain('shown by');
  });

  it('keeps everything, and says why, when a rule counts events', async () => {
    writeFileSync(inFolder('counting.yaml'), RULES.replace('hers', 'hers %evt.num'));
    const { lines, log } = await run('select', { rules: [inFolder('counting.yaml')], stats: true });
    expect(lines.length).toBe(5);
    expect(log).toContain('the output of rule By Alice prints evt.num');
  });
});

describe('the writer', () => {
  it('waits for a slow reader and gives up on one that has gone', async () => {
    const taken: string[] = [];
    const slow = new Writable({
      highWaterMark: 1,
      write: (chunk, _, done) => {
        taken.push(String(chunk));
        setTimeout(done, 5);
      },
    });
    const writer = new LineWriter(slow);
    for (let i = 0; i < 20; i++) {
      writer.text(`${i}`);
      await writer.flush();
      expect(slow.writableLength).toBe(0);
    }
    expect(taken.join('')).toBe(Array.from({ length: 20 }, (_, i) => `${i}\n`).join(''));
    expect(slow.listenerCount('drain') + slow.listenerCount('close')).toBe(0);

    const gone = new Writable({ write: (_, __, done) => done(Object.assign(new Error('gone'), { code: 'EPIPE' })) });
    const left = new LineWriter(gone);
    for (let i = 0; i < 3; i++) {
      left.text('x'.repeat(100_000));
      await left.pause();
    }
    const failing = new Writable({ write: (_, __, done) => done(Object.assign(new Error('disk full'), { code: 'ENOSPC' })) });
    const told = new LineWriter(failing);
    const write = async () => {
      for (let i = 0; i < 3; i++) {
        told.text('x');
        await told.flush();
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await expect(write()).rejects.toThrow('disk full');
  });
});
