import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { type Invocation, runFunction } from '../../../cli/lambda-runtime/function-process.ts';
import { unpackInto } from '../../../cli/lambda-runtime/package-folder.ts';

const root = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'tiercel-invoke-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a handler whose module has this text. */
async function run(module: string, { events = ['{}'], timeoutSeconds = 5 }: { events?: string[]; timeoutSeconds?: number } = {}) {
  const taskRoot = mkdtempSync(join(folder, 'task-'));
  writeFileSync(join(taskRoot, 'index.mjs'), module);
  const printed: string[] = [];
  const invocations: Invocation[] = [];
  const lambda = {
    name: 'tiercel-test-function',
    handler: 'index.handler',
    taskRoot,
    memoryMiB: 256,
    timeoutSeconds,
    environment: { GIVEN: 'by the stage' },
    region: 'eu-central-1',
    account: '111111111111',
  };
  for await (const invocation of runFunction(lambda, events, (chunk) => printed.push(chunk.toString()))) invocations.push(invocation);
  return { answers: invocations.map(({ answer }) => answer), invocations, printed: printed.join('') };
}

const resultOf = (answer: Invocation['answer'] | undefined): unknown => (answer?.kind === 'result' ? JSON.parse(answer.json) : answer);

describe('a function process', () => {
  it('answers one event after the other, in one process', async () => {
    const { answers } = await run('let calls = 0; export const handler = async (event) => ({ ...event, calls: ++calls });', {
      events: ['{"n":1}', '{"n":2}'],
    });
    expect(answers.map(resultOf)).toEqual([
      { n: 1, calls: 1 },
      { n: 2, calls: 2 },
    ]);
  });

  it('knows who it is and how much time is left, and nothing of its caller’s environment', async () => {
    process.env.TIERCEL_TEST_LEAK = 'seen';
    const { answers } = await run(
      `export const handler = async (event, context) => ({
        left: context.getRemainingTimeInMillis(), arn: context.invokedFunctionArn, id: context.awsRequestId,
        given: process.env.GIVEN, leak: process.env.TIERCEL_TEST_LEAK ?? null, memory: context.memoryLimitInMB,
        group: process.env.AWS_LAMBDA_LOG_GROUP_NAME, zone: new Date(0).getTimezoneOffset(), cwd: process.cwd() === process.env.LAMBDA_TASK_ROOT,
      });`,
      { timeoutSeconds: 60 },
    );
    delete process.env.TIERCEL_TEST_LEAK;
    const result = resultOf(answers[0]) as { left: number };
    expect(result).toMatchObject({
      arn: 'arn:aws:lambda:eu-central-1:111111111111:function:tiercel-test-function',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      given: 'by the stage',
      leak: null,
      memory: '256',
      group: '/aws/lambda/tiercel-test-function',
      zone: 0,
      cwd: true,
    });
    expect(result.left).toBeGreaterThan(30_000);
    expect(result.left).toBeLessThanOrEqual(60_000);
  });

  it('takes a callback, and keeps what is printed apart', async () => {
    const { answers, printed } = await run(
      `export const handler = (event, context, callback) => { console.log('to the log'); console.error('so is this'); setTimeout(callback, 5, null, 'done'); };`,
    );
    expect(resultOf(answers[0])).toBe('done');
    expect(printed).toContain('to the log');
    expect(printed).toContain('so is this');
  });

  it('hands on what is thrown, and goes on with the next event', async () => {
    const { answers } = await run(
      `export const handler = async ({ bad }) => { if (bad) throw new RangeError('too far'); return 'fine'; };`,
      { events: ['{"bad":true}', '{}'] },
    );
    expect(answers[0]).toMatchObject({ kind: 'error', json: expect.stringContaining('"errorType":"RangeError","errorMessage":"too far"') });
    expect(resultOf(answers[1])).toBe('fine');
  });

  it('is ended at its time-out, even when it never lets go', async () => {
    const { answers, invocations } = await run('export const handler = async () => { while (true); };', {
      events: ['{}', '{}'],
      timeoutSeconds: 0.4,
    });
    expect(answers).toEqual([{ kind: 'timed-out', seconds: 0.4 }]);
    expect(invocations[0]!.durationMs).toBeGreaterThanOrEqual(390);
  });

  it('says that a process ended before it answered', async () => {
    const { answers } = await run('export const handler = async () => process.exit(3);');
    expect(answers).toEqual([{ kind: 'crashed', exit: 'code 3' }]);
  });

  it.each([
    ['a module that throws', 'throw new Error("no such setting");', /no such setting/],
    ['no such export', 'export const other = 1;', /exports no function handler/],
  ])('says why it could not start: %s', async (_, module, message) => {
    const { answers } = await run(module);
    expect(answers).toEqual([{ kind: 'init-error', json: expect.stringMatching(message) }]);
  });
});

describe('tiercel invoke', () => {
  const invoke = async (...words: string[]) =>
    await promisify(execFile)(process.execPath, [join(root, 'cli/main.ts'), 'invoke', ...words], { cwd: root, timeout: 30_000 }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    );

  it('builds the function, prints the result alone, and leaves nothing behind', async () => {
    const { code, stdout, stderr } = await invoke('respond', 'events/respond/invoke.json', '--times', '2');
    expect(code, stderr).toBe(0);
    const [first, second] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(first.alerts).toMatchObject({ answered: 1, duplicate: 0 });
    expect(second.alerts).toMatchObject({ answered: 1, duplicate: 1 });
    expect(stderr).toMatch(/tiercel invoke: succeeded in [\d.]+ ms, start [\d.]+ ms/);
    expect(readdirSync(join(root, '.cache')).filter((name) => name.startsWith('invoke-'))).toEqual([]);
  });

  it('reads the object a notification names from the samples, and leaves it there', async () => {
    const { code, stdout, stderr } = await invoke('auditArchive', 'events/audit-archive/sqs.json');
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ batchItemFailures: [] });
    expect(stderr).toMatch(/"kind":"done","tally":\{"received":3,"delivered":3,/);
    expect(stderr).toContain('"rule":"Binding to cluster-admin Created or Changed"');
    expect(readdirSync(join(root, 'events/objects/tiercel-prod-audit-archive'), { recursive: true })).toHaveLength(6);
  });

  it('takes the folder’s name of a function, and exits with 1 when it fails', async () => {
    const { code, stdout, stderr } = await invoke('audit-stream', 'events/audit-stream/exec.json', '--env', 'DETECTION=nonsense');
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('it could not start: ConfigError');
  });

  it.each([
    [
      'a function that is not there',
      ['audit', 'events/respond/invoke.json'],
      /Expected one of auditStream, auditArchive, respond, .*got audit/,
    ],
    ['an event that is not there', ['respond', 'nowhere.json'], /cannot read nowhere\.json: no such file/],
    ['an event that is no JSON', ['respond', 'README.md'], /Expected README\.md to hold/],
    ['a stage that is not there', ['respond', 'events/respond/invoke.json', '--stage', 'moon'], /There is no stage "moon"/],
    ['an assignment without a name', ['respond', 'events/respond/invoke.json', '--env', 'x'], /Expected --env NAME=value, got "x"/],
    ['a package that is not there', ['respond', 'events/respond/invoke.json', '--package', 'nowhere'], /cannot read nowhere\/respond\.zip/],
  ])('exits with 64 for %s', async (_, words, message) => {
    const { code, stderr } = await invoke(...words);
    expect(stderr).toMatch(message);
    expect(code).toBe(64);
  });
});

describe('unpacking', () => {
  /** A zip file with one stored entry. */
  function zipOf(name: string, content: string): Buffer {
    const entry = (directory: boolean) => {
      const header = Buffer.alloc(directory ? 46 : 30);
      header.writeUInt32LE(directory ? 0x02014b50 : 0x04034b50, 0);
      header.writeUInt32LE(content.length, directory ? 20 : 18);
      header.writeUInt32LE(content.length, directory ? 24 : 22);
      header.writeUInt16LE(name.length, directory ? 28 : 26);
      return Buffer.concat([header, Buffer.from(name), directory ? Buffer.alloc(0) : Buffer.from(content)]);
    };
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt16LE(1, 10);
    end.writeUInt32LE(entry(false).length, 16);
    return Buffer.concat([entry(false), entry(true), end]);
  }

  it('writes entries below the folder', async () => {
    const zip = join(folder, 'good.zip');
    writeFileSync(zip, zipOf('a/b.txt', 'hello'));
    await unpackInto(join(folder, 'good'), zip);
    expect(readdirSync(join(folder, 'good/a'))).toEqual(['b.txt']);
  });

  it('writes nothing outside', async () => {
    const zip = join(folder, 'evil.zip');
    writeFileSync(zip, zipOf('../evil.txt', 'hello'));
    await expect(unpackInto(join(folder, 'evil'), zip)).rejects.toThrow(/"\.\.\/evil\.txt" lies outside/);
  });

  it('refuses what is no zip file', async () => {
    const zip = join(folder, 'text.zip');
    writeFileSync(zip, 'not a zip file at all');
    await expect(unpackInto(folder, zip)).rejects.toThrow(/to be a zip file made by `npm run package`/);
  });
});
