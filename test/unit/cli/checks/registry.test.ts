import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../../../cli/checks/registry.ts';
import { deployedStage } from '../../../../cli/checks/stage.ts';
import { doctorPolicy } from '../../../../cli/doctor/policy.ts';
import { parseStage, readStage } from '../../../../infra/stage/read.ts';

const folder = resolve(import.meta.dirname, '../../../../cli/checks');
const UNUSUAL = resolve(import.meta.dirname, '../../../stages');
const stage = deployedStage(readStage('prod'));

/** Where an action is not called like the operation, and what needs none. */
const ACTIONS: Readonly<Record<string, string>> = {
  'client-s3 ListObjectsV2': 's3:ListBucket',
  'client-s3 GetBucketNotificationConfiguration': 's3:GetBucketNotification',
  'client-s3 GetPublicAccessBlock': 's3:GetBucketPublicAccessBlock',
  'client-sts GetCallerIdentity': '',
};
const SERVICES: Readonly<Record<string, string>> = {
  'client-cloudwatch-logs': 'logs',
  'client-eventbridge': 'events',
  'client-elastic-load-balancing-v2': 'elasticloadbalancing',
  'client-secrets-manager': 'secretsmanager',
};
/** Calls that a check makes by way of other modules. */
const THROUGH: Readonly<Record<string, readonly string[]>> = {
  mode: ['dynamodb:GetItem'],
  heartbeat: ['dynamodb:Scan'],
  rbac: ['eks:DescribeCluster'],
  archive: ['firehose:DescribeDeliveryStream'],
  'data-key': ['kms:DescribeKey'],
};

function calledIn(file: string): string[] {
  const text = readFileSync(join(folder, file), 'utf8');
  const own = [...text.matchAll(/import \{([^}]+)\} from '@aws-sdk\/(client-[a-z0-9-]+)'/g)].flatMap(([, imported, client]) =>
    [...imported!.matchAll(/\b(\w+)Command\b/g)].map(([, command]) => {
      const known = ACTIONS[`${client} ${command}`];
      return known ?? `${SERVICES[client!] ?? client!.replace('client-', '')}:${command}`;
    }),
  );
  return text.includes("from './metrics.ts'") ? [...own, 'cloudwatch:GetMetricData'] : own;
}

describe('the checks of doctor', () => {
  it('have one file each, named as the check', () => {
    const others = ['aws-clients.ts', 'aws-json.ts', 'check.ts', 'clusters.ts', 'metrics.ts', 'registry.ts', 'run.ts', 'stage.ts'];
    const files = readdirSync(folder).filter((file) => !others.includes(file));
    expect(CHECKS.map(({ id }) => `${id}.ts`).sort()).toEqual(files.sort());
  });

  it.each(CHECKS)('$id needs exactly the rights of the calls it makes', ({ id, needs }) => {
    const wanted = new Set([...calledIn(`${id}.ts`), ...(THROUGH[id] ?? [])].filter((action) => action !== ''));
    const stated = new Set(needs(stage).flatMap(({ actions }) => actions));
    stated.delete('kms:Decrypt');
    expect([...stated].sort()).toEqual([...wanted].sort());
  });

  it.each(readdirSync(UNUSUAL))('need a policy that a role takes, in a stage like %s', (file) => {
    const unusual = deployedStage({ name: file.replace('.yml', ''), ...parseStage(file, readFileSync(join(UNUSUAL, file), 'utf8')) });
    const { Statement } = doctorPolicy(CHECKS, unusual);
    // Inline policies of a role, together, without white space.
    expect(JSON.stringify(Statement).length).toBeLessThan(10_000);
    expect(new Set(Statement.map(({ Sid }) => Sid)).size).toBe(Statement.length);
    for (const { Resource } of Statement) expect(Resource.length).toBeGreaterThan(0);
  });

  it('ask for reading only, and name resources wherever IAM knows them', () => {
    const all = CHECKS.flatMap((check) => check.needs(stage));
    const actions = all.flatMap(({ actions: each }) => each);
    expect(actions.filter((action) => !/:(Describe|Get|List|Scan$|Decrypt$)/.test(action))).toEqual([]);
    expect(actions.filter((action) => action === 'secretsmanager:GetSecretValue')).toEqual([]);
    const open = all.filter(({ resources }) => resources.includes('*')).flatMap(({ actions: each }) => each);
    expect(new Set(open)).toEqual(
      new Set([
        'cloudwatch:GetMetricData',
        'lambda:ListEventSourceMappings',
        'elasticloadbalancing:DescribeLoadBalancers',
        'elasticloadbalancing:DescribeTargetGroups',
        'elasticloadbalancing:DescribeTargetHealth',
      ]),
    );
    for (const { actions: each, condition } of all)
      if (each.includes('kms:Decrypt')) expect(condition).toHaveProperty('StringEquals.kms:ViaService');
  });
});
