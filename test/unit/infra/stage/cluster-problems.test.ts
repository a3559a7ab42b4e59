import { describe, expect, it } from 'vitest';
import { parseStage } from '../../../../infra/stage/read.ts';

const HEAD = "account: '111111111111'\nregion: eu-central-1\ndetection: embedded\nlogRetentionDays: 30\n";
const FOREIGN = "account: '222222222222', path: archive";
const parse = (more: string) => parseStage('s.yml', HEAD + more);

describe('clusters that do not fit together', () => {
  it.each([
    [
      'one cluster under two names, on two roads',
      'clusters: [{ name: a }, { name: b, eksName: a, path: archive }]',
      /clusters\.1\.logGroup: \/aws\/eks\/a\/cluster is already listed at clusters\.0; two roads/,
    ],
    [
      'one log group for two clusters',
      'clusters: [{ name: a, logGroup: /audit }, { name: b, logGroup: /audit }]',
      /clusters\.1\.logGroup: \/audit is already/,
    ],
    [
      'the same cluster of another account twice',
      `clusters: [{ name: a, ${FOREIGN}, archiveWriterArn: 'arn:aws:iam::222222222222:role/w' }, { name: b, eksName: a, ${FOREIGN}, archiveWriterArn: 'arn:aws:iam::222222222222:role/w' }]`,
      /clusters\.1\.logGroup: .* two roads/,
    ],
    [
      'a log group that carries audit events and alerts',
      'clusters: [{ name: a }]\nalertLogGroups: [/aws/eks/a/cluster]',
      /alertLogGroups\.0: \/aws\/eks\/a\/cluster is already listed at clusters\.0/,
    ],
    ['an alert log group twice', 'alertLogGroups: [falco, falco]', /alertLogGroups\.1: falco is already listed at alertLogGroups\.0/],
    ['a log group by its ARN', "alertLogGroups: ['arn:aws:logs:eu-central-1:111111111111:log-group:falco:*']", /not its ARN/],
    ['what the functions write', 'alertLogGroups: [/tiercel/dev/alerts]', /alertLogGroups\.0: .* feed on themselves/],
    [
      'what Firehose writes for us',
      'clusters: [{ name: a, logGroup: /aws/kinesisfirehose/tiercel-dev }]',
      /clusters\.0\.logGroup: .* written by/,
    ],
    [
      'a writer that is no role',
      `clusters: [{ name: a, ${FOREIGN}, archiveWriterArn: 'arn:aws:iam::222222222222:root' }]`,
      /archiveWriterArn: expected the ARN of an IAM role/,
    ],
    [
      'a writer that could not write below its cluster’s prefix',
      `clusters: [{ name: a, ${FOREIGN}, archiveWriterArn: 'arn:aws:iam::333333333333:role/w' }]`,
      /clusters\.0\.archiveWriterArn: expected a role of account 222222222222/,
    ],
    [
      'a role that cannot see the cluster',
      "clusters: [{ name: a, respondRoleArn: 'arn:aws:iam::333333333333:role/r' }]",
      /clusters\.0\.respondRoleArn: expected a role of account 111111111111/,
    ],
  ])('refuses %s', (_, more, message) => {
    expect(() => parse(more)).toThrow(message);
  });

  it.each([
    ['the same EKS name in another region', 'clusters: [{ name: a }, { name: far, eksName: a, region: us-east-1, path: archive }]'],
    [
      'the same EKS name in another account',
      `clusters: [{ name: a }, { name: b, eksName: a, ${FOREIGN}, archiveWriterArn: 'arn:aws:iam::222222222222:role/service-role/w' }]`,
    ],
    ['a writer that the owner of a brought bucket lets in', `archiveBucket: { name: logs }\nclusters: [{ name: a, ${FOREIGN} }]`],
    ['a role of the cluster’s own account', "clusters: [{ name: a, respondRoleArn: 'arn:aws:iam::111111111111:role/r' }]"],
  ])('takes %s', (_, more) => {
    expect(() => parse(more)).not.toThrow();
  });
});

describe('what lies where it cannot be used', () => {
  it.each([
    [
      'a data key of another region',
      'dataKeyArn: arn:aws:kms:us-east-1:111111111111:key/k',
      /dataKeyArn: expected something in eu-central-1/,
    ],
    [
      'a data key of another account',
      'dataKeyArn: arn:aws:kms:eu-central-1:222222222222:key/k',
      /dataKeyArn: expected a key of account 1{12}/,
    ],
    [
      'a bucket’s key of another region',
      'archiveBucket: { name: logs, keyArn: arn:aws:kms:us-east-1:111111111111:key/k }',
      /archiveBucket\.keyArn: expected something in eu-central-1/,
    ],
    [
      'an alias for a bucket’s key',
      'archiveBucket: { name: logs, keyArn: arn:aws:kms:eu-central-1:111111111111:alias/k }',
      /archiveBucket\.keyArn: .*not of an alias/,
    ],
    [
      'alarms to another region',
      'alarmTopicArn: arn:aws:sns:us-east-1:111111111111:on-call',
      /alarmTopicArn: expected something in eu-central-1/,
    ],
    [
      'alarms to something else',
      'alarmTopicArn: arn:aws:sqs:eu-central-1:111111111111:on-call',
      /alarmTopicArn: expected the ARN of an SNS topic/,
    ],
    ['alerts from a FIFO topic', 'alertTopicArn: arn:aws:sns:eu-central-1:111111111111:falco.fifo', /alertTopicArn: .*no FIFO topic/],
  ])('refuses %s', (_, more, message) => {
    expect(() => parse(more)).toThrow(message);
  });

  it.each(['cn-north-1', 'us-iso-east-1', 'eu-isoe-west-1'])('refuses region %s, whose partition nobody has tried', (region) => {
    expect(() => parseStage('s.yml', HEAD.replace('eu-central-1', region))).toThrow(/region: expected a region of the partitions aws or/);
  });

  it('takes GovCloud', () => {
    expect(parseStage('s.yml', HEAD.replace('eu-central-1', 'us-gov-west-1')).region).toBe('us-gov-west-1');
  });
});
