import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deployment } from '../../../../infra/stage/deployment.ts';
import { names } from '../../../../infra/stage/names.ts';
import { parseStage } from '../../../../infra/stage/read.ts';

const root = resolve(import.meta.dirname, '../../../..');
const page = readFileSync(join(root, 'docs/operate/bring-your-own.md'), 'utf8');

const ALL = `
account: '333333333333'
region: eu-central-1
detection: falco
falco: { url: 'https://falco.example.internal:9765/k8s-audit', clientSecretId: falco/client }
clusters:
  - { name: a, path: archive, logGroup: /my/own/group }
  - { name: b, logGroup: /my/other/group }
  - { name: c, account: '444444444444', path: archive, archiveWriterArn: 'arn:aws:iam::444444444444:role/w' }
archiveBucket: { name: my-audit-logs, keyArn: 'arn:aws:kms:eu-central-1:333333333333:key/one' }
dataKeyArn: arn:aws:kms:eu-central-1:333333333333:key/two
vpc: { subnetIds: [subnet-0a, subnet-0b], securityGroupIds: [sg-0a] }
logRetentionDays: 30
`;
const brought = deployment({ name: 'prod', ...parseStage('prod.yml', ALL) });

describe('a stage that brings everything', () => {
  it('makes none of it', () => {
    expect([brought.keyOrigin, brought.archiveOrigin]).toEqual(['brought', 'brought']);
    const made = [brought.securityGroups, brought.loadBalancer, brought.endpoints, brought.archives, brought.subscriptions].flatMap(
      ({ Resources }) => Object.values(Resources).map(({ Type }) => Type),
    );
    expect(new Set(made)).toEqual(
      new Set(['AWS::KinesisFirehose::DeliveryStream', 'AWS::Logs::LogStream', 'AWS::Logs::SubscriptionFilter', 'AWS::Lambda::Permission']),
    );
  });

  it('refers to nothing that is not made', () => {
    expect(JSON.stringify(brought)).not.toMatch(/ArchiveBucket\b(?!")|"DataKey"|SecurityGroup"|FalcoLoadBalancer/);
  });

  it('lets nobody else use a key of its own for a bucket that has another', () => {
    const ownKey = deployment({ name: 'prod', ...parseStage('prod.yml', ALL.replace(/dataKeyArn: .*/, '')) });
    expect([ownKey.keyOrigin, ownKey.foreignWriters]).toEqual(['own', 'none']);
    const ownBucket = deployment({ name: 'prod', ...parseStage('prod.yml', ALL.replace(/archiveBucket: .*/, '')) });
    expect(ownBucket.foreignWriters).toBe('some');
  });

  it('lets S3 announce a bucket’s objects for its owner, whoever that is', () => {
    expect(brought.archiveAccount).toBe('333333333333');
    const foreign = ALL.replace('name: my-audit-logs,', "name: my-audit-logs, account: '555555555555',");
    expect(deployment({ name: 'prod', ...parseStage('prod.yml', foreign) }).archiveAccount).toBe('555555555555');
    const [, announces] = readFileSync(join(root, 'infra/resources/queues.yml'), 'utf8').split(/- Sid: /);
    expect(announces).toMatch(/^ArchiveAnnounces[\s\S]*aws:SourceAccount: "\$\{self:custom\.stage\.archiveAccount\}"/);
  });

  it('uses what it brings', () => {
    expect(brought.names.archiveBucket).toBe('my-audit-logs');
    // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own spelling
    expect(brought.archiveArn).toBe('arn:${AWS::Partition}:s3:::my-audit-logs');
    expect(brought.archiveKeys).toEqual([brought.dataKey, 'arn:aws:kms:eu-central-1:333333333333:key/one']);
    expect(brought.dataKey).toBe('arn:aws:kms:eu-central-1:333333333333:key/two');
    expect(brought.auditSecrets).toContain('arn:aws:secretsmanager:eu-central-1:333333333333:secret:falco/client-??????');
    expect(JSON.stringify(brought.subscriptions)).toContain('"LogGroupName":"/my/other/group"');
    expect(JSON.parse(brought.clustersJson)).toMatchObject([{ logGroup: '/my/own/group' }, {}, {}]);
    expect(brought.auditVpc).toEqual({ subnetIds: ['subnet-0a', 'subnet-0b'], securityGroupIds: ['sg-0a'] });
  });

  it.each([
    [
      'a bucket by its ARN',
      ALL.replace('name: my-audit-logs', 'name: "arn:aws:s3:::my-audit-logs"'),
      /archiveBucket\.name: expected the name of a bucket/,
    ],
    [
      'a key of something else',
      ALL.replace('arn:aws:kms:eu-central-1:333333333333:key/one', 'arn:aws:s3:::x'),
      /archiveBucket\.keyArn: expected the ARN of a KMS key/,
    ],
    ['an alias for a key', ALL.replace('key/two', 'alias/two'), /dataKeyArn: .*not of an alias/],
  ])('is refused %s', (_, text, message) => {
    expect(() => parseStage('s.yml', text)).toThrow(message);
  });
});

describe('what can be brought', () => {
  /** Files whose part `own` alone may name the resource, because it is there that it is made. */
  const HOME = { ArchiveBucket: ['archive-bucket.yml', 'foreign-writers.yml'], DataKey: ['data-key.yml'] };
  const files = [
    ...readdirSync(join(root, 'infra/resources')).map((name) => `infra/resources/${name}`),
    ...readdirSync(join(root, 'functions')).map((name) => `functions/${name}/role.yml`),
  ];

  it.each(Object.entries(HOME))('is named by logical id nowhere else: %s', (id, homes) => {
    const named = files.filter((file) => new RegExp(`(!GetAtt |!Ref |\\$\\{)${id}\\b`).test(readFileSync(join(root, file), 'utf8')));
    expect(named.filter((file) => !homes.some((home) => file.endsWith(home)))).toEqual([]);
  });
});

describe('the page about it', () => {
  it('names roles, queue and prefixes as they are', () => {
    const of = names({ name: 'prod', account: '333333333333', region: 'eu-central-1' });
    for (const name of [of.auditArchive, of.archiveWriterRole, of.heartbeat]) expect(page).toContain(`:role/${name}"`);
    expect(page).toContain(`arn:aws:sqs:eu-central-1:333333333333:${of.archiveQueue}"`);
    for (const prefix of [of.archivePrefix, of.historyPrefix, of.archiveErrorPrefix]) expect(page).toContain(`my-audit-logs/${prefix}*"`);
  });

  it('has statements that are JSON', () => {
    const blocks = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text]) => text!);
    expect(blocks.length).toBeGreaterThan(3);
    for (const block of blocks) expect(() => JSON.parse(block)).not.toThrow();
  });

  it('lets logs use the key for the same groups as the stage’s own key does', () => {
    const own = readFileSync(join(root, 'infra/resources/data-key.yml'), 'utf8');
    const groups = [...own.matchAll(/log-group:(\/[^"]+)"/g)].map(([, group]) => group!.replace(/\$\{[^}]+\}/, 'prod'));
    expect(groups.length).toBeGreaterThan(0);
    for (const group of groups) expect(page).toContain(`log-group:${group}"`);
  });
});
