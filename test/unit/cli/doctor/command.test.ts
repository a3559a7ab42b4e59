import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../../..');

/** Without credentials, and with nobody at the addresses where they might be had. */
const tiercel = async (...words: string[]) =>
  await promisify(execFile)(process.execPath, ['cli/main.ts', 'doctor', ...words], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: '/nonexistent', AWS_EC2_METADATA_DISABLED: 'true' },
  }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );

describe('tiercel doctor', () => {
  it('prints the policy it needs, and asks nothing for it', async () => {
    const { code, stdout } = await tiercel('--stage', 'prod', '--check', 'tables', '--check', 'queues', '--iam-policy');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'Queues',
          Effect: 'Allow',
          Action: ['sqs:GetQueueAttributes', 'sqs:GetQueueUrl'],
          Resource: ['arn:aws:sqs:eu-central-1:333333333333:tiercel-prod-*'],
        },
        {
          Sid: 'Tables',
          Effect: 'Allow',
          Action: ['dynamodb:DescribeContinuousBackups', 'dynamodb:DescribeTable', 'dynamodb:DescribeTimeToLive'],
          Resource: ['idempotency', 'checkpoints', 'journal', 'heartbeats'].map(
            (name) => `arn:aws:dynamodb:eu-central-1:333333333333:table/tiercel-prod-${name}`,
          ),
        },
      ],
    });
  });

  it.each([
    ['no stage', [], /required option '--stage <name>'/],
    ['a stage that is not there', ['--stage', 'moon'], /There is no stage "moon"/],
    ['a stage that is not deployed', ['--stage', 'local'], /Stage local is not deployed anywhere/],
    ['a check that is not there', ['--stage', 'dev', '--check', 'pulse'], /There is no check pulse\. There are clock, audit-logging,/],
  ])('exits with 64 for %s', async (_, words, message) => {
    const { code, stderr } = await tiercel(...words);
    expect(stderr).toMatch(message);
    expect(code).toBe(64);
  });

  it('exits with 1 without credentials, once and not for every check', async () => {
    const { code, stdout, stderr } = await tiercel('--stage', 'dev');
    expect(stderr).toMatch(/^tiercel doctor: Expected AWS credentials, but: .* Sign in \(aws sso login/);
    expect([code, stdout]).toEqual([1, '']);
  });
});
