import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invoke } from '../../../cli/lambda-runtime/invoke.ts';
import { unpackInto } from '../../../cli/lambda-runtime/package-folder.ts';
import { deployment } from '../../../infra/stage/deployment.ts';
import { functionKeys, functionSettings } from '../../../infra/stage/function-settings.ts';
import { readStage } from '../../../infra/stage/read.ts';
import { type LastingResources, lastingResources, RETAINED, upgradeFaults } from '../../support/template-upgrade.ts';
import lastingResourcesOnRecord from './lasting-resources.json' with { type: 'json' };

const root = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'tiercel-package-'));
const stage = deployment(readStage('prod'));

interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template is whatever CloudFormation knows
  readonly Properties: Record<string, any>;
  readonly DependsOn?: readonly string[];
}

/** The framework, without credentials and with every way out of the machine closed. */
async function osls(...words: string[]) {
  return await promisify(execFile)(process.execPath, [join(root, 'node_modules/osls/bin/serverless.js'), ...words], {
    cwd: root,
    timeout: 110_000,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      AWS_EC2_METADATA_DISABLED: 'true',
      HTTP_PROXY: 'http://127.0.0.1:1',
      HTTPS_PROXY: 'http://127.0.0.1:1',
    },
  });
}

function captured() {
  const chunks: string[] = [];
  return { write: (text: string) => chunks.push(text), text: () => chunks.join('') };
}

let resources: Record<string, Resource>;
/** The framework's own bucket for deployments is its business. */
const ofType = (type: string) => Object.entries(resources).filter(([id, { Type }]) => Type === type && id !== 'ServerlessDeploymentBucket');

// One file for all that runs the framework: it works in one folder (.esbuild), so two runs at once would disturb each other.
beforeAll(async () => {
  await osls('package', '--stage', 'prod', '--package', folder);
  resources = JSON.parse(readFileSync(join(folder, 'cloudformation-template-update-stack.json'), 'utf8')).Resources;
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the package', () => {
  it.each(functionKeys())('has a small zip file for %s', (key) => {
    const zip = readFileSync(join(folder, `${key}.zip`));
    expect(zip.length).toBeGreaterThan(100_000);
    expect(zip.length).toBeLessThan(1_000_000);
  });

  it('holds the bundle and its rules, and nothing that another build has left', async () => {
    await unpackInto(join(folder, 'respond'), join(folder, 'respond.zip'));
    const files = readdirSync(join(folder, 'respond'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const outside = files.map((entry) => relative(join(folder, 'respond'), join(entry.parentPath, entry.name)));
    expect(outside.filter((name) => !/^rules\/respond\/[\w-]+\.yaml$/.test(name))).toEqual(['functions/respond/handler.mjs']);
    expect(outside.filter((name) => name.endsWith('.test.yaml'))).toEqual([]);
  });

  it('gives each function its own role, log group and the stage’s environment', () => {
    const roles = functionKeys().map((key) => {
      const { Properties } = Object.values(resources).find(
        ({ Type, Properties }) => Type === 'AWS::Lambda::Function' && Properties.FunctionName === `tiercel-prod-${key}`,
      )!;
      const settings = functionSettings(key, stage);
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Timeout: settings.timeoutSeconds,
        MemorySize: settings.memoryMiB,
        TracingConfig: { Mode: 'Active' },
      });
      // What `tiercel invoke` gives a function is what a deployment gives it.
      const variables = Object.entries(Properties.Environment.Variables).filter(([, value]) => typeof value === 'string');
      expect(Object.fromEntries(variables)).toEqual(settings.environment);
      return JSON.stringify(Properties.Role);
    });
    expect(new Set(roles).size).toBe(functionKeys().length);
    expect(
      ofType('AWS::IAM::Role')
        .map(([id]) => id)
        .sort(),
    ).toEqual([
      'ArchiveWriterRole',
      'AuditArchiveRole',
      'AuditStreamRole',
      'ExpiryRole',
      'HeartbeatRole',
      'LogsToArchiveRole',
      'RespondRole',
      'RotateMacKeyRole',
    ]);
    for (const [, { Properties }] of ofType('AWS::Logs::LogGroup'))
      expect(Properties).toMatchObject({ RetentionInDays: 400, KmsKeyId: {} });
  });

  it('runs the audit functions in the VPC and respond outside', () => {
    const inVpc = ofType('AWS::Lambda::Function').filter(([, { Properties }]) => Properties.VpcConfig !== undefined);
    expect(inVpc.map(([id]) => id).sort()).toEqual(['AuditArchiveLambdaFunction', 'AuditStreamLambdaFunction']);
    for (const [, { Properties }] of inVpc) {
      expect(Properties.VpcConfig.SecurityGroupIds).toEqual([{ 'Fn::GetAtt': ['AuditSecurityGroup', 'GroupId'] }]);
      expect(JSON.stringify(Properties.Environment.Variables.AWS_ENDPOINT_URL_SQS)).toContain('SqsEndpoint');
    }
  });

  it('subscribes the streamed clusters and the alerts, each with a permission for that group alone', () => {
    const filters = ofType('AWS::Logs::SubscriptionFilter');
    expect(
      filters.map(([, { Properties }]) => [Properties.LogGroupName, Properties.FilterPattern, JSON.stringify(Properties.DestinationArn)]),
    ).toEqual([
      ['/aws/eks/payments/cluster', '', expect.stringContaining('AuditStreamLambdaFunction')],
      ['/aws/eks/web/cluster', '', expect.stringContaining('AuditStreamLambdaFunction')],
      ['falco', '', expect.stringContaining('RespondLambdaFunction')],
      ['/aws/eks/payments/cluster', '', expect.stringContaining('ArchiveAwsEksPaymentsCluster')],
    ]);
    for (const [, { Type, Properties }] of Object.entries(resources)) {
      if (Type === 'AWS::Lambda::Permission')
        expect(Properties).toMatchObject({ Principal: expect.stringMatching(/\.amazonaws\.com$/), SourceArn: expect.anything() });
    }
  });

  it('keeps the history of a streamed cluster where nothing is announced', () => {
    const archives = ofType('AWS::KinesisFirehose::DeliveryStream').map(
      ([, { Properties }]) => Properties.ExtendedS3DestinationConfiguration,
    );
    expect(archives).toHaveLength(1);
    expect(archives[0]).toMatchObject({
      Prefix: 'history/333333333333/eu-central-1/payments/!{timestamp:yyyy/MM/dd/HH}/',
      ErrorOutputPrefix: expect.stringMatching(/^firehose-errors\/payments\//),
      CompressionFormat: 'GZIP',
      ProcessingConfiguration: { Processors: [{ Type: 'Decompression' }, { Type: 'AppendDelimiterToRecord' }] },
    });
  });

  it('keeps what an asynchronous invocation could not do', () => {
    const destinations = ofType('AWS::Lambda::EventInvokeConfig').map(([, { Properties }]) => [
      Properties.FunctionName.Ref,
      Properties.DestinationConfig.OnFailure.Destination['Fn::GetAtt'][0],
    ]);
    expect(Object.fromEntries(destinations)).toEqual({
      AuditArchiveLambdaFunction: 'QuarantineBucket',
      AuditStreamLambdaFunction: 'SpoolBucket',
      HeartbeatLambdaFunction: 'QuarantineBucket',
      RespondLambdaFunction: 'QuarantineBucket',
    });
  });

  it('announces the archive and the spool, and nothing that is written for good', () => {
    const announced = ofType('AWS::S3::Bucket').map(([id, { Properties }]) => [
      id,
      (Properties.NotificationConfiguration?.QueueConfigurations ?? []).map(
        (queue: { Filter: { S3Key: { Rules: { Value: string }[] } } }) => queue.Filter.S3Key.Rules[0]!.Value,
      ),
    ]);
    expect(Object.fromEntries(announced)).toEqual({
      ArchiveBucket: ['audit/'],
      SpoolBucket: ['spool/', 'aws/lambda/async/'],
      EvidenceBucket: [],
      QuarantineBucket: [],
    });
  });

  it('lets SQS wait six times the function’s time-out, and gives each queue a dead-letter queue', () => {
    const timeoutOf = (id: string): number => resources[id]!.Properties.Timeout;
    const mappings = ofType('AWS::Lambda::EventSourceMapping');
    expect(mappings).toHaveLength(3);
    for (const [, { Properties }] of mappings) {
      expect(Properties.FunctionResponseTypes).toEqual(['ReportBatchItemFailures']);
      const queue = resources[Properties.EventSourceArn['Fn::GetAtt'][0]]!.Properties;
      expect(queue.VisibilityTimeout).toBe(6 * timeoutOf(Properties.FunctionName['Fn::GetAtt'][0]));
      expect(resources[queue.RedrivePolicy.deadLetterTargetArn['Fn::GetAtt'][0]]!.Type).toBe('AWS::SQS::Queue');
    }
  });

  it('has an alarm on every dead-letter queue and every function, and one for each cluster that falls silent', () => {
    const watched = ofType('AWS::CloudWatch::Alarm').map(([, { Properties }]) =>
      JSON.stringify([Properties.MetricName, Properties.Dimensions]),
    );
    const on = (...words: string[]) => watched.some((alarm) => words.every((word) => alarm.includes(word)));
    for (const [id] of ofType('AWS::SQS::Queue').filter(([id]) => id.includes('DeadLetter'))) expect(on(id), id).toBe(true);
    for (const [id] of ofType('AWS::Lambda::Function')) expect(on('"Errors"', id), id).toBe(true);
    for (const group of ['/aws/eks/payments/cluster', '/aws/eks/web/cluster']) expect(on('IncomingLogEvents', group), group).toBe(true);
  });

  it('keeps tables and buckets closed, encrypted and recoverable', () => {
    for (const [id, { Properties }] of ofType('AWS::DynamoDB::Table')) {
      expect(Properties, id).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        TimeToLiveSpecification: { AttributeName: 'expiration', Enabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
        SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
      });
    }
    const tlsOnly = ofType('AWS::S3::BucketPolicy').map(([, { Properties }]) => Properties.Bucket.Ref);
    for (const [id, { Properties }] of ofType('AWS::S3::Bucket')) {
      expect(Properties, id).toMatchObject({
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        VersioningConfiguration: { Status: 'Enabled' },
        LifecycleConfiguration: { Rules: [{ Status: 'Enabled' }] },
      });
      expect(JSON.stringify(Properties.BucketEncryption)).toContain('aws:kms');
      expect(tlsOnly).toContain(id);
    }
  });

  it('names no secret in any environment', () => {
    for (const [, { Properties }] of ofType('AWS::Lambda::Function')) {
      expect(JSON.stringify(Properties.Environment)).not.toMatch(/resolve:secretsmanager|BEGIN [A-Z ]*PRIVATE KEY/);
    }
  });
});

describe('an upgrade', () => {
  const recorded = lastingResourcesOnRecord as LastingResources;

  it('replaces and removes nothing that lasts', () => {
    expect(upgradeFaults(recorded, lastingResources(resources))).toEqual([]);
  });

  it('is measured against all that lasts: what is new belongs into lasting-resources.json', () => {
    const now = lastingResources(resources);
    const unrecorded = Object.keys(now).filter((id) => !isDeepStrictEqual(now[id], recorded[id]));
    expect(Object.fromEntries(unrecorded.map((id) => [id, now[id]]))).toEqual({});
  });

  it('keeps tables, buckets, key and secret when the stack goes', () => {
    for (const type of RETAINED) {
      for (const [id, resource] of ofType(type))
        expect(resource, id).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' });
    }
  });
});

describe('the deployed bundle under the Runtime API', () => {
  it.each([
    ['auditStream', 'events/audit-stream/exec.json', { delivered: 2 }],
    ['auditArchive', 'events/audit-archive/test-event.json', { batchItemFailures: [] }],
    ['respond', 'events/respond/invoke.json', { alerts: { answered: 1 } }],
  ])('runs %s', async (key, event, expected) => {
    const out = captured();
    const log = captured();
    // The rules must come from the package here, as in Lambda.
    const env = ['RULES=rules/falco', 'APPEND_OUTPUT=rules/append-output.yaml', 'POLICY_PATH=rules/respond'];
    const options = { stage: 'local', package: folder, env, times: 1 };
    expect(await invoke(key, join(root, event), options, { out, log, stdin: process.stdin }), log.text()).toBe(true);
    expect(JSON.parse(out.text())).toMatchObject(expected);
  });
});

describe('osls invoke local, stage local', () => {
  it.each([
    ['auditStream', 'events/audit-stream/exec.json', /"delivered": 2/],
    ['auditArchive', 'events/audit-archive/test-event.json', /^/],
    ['respond', 'events/respond/invoke.json', /"answered": 1/],
  ])(
    'runs %s',
    async (key, event, expected) => {
      const { stdout } = await osls('invoke', 'local', '--stage', 'local', '-f', key, '-p', event);
      expect(stdout).toMatch(expected);
    },
    120_000,
  );
});
