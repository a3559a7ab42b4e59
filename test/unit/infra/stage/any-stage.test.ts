import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Deployment, deployment } from '../../../../infra/stage/deployment.ts';
import { parseStage, StageError } from '../../../../infra/stage/read.ts';
import { readCloudFormation } from '../../../support/cloudformation.ts';

const root = resolve(import.meta.dirname, '../../../..');
const ACCOUNT = '111111111111';
const accounts = fc.constantFrom(ACCOUNT, '222222222222');
const regions = fc.constantFrom('eu-central-1', 'us-east-1');
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const role = accounts.map((account) => `arn:aws:iam::${account}:role/r`);
const key = fc.tuple(regions, accounts).map(([region, account]) => `arn:aws:kms:${region}:${account}:key/k`);

const cluster = fc.record({
  name: fc.constantFrom('a', 'b', 'c-d', 'x'.repeat(100)),
  eksName: maybe(fc.constantFrom('a', 'other')),
  account: maybe(accounts),
  region: maybe(regions),
  path: maybe(fc.constantFrom('stream', 'archive', 'stream+store')),
  logGroup: maybe(fc.constantFrom('/own', '/aws/eks/a/cluster', '/tiercel/x')),
  archiveWriterArn: maybe(role),
  respondRoleArn: maybe(role),
  accessEntry: maybe(fc.boolean()),
  heartbeat: maybe(fc.boolean()),
});

const settings = fc.record({
  account: fc.constant(ACCOUNT),
  region: regions,
  logRetentionDays: fc.constant(30),
  detection: fc.constantFrom('falco', 'embedded'),
  mode: maybe(fc.constantFrom('off', 'shadow', 'enforce')),
  heartbeat: maybe(fc.boolean()),
  clusters: fc.array(cluster, { maxLength: 3 }),
  falco: maybe(
    fc.record({
      url: fc.constantFrom('https://falco.internal:9765/k8s-audit', 'http://10.0.0.1/k8s-audit'),
      allowPlainHttp: maybe(fc.constant(true)),
      clientSecretId: maybe(fc.constant('falco/client')),
      loadBalancer: maybe(
        fc.record({
          targets: fc.constantFrom(['sg-0a'], ['10.0.0.0/8']),
          certificateArn: maybe(fc.constant('arn:aws:acm:eu-central-1:111111111111:certificate/c')),
          hostedZoneId: maybe(fc.constant('Z1')),
        }),
      ),
    }),
  ),
  vpc: maybe(
    fc.record({
      id: maybe(fc.constant('vpc-0a')),
      subnetIds: fc.constant(['subnet-0a', 'subnet-0b']),
      securityGroupIds: maybe(fc.constant(['sg-0b'])),
      endpoints: maybe(fc.constantFrom('own', 'brought')),
      routeTableIds: maybe(fc.constant(['rtb-0a'])),
      prefixListIds: maybe(fc.constant({ s3: 'pl-0a', dynamodb: 'pl-0b' })),
      endpointSecurityGroupIds: maybe(fc.constant(['sg-0e'])),
      clusterSecurityGroupIds: maybe(fc.constant(['sg-0c'])),
    }),
  ),
  respondInVpc: maybe(fc.boolean()),
  alertLogGroups: maybe(fc.constantFrom(['falco'], ['falco', '/aws/eks/a/cluster'])),
  alertTopicArn: maybe(regions.map((region) => `arn:aws:sns:${region}:${ACCOUNT}:t`)),
  alarmTopicArn: maybe(regions.map((region) => `arn:aws:sns:${region}:${ACCOUNT}:t`)),
  dataKeyArn: maybe(key),
  archiveBucket: maybe(fc.record({ name: fc.constant('my-logs'), keyArn: maybe(key) })),
});

/** Logical ids that stand in infra/resources and functions, and those that the framework makes of serverless.yml. */
const FIXED = new Set([
  ...[
    ...readdirSync(join(root, 'infra/resources')).map((file) => `infra/resources/${file}`),
    ...readdirSync(join(root, 'functions')).map((folder) => `functions/${folder}/role.yml`),
  ].flatMap((file) => {
    const { Resources, own, some } = readCloudFormation(readFileSync(join(root, file), 'utf8')) as Record<string, { Resources?: object }>;
    return [Resources, own?.Resources, some?.Resources].flatMap((part) => Object.keys(part ?? {}));
  }),
  ...['AuditStream', 'AuditArchive', 'Respond', 'Heartbeat', 'RotateMacKey'].map((name) => `${name}LambdaFunction`),
]);

const sections = (stage: Deployment) => {
  const { securityGroups, loadBalancer, endpoints, accessEntries, subscriptions, archives, alarms, views } = stage;
  return [securityGroups, loadBalancer, endpoints, accessEntries, subscriptions, archives, alarms, views].map(({ Resources }) => Resources);
};

/** What is referred to, anywhere: `Ref`, `Fn::GetAtt`, `DependsOn`, `${Id.Attribute}`. */
function referredTo(value: unknown): string[] {
  if (typeof value === 'string') return [...value.matchAll(/\$\{([A-Za-z0-9]+)(?:\.[A-Za-z]+)?\}/g)].map(([, id]) => id!);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    if (name === 'Ref') return [member as string];
    if (name === 'Fn::GetAtt') return [(member as string[])[0]!];
    return name === 'DependsOn' ? [member as string | string[]].flat() : referredTo(member);
  });
}

type Settings = Record<string, unknown> & { clusters: object[] };

/** The deployment of a stage, or where it is wrong: with a reason, never `undefined` or only "Invalid input". */
function outcomeOf(stage: Settings): Deployment | string[] {
  try {
    return deployment({ name: 'test', ...parseStage('s.yml', JSON.stringify(stage)) });
  } catch (error) {
    expect(error).toBeInstanceOf(StageError);
    const { message } = error as Error;
    expect(message).toMatch(/^(s\.yml cannot be deployed|infra\/stages\/test\.yml: expected)/);
    expect(message).not.toMatch(/undefined|\[object|Invalid input/);
    return [...message.matchAll(/^ {2}- ([^:]+): \S/gm)].map(([, path]) => path!);
  }
}

/** Leaves away what is wrong, and has a VPC where one is missed. */
function without(stage: Settings, paths: readonly string[]): Settings {
  const clusters = stage.clusters.filter((_, index) => !paths.some((path) => path.startsWith(`clusters.${index}.`)));
  const gone = new Set(paths.map((path) => path.split('.')[0]!));
  const rest = Object.fromEntries(Object.entries(stage).filter(([name]) => !gone.has(name) || name === 'clusters'));
  return {
    ...rest,
    clusters,
    ...(gone.has('falco') && stage.falco === undefined ? { detection: 'embedded' } : {}),
    ...(gone.has('vpc') ? { vpc: { id: 'vpc-0a', subnetIds: ['subnet-0a', 'subnet-0b'], securityGroupIds: ['sg-0b'] } } : {}),
  };
}

describe('whatever a stage says', () => {
  it('is refused with a reason, or refers to nothing that is not made, and makes nothing twice', () => {
    fc.assert(
      fc.property(settings, (settings) => {
        let stage: Settings = settings;
        let made = outcomeOf(stage);
        for (let tries = 0; Array.isArray(made) && tries < 10; tries++) {
          stage = without(stage, made);
          made = outcomeOf(stage);
        }
        if (Array.isArray(made)) throw new Error(`Still wrong without what was wrong: ${made.join(', ')} in ${JSON.stringify(stage)}`);
        const ids = sections(made).flatMap((resources) => Object.keys(resources));
        expect(new Set(ids).size).toBe(ids.length);
        const there = new Set([...ids, ...FIXED]);
        const { auditEndpointUrls, respondEndpointUrls, auditVpc, respondVpc, loadBalancer, securityGroups, auditSecrets, archiveKeys } =
          made;
        const all = [
          sections(made),
          auditEndpointUrls,
          respondEndpointUrls,
          auditVpc,
          respondVpc,
          loadBalancer,
          securityGroups,
          auditSecrets,
          archiveKeys,
        ];
        expect(referredTo(all).filter((id) => !there.has(id) && !['Host', 'AWS::NoValue'].includes(id))).toEqual([]);
        // What is brought must not be referred to as if it were made.
        if (made.archiveOrigin === 'brought') expect(referredTo([all, made.archiveArn, made.heartbeats])).not.toContain('ArchiveBucket');
        if (made.keyOrigin === 'brought') expect(referredTo([all, made.dataKey])).not.toContain('DataKey');
      }),
      { numRuns: 150 },
    );
  });

  it('is refused with a reason when a setting is something else altogether', () => {
    const junk = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string(), fc.constantFrom('', '::::', 'http://', 'arn:aws:', -1, 1e9));
    fc.assert(
      fc.property(settings, fc.nat(), junk, (stage, at, value) => {
        const places = leavesOf(stage);
        outcomeOf(changed(stage, places[at % places.length]!, value) as Settings);
      }),
      { numRuns: 300 },
    );
  });
});

function leavesOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, member]) => leavesOf(member, [...path, name]))];
}

function changed(value: unknown, [name, ...rest]: readonly string[], other: unknown): unknown {
  if (name === undefined) return other;
  if (Array.isArray(value)) return value.map((member, index) => (String(index) === name ? changed(member, rest, other) : member));
  return { ...(value as object), [name]: changed((value as Record<string, unknown>)[name], rest, other) };
}
