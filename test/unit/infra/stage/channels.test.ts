import { describe, expect, it } from 'vitest';
import { readRespondConfig } from '../../../../functions/respond/config.ts';
import { deployment } from '../../../../infra/stage/deployment.ts';
import { functionSettings } from '../../../../infra/stage/function-settings.ts';
import { parseStage } from '../../../../infra/stage/read.ts';

const STAGE = `
account: '111111111111'
region: eu-central-1
detection: embedded
logRetentionDays: 30
alertTopicArn: arn:aws:sns:eu-central-1:111111111111:alerts
`;
const SECRET = 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:slack-AbCdEf';
const made = (text: string) => deployment({ name: 'test', ...parseStage('test.yml', STAGE + text) });

describe('the channels of a stage', () => {
  it('reach the function as they are, but for what only its role needs', () => {
    const { json, ...rest } = made(`
notify:
  - { name: on-call, kind: sns, topicArn: 'arn:aws:sns:eu-central-1:111111111111:on-call', keyArn: 'arn:aws:kms:eu-central-1:111111111111:key/k' }
  - { name: bus, kind: event-bus, busArn: 'arn:aws:events:eu-central-1:111111111111:event-bus/security' }
  - { name: slack, kind: slack, secretArn: '${SECRET}' }
  - { name: tickets, kind: webhook, secretArn: '${SECRET}' }
`).channels;
    expect(rest).toEqual({
      topicArns: ['arn:aws:sns:eu-central-1:111111111111:on-call'],
      busArns: ['arn:aws:events:eu-central-1:111111111111:event-bus/security'],
      secretArns: [SECRET],
      keyArns: ['arn:aws:kms:eu-central-1:111111111111:key/k'],
      topics: 'some',
      buses: 'some',
      secrets: 'some',
      keys: 'some',
    });
    const { NOTIFY_CHANNELS } = readRespondConfig({
      TIERCEL_STAGE: 'test',
      JOURNAL_TABLE: 'journal',
      IDEMPOTENCY_TABLE: 'once',
      NOTIFY_CHANNELS: json,
    });
    expect(NOTIFY_CHANNELS.map(({ name, kind }) => [name, kind])).toEqual([
      ['on-call', 'sns'],
      ['bus', 'event-bus'],
      ['slack', 'slack'],
      ['tickets', 'webhook'],
    ]);
    expect(json).not.toContain('kms');
  });

  it('grant nothing where there is none', () => {
    expect(made('').channels).toMatchObject({ json: '[]', topics: 'none', buses: 'none', secrets: 'none', keys: 'none' });
  });

  it.each([
    [
      'one twice',
      `{ name: a, kind: slack, secretArn: '${SECRET}' }, { name: a, kind: slack, secretArn: '${SECRET}' }`,
      /notify\.1\.name: a is listed already/,
    ],
    [
      'another region',
      "{ name: a, kind: sns, topicArn: 'arn:aws:sns:eu-west-1:111111111111:x' }",
      /notify\.0: expected something in eu-central-1/,
    ],
    [
      'the topic respond reads',
      "{ name: a, kind: sns, topicArn: 'arn:aws:sns:eu-central-1:111111111111:alerts' }",
      /another topic than alertTopicArn/,
    ],
    ['a secret by its name', '{ name: a, kind: slack, secretArn: tiercel/slack }', /full ARN of a secret/],
    ['an address in the stage file', '{ name: a, kind: slack, url: "https://hooks.slack.com/x" }', /secretArn/],
    ['an unknown kind', '{ name: a, kind: pager }', /notify\.0\.kind/],
  ])('may not be %s', (_name, channels, message) => {
    expect(() => made(`notify: [${channels}]`)).toThrow(message);
  });

  it('fit into the environment', () => {
    const many = Array.from(
      { length: 20 },
      (_, at) => `{ name: channel-${at}, kind: slack, secretArn: '${SECRET.replace('slack', 's'.repeat(80))}' }`,
    );
    expect(() => made(`notify: [${many.join(', ')}]`)).toThrow(/expected the variables of respond to fit .*NOTIFY_CHANNELS \d+/);
  });
});

describe('evidence', () => {
  it('goes into a bucket of its own, in stage local into a folder', () => {
    const of = (name: string) => functionSettings('respond', deployment({ name, ...parseStage('test.yml', STAGE) })).environment;
    expect(of('test')).toMatchObject({ EVIDENCE_BUCKET: 'tiercel-test-evidence-111111111111-eu-central-1', EVIDENCE_FOLDER: '' });
    expect(of('local')).toMatchObject({ EVIDENCE_BUCKET: '', EVIDENCE_FOLDER: expect.stringContaining('.cache/local/evidence') });
    expect(() => readRespondConfig({ TIERCEL_STAGE: 'test', EVIDENCE_FOLDER: 'x' })).toThrow(
      'EVIDENCE_FOLDER: is for TIERCEL_STAGE=local only',
    );
  });
});
