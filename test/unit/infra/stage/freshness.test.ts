import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deployment } from '../../../../infra/stage/deployment.ts';
import { freshnessProblems, type PolicyAge, readPolicyAges } from '../../../../infra/stage/freshness.ts';
import { parseStage, readStage } from '../../../../infra/stage/read.ts';
import { durationMs, policySchema } from '../../../../shared/respond/policy/schema.ts';

const POLICIES = resolve(import.meta.dirname, '../../../../rules/respond');

const HEAD = "account: '111111111111'\nregion: eu-central-1\nlogRetentionDays: 30\n";
const FALCO = `${HEAD}detection: falco\nfalco: { url: 'https://f/k' }\n`;
const EMBEDDED = `${HEAD}detection: embedded\n`;
const policy = (maxAge: string, more: Partial<PolicyAge> = {}): PolicyAge => ({ policy: 'p', mode: 'enforce', maxAge, match: {}, ...more });
const problems = (text: string, ...policies: PolicyAge[]) => freshnessProblems(parseStage('s.yml', text), policies);

describe('a stage whose events come too late for a policy', () => {
  it('is told the numbers and what to change', () => {
    expect(problems(`${FALCO}clusters: [{ name: a, path: archive, firehoseBufferSeconds: 900, heartbeat: false }]`, policy('10m'))).toEqual(
      [
        {
          path: ['clusters', 0, 'firehoseBufferSeconds'],
          message:
            'events of a may take 1230 s to respond (CloudWatch Logs 180 + Firehose buffer 900 + S3 and SQS 60 + Falco 30 + respond 60), but policy p acts on nothing older than 10m; lower firehoseBufferSeconds to 270, or raise its maxAge to 21m',
        },
      ],
    );
  });

  it.each([
    ['lower firehoseBufferSeconds to 270', `${FALCO}clusters: [{ name: a, path: archive, firehoseBufferSeconds: 270 }]`, '10m'],
    ['raise its maxAge to 21m', `${FALCO}clusters: [{ name: a, path: archive, firehoseBufferSeconds: 900, heartbeat: false }]`, '21m'],
    ['the defaults', `${FALCO}clusters: [{ name: a, path: archive }, { name: b }, { name: c, path: stream+store }]`, '10m'],
    ['a buffer that nobody waits for', `${FALCO}clusters: [{ name: a, path: stream+store, firehoseBufferSeconds: 900 }]`, '10m'],
    ['no Falco to wait for', `${EMBEDDED}clusters: [{ name: a }]`, '4m'],
    ['a mode in which nothing is planned', `${FALCO}mode: off\nclusters: [{ name: a }]`, '1s'],
  ])('is fine again with %s', (_, text, maxAge) => {
    expect(problems(text, policy(maxAge))).toEqual([]);
  });

  it('may have no buffer left to lower', () => {
    expect(problems(`${FALCO}clusters: [{ name: a, path: archive }]`, policy('5m'))[0]?.message).toMatch(
      /use path: stream, or raise its maxAge to 7m$/,
    );
    expect(problems(`${FALCO}clusters: [{ name: a }]`, policy('1m'))[0]).toMatchObject({
      path: ['clusters', 0, 'path'],
      message: expect.stringMatching(/270 s .*; raise its maxAge to 5m$/),
    });
    const patient = FALCO.replace("k'", "k', requestTimeoutMs: 800000");
    expect(problems(`${patient}clusters: [{ name: a }]`, policy('10m'))[0]?.message).toMatch(
      /Falco 800 .*lower falco\.requestTimeoutMs, or/,
    );
  });

  it('is asked about the policies that concern it only', () => {
    const text = `${FALCO}clusters: [{ name: a }, { name: b }]`;
    expect(problems(text, policy('1m', { mode: 'off' }))).toEqual([]);
    expect(problems(text, policy('1m', { match: { source: 'syscall' } }))).toEqual([]);
    expect(problems(text, policy('1m', { match: { clusters: ['b'] } })).map(({ path }) => path[1])).toEqual([1]);
    // Shadow must show what enforce would do.
    expect(problems(text, policy('1m', { mode: 'shadow' }))).toHaveLength(2);
  });

  it('must believe a key for as long as a policy believes an event', () => {
    expect(problems(`${FALCO}macKeyRotationDays: 1`, policy('2d'))).toEqual([
      { path: ['macKeyRotationDays'], message: expect.stringMatching(/as old as 2d, .* for 1 d after/) },
    ]);
    expect(problems(FALCO, policy('7d'))).toEqual([]);
  });

  it('is not deployed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tiercel-stages-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'late.yml'), `${FALCO}clusters: [{ name: a, path: archive, firehoseBufferSeconds: 900, heartbeat: false }]`);
    expect(() => readStage('late', folder)).toThrow(
      /late\.yml cannot be deployed.*\n {2}- clusters\.0\.firehoseBufferSeconds: events of a may take 1230 s/,
    );
  });
});

describe('what is read of policies', () => {
  it('is what respond reads', () => {
    const ages = readPolicyAges(POLICIES);
    expect(ages.length).toBeGreaterThan(2);
    const bare = policySchema.parse({ policy: 'p', description: 'd', match: { rules: ['r'] }, actions: [{ action: 'label-pod' }] });
    const folder = mkdtempSync(join(tmpdir(), 'tiercel-policies-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'p.yaml'), '- { policy: p }\n- { protect: { names: [x] } }\n');
    writeFileSync(join(folder, 'p.test.yaml'), '- { policy: not-this }\n');
    const [read, ...others] = readPolicyAges(folder);
    expect(others).toEqual([]);
    expect(read).toMatchObject({ mode: bare.mode, maxAge: bare.maxAge });
    for (const { maxAge } of ages) expect(durationMs(maxAge)).toBeGreaterThan(0);
  });
});

describe('Firehose', () => {
  it('gathers for as long as the cluster says, a minute by default', () => {
    const text = `${EMBEDDED}clusters: [{ name: a, path: archive }, { name: b, path: archive, firehoseBufferSeconds: 120 }]`;
    const { archives } = deployment({ name: 'test', ...parseStage('s.yml', text) });
    const buffers = [...JSON.stringify(archives.Resources).matchAll(/"IntervalInSeconds":(\d+)/g)].map(([, seconds]) => Number(seconds));
    expect(buffers).toEqual([60, 120]);
  });
});
