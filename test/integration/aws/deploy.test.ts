import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ObservedCall } from '../../support/call-recorder.ts';
import { delivery, envelopeText } from '../../support/cloudwatch.ts';
import { type DeployedStage, isSupported, type RoleStatement, statementsOf, UNSUPPORTED } from '../../support/deployed-stage.ts';
import { FalcoStandIn } from '../../support/falco-stand-in.ts';
import { awsJson, createLogGroup, putFilter, subscribeInPlaceOfLambda } from '../../support/log-group.ts';
import { awsClients, MOTO_ACCOUNT, motoClientOptions, motoEndpoint } from '../../support/moto.ts';
import { type RunningStage, runStage } from '../../support/running-stage.ts';

const root = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'tiercel-deploy-'));
const sample = (name: string) => readFileSync(join(root, `events/audit/${name}.json`), 'utf8').trim();
const { region } = motoClientOptions;

/** The same event as just now: what is hours old is not acted on. */
const fresh = (event: string) =>
  event.replace(/"(requestReceivedTimestamp|stageTimestamp)":"[^"]+"/g, `"$1":"${new Date().toISOString().replace('Z', '000Z')}"`);

/** What roles hold for AWS, which acts in the function's name. */
const BY_AWS: Readonly<Record<string, string>> = {
  'OwnLogs logs:CreateLogStream': 'Lambda writes what a function prints',
  'OwnLogs logs:PutLogEvents': 'Lambda writes what a function prints',
  'Trace xray:PutTraceSegments': 'Lambda sends traces',
  'Trace xray:PutTelemetryRecords': 'Lambda sends traces',
  'TakeAnnouncements sqs:ReceiveMessage': 'the event source mapping polls',
  'TakeAnnouncements sqs:DeleteMessage': 'the event source mapping deletes what was answered',
  'TakeAlerts sqs:ReceiveMessage': 'the event source mapping polls',
  'TakeAlerts sqs:DeleteMessage': 'the event source mapping deletes what was answered',
  'TakeAlerts sqs:GetQueueAttributes': 'the event source mapping looks how much there is',
  'FailedInvocations s3:PutObject': 'Lambda writes a failed invocation to its destination',
  'FindFailureBucket s3:ListBucket': 'Lambda looks whether the destination is there',
  'TellGoneFromForbidden s3:ListBucket': 'S3 asks for it before it says 404 instead of 403',
  'DataKey kms:Decrypt': 'S3, DynamoDB, Secrets Manager and Lambda use the key in the caller’s name',
  'DataKey kms:GenerateDataKey': 'S3, DynamoDB, Secrets Manager and Lambda use the key in the caller’s name',
};

const NO_VERSIONS = 'the stand-in’s announcements name no version; test/unit/shared/platform/aws/s3.test.ts has it';
const RELEASED = 'Powertools lets a claim go when the work has thrown; test/contract/once.test.ts has it';
const READ_BACK = 'Powertools reads a claim that its conditional write did not return';

/** What a function calls only where this suite does not go, and who goes there. */
const NOT_OBSERVED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  auditStream: {
    'DeliverOnce dynamodb:DeleteItem': RELEASED,
    'DeliverOnce dynamodb:GetItem': READ_BACK,
  },
  auditArchive: {
    'ReadArchive s3:GetObjectVersion': NO_VERSIONS,
    'EmptyFailedInvocations s3:GetObjectVersion': NO_VERSIONS,
    'EmptyFailedInvocations s3:DeleteObjectVersion': NO_VERSIONS,
    'EmptySpool s3:GetObjectVersion': NO_VERSIONS,
    'EmptySpool s3:DeleteObjectVersion': NO_VERSIONS,
    'AnnounceAgain sqs:SendMessage': 'only for an object that has lain longer than any message; test/integration/aws/sweep.test.ts has it',
    'DeliverOnce dynamodb:GetItem': READ_BACK,
  },
  respond: {
    'AnswerOnce dynamodb:DeleteItem': RELEASED,
    'AnswerOnce dynamodb:GetItem': READ_BACK,
    'KeepEvidence s3:PutObject': 'only in mode enforce, with a cluster that answers; test/contract/action.test.ts has it',
    'EndResponses scheduler:CreateSchedule':
      'only after an action with an end, in mode enforce; test/unit/shared/platform/aws/schedule.test.ts has it',
    'HandRoleToScheduler iam:PassRole': 'with the schedule',
  },
  heartbeat: {},
  rotateMacKey: {
    'MacKey secretsmanager:PutSecretValue':
      'the stand-in begins a rotation only with a value; test/integration/aws/rotate-mac-key.test.ts has it',
  },
};

const propertiesOf = (stage: DeployedStage, type: string) =>
  Object.values(stage.resources)
    .filter(({ Type }) => Type === type)
    .map(({ Properties }) => Properties);

/** The Firehose of the template and the subscription that feeds it. */
async function createFirehose(stage: DeployedStage): Promise<void> {
  const [{ DeliveryStreamName, ExtendedS3DestinationConfiguration: destination }] = propertiesOf(
    stage,
    'AWS::KinesisFirehose::DeliveryStream',
  ) as [{ DeliveryStreamName: string; ExtendedS3DestinationConfiguration: Record<string, unknown> }];
  const ExtendedS3DestinationConfiguration = {
    ...destination,
    BucketARN: `arn:aws:s3:::${stage.created.ArchiveBucket}`,
    RoleARN: `arn:aws:iam::${MOTO_ACCOUNT}:role/${stage.created.ArchiveWriterRole}`,
    CloudWatchLoggingOptions: { Enabled: false },
  };
  const made = await awsJson<{ DeliveryStreamARN: string }>('firehose', 'CreateDeliveryStream', {
    DeliveryStreamName,
    DeliveryStreamType: 'DirectPut',
    ExtendedS3DestinationConfiguration,
  });
  const [filter] = propertiesOf(stage, 'AWS::Logs::SubscriptionFilter').filter(({ FilterName }) =>
    FilterName.startsWith('tiercel-archive-'),
  );
  await putFilter(filter as never, made.DeliveryStreamARN, `arn:aws:iam::${MOTO_ACCOUNT}:role/${stage.created.LogsToArchiveRole}`);
}

const auditFilter = (stage: DeployedStage) =>
  propertiesOf(stage, 'AWS::Logs::SubscriptionFilter').find(({ FilterName }) => FilterName.startsWith('tiercel-audit-')) as never;

/** What Secrets Manager does before it calls the function: a version that waits. The stand-in knows none without a value. */
async function beginRotation(SecretId: string, ClientRequestToken: string): Promise<void> {
  const client = new SecretsManagerClient(motoClientOptions);
  const SecretString = 'y'.repeat(64);
  await client.send(new PutSecretValueCommand({ SecretId, ClientRequestToken, SecretString, VersionStages: ['AWSPENDING'] }));
}

async function journalOf(stage: DeployedStage): Promise<string> {
  const { Items = [] } = await awsClients().dynamodb.send(new ScanCommand({ TableName: stage.created.JournalTable }));
  return JSON.stringify(Items);
}

beforeAll(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', motoClientOptions.credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', motoClientOptions.credentials.secretAccessKey);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

// The stand-in cannot run a function without a container: between a service and the packaged bundle, this test carries the message.
describe.skipIf(!motoEndpoint)('the deployed template', () => {
  let falco: FalcoStandIn;
  let fleet: RunningStage;
  let embedded: RunningStage;
  let streamed: Awaited<ReturnType<typeof createLogGroup>>;
  let deliveries: Awaited<ReturnType<typeof subscribeInPlaceOfLambda>>;
  let judged: { write: (lines: readonly string[]) => Promise<void>; deliveries: typeof deliveries };

  beforeAll(async () => {
    falco = await FalcoStandIn.start();
    await promisify(execFile)(process.execPath, [join(root, 'cli/main.ts'), 'rules', 'publish', '--out', join(folder, 'rules')], {
      cwd: root,
    });
    const digest = readFileSync(join(folder, 'rules/digest'), 'utf8').trim();
    fleet = await runStage(
      folder,
      'fleet',
      `account: "${MOTO_ACCOUNT}"
region: ${region}
detection: falco
falco: { url: "${falco.url}", allowPlainHttp: true, rules: [rules/falco], rulesDigest: "${digest}" }
clusters:
  - { name: streamed, path: stream }
  - { name: archived, path: archive }
logRetentionDays: 30
`,
    );
    embedded = await runStage(
      folder,
      'embedded',
      `account: "${MOTO_ACCOUNT}"
region: ${region}
detection: embedded
clusters:
  - { name: judged, path: stream }
  - name: foreign
    account: "444444444444"
    path: archive
    archiveWriterArn: arn:aws:iam::444444444444:role/writer
    respondRoleArn: arn:aws:iam::444444444444:role/tiercel-respond
logRetentionDays: 30
`,
    );
  });
  beforeAll(async () => {
    streamed = await createLogGroup('/aws/eks/streamed/cluster');
    deliveries = await subscribeInPlaceOfLambda(auditFilter(fleet.stage));
    const group = await createLogGroup('/aws/eks/judged/cluster');
    judged = { ...group, deliveries: await subscribeInPlaceOfLambda(auditFilter(embedded.stage)) };
  });
  afterAll(async () => {
    await Promise.all([fleet?.stop(), embedded?.stop(), falco?.stop()]);
  });

  it('is created but for the types that the stand-in’s CloudFormation does not know', async () => {
    for (const { stage } of [fleet, embedded]) {
      const missing = Object.entries(stage.resources).filter(([id, { Type }]) => !(id in stage.created) && !(Type in UNSUPPORTED));
      expect(missing.map(([id, { Type }]) => `${id}: the stand-in does not create ${Type}; add the type to UNSUPPORTED`)).toEqual([]);
    }
    const used = new Set([fleet, embedded].flatMap(({ stage }) => Object.values(stage.resources).map(({ Type }) => Type)));
    const documented = readFileSync(join(root, 'docs/decisions/tests-and-checks.md'), 'utf8');
    for (const type of Object.keys(UNSUPPORTED)) {
      expect(used.has(type), `the template has no ${type} any more; take it from UNSUPPORTED`).toBe(true);
      expect(documented, `${type} stands in docs/decisions/tests-and-checks.md`).toContain(type);
      expect(await isSupported(type), `the stand-in knows ${type} now; take it from UNSUPPORTED`).toBe(false);
    }
    console.log(
      `not created by the stand-in's CloudFormation: ${Object.entries(UNSUPPORTED)
        .map(([type, what]) => `${type} (${what})`)
        .join(', ')}`,
    );
  });

  it('carries an event from the log group through the subscription to Falco', async () => {
    await streamed.write([fresh(sample('bind-cluster-admin'))]);
    const [answer] = await fleet.invoke('auditStream', ...(await deliveries()));
    expect(answer).toMatchObject({ delivered: 1 });
    const [event] = falco.events.splice(0).map((text) => JSON.parse(text));
    expect(event).toMatchObject({
      auditID: JSON.parse(sample('bind-cluster-admin')).auditID,
      annotations: { cluster_name: 'streamed', 'tiercel.dev/account': MOTO_ACCOUNT, 'tiercel.dev/mac': expect.any(String) },
    });
  });

  it('carries an event from the log group through Firehose, the archive and its queue to Falco', async () => {
    const group = await createLogGroup('/aws/eks/archived/cluster');
    await createFirehose(fleet.stage);
    await group.write([fresh(sample('privileged-pod'))]);
    const polled = await fleet.poll('auditArchive', 'ArchiveQueue');
    expect(polled).toMatchObject({ handed: 2, failed: 0 }); // the object, and the test event that S3 sends when announcements are set up
    const [event] = falco.events.splice(0).map((text) => JSON.parse(text));
    expect(event).toMatchObject({ objectRef: { resource: 'pods' }, annotations: { cluster_name: 'archived' } });
  });

  it('keeps what Falco cannot take in the spool, and brings it back through the spool’s queue', async () => {
    falco.behave({ kind: 'status', code: 503 });
    await streamed.write([fresh(sample('delete-namespace')), '{"kind":"Event","auditID":']);
    const [answer] = await fleet.invoke('auditStream', ...(await deliveries()));
    expect(answer).toMatchObject({ spooled: 1 });
    falco.behave({ kind: 'accept' });
    expect(await fleet.poll('auditArchive', 'SpoolQueue')).toMatchObject({ failed: 0 });
    expect(falco.events.splice(0).map((text) => JSON.parse(text).verb)).toEqual(['delete']);
    const { Contents = [] } = await awsClients().s3.send(
      new ListObjectsV2Command({ Bucket: fleet.stage.created.SpoolBucket, Prefix: 'spool/' }),
    );
    expect(Contents).toEqual([]);
  });

  it('with embedded detection carries an attack from the log group through respond’s queue into the journal', async () => {
    await judged.write([fresh(sample('bind-cluster-admin'))]);
    const [answer] = await embedded.invoke('auditStream', ...(await judged.deliveries()));
    expect(answer).toMatchObject({ delivered: 1 });
    const polled = await embedded.poll('respond', 'RespondQueue');
    expect(polled.handed).toBeGreaterThan(0);
    expect(polled.failed).toBe(0);
    const journal = await journalOf(embedded.stage);
    expect(journal).toContain('Binding to cluster-admin Created or Changed');
    expect(journal).toContain('judged');
  });

  it('hands back what Falco does not take from the archive, and reads what Lambda could not deliver', async () => {
    const { s3 } = awsClients();
    const { ArchiveBucket, SpoolBucket } = fleet.stage.created;
    falco.behave({ kind: 'status', code: 503 });
    const Key = `audit/${MOTO_ACCOUNT}/${region}/archived/2026/11/21/08/late.json`;
    await s3.send(new PutObjectCommand({ Bucket: ArchiveBucket, Key, Body: envelopeText([fresh(sample('secret-get'))]) }));
    expect(await fleet.poll('auditArchive', 'ArchiveQueue')).toMatchObject({ handed: 1, failed: 1 });
    falco.behave({ kind: 'accept' });

    const requestPayload = delivery([fresh(sample('list-services'))], { logGroup: '/aws/eks/streamed/cluster', owner: MOTO_ACCOUNT });
    const failed = JSON.parse(readFileSync(join(root, 'events/audit-archive/on-failure.json'), 'utf8')) as object;
    const name = 'aws/lambda/async/tiercel-fleet-auditStream/2026/11/21/1.json';
    await s3.send(new PutObjectCommand({ Bucket: SpoolBucket, Key: name, Body: JSON.stringify({ ...failed, requestPayload }) }));
    expect(await fleet.poll('auditArchive', 'SpoolQueue')).toMatchObject({ handed: 1, failed: 0 });
    expect(falco.events.splice(0).map((text) => JSON.parse(text).objectRef.resource)).toEqual(['services']);
  });

  it('quarantines what nobody can read, and sweeps the spool', async () => {
    const { ArchiveBucket, QuarantineBucket } = fleet.stage.created;
    const Key = `audit/${MOTO_ACCOUNT}/${region}/archived/2026/11/21/08/garbage.json`;
    await awsClients().s3.send(new PutObjectCommand({ Bucket: ArchiveBucket, Key, Body: 'neither JSON nor gzip' }));
    await fleet.poll('auditArchive', 'ArchiveQueue');
    const { Contents = [] } = await awsClients().s3.send(new ListObjectsV2Command({ Bucket: QuarantineBucket }));
    expect(Contents.length).toBeGreaterThan(0);
    const [sweep] = propertiesOf(fleet.stage, 'AWS::Events::Rule').flatMap(({ Targets }) => Targets as { Input?: string }[]);
    await fleet.invoke('auditArchive', JSON.parse(sweep?.Input ?? ''));
  });

  it('sends a heartbeat into the log, and brings it back as an alert', async () => {
    await embedded.invoke('heartbeat', { 'detail-type': 'Scheduled Event', source: 'aws.events' });
    await embedded.invoke('auditStream', ...(await judged.deliveries()));
    expect(await embedded.poll('respond', 'RespondQueue')).toMatchObject({ failed: 0 });
    const { Items = [] } = await awsClients().dynamodb.send(new ScanCommand({ TableName: embedded.stage.created.HeartbeatTable }));
    expect(JSON.stringify(Items)).toContain('judged');
  });

  it('judges the archive of another account, and asks for its cluster in the role that the stage names', async () => {
    const Key = `audit/444444444444/${region}/foreign/2026/11/21/08/1.json`;
    const Body = envelopeText([fresh(sample('exec-started'))], { owner: '444444444444', logGroup: '/aws/eks/foreign/cluster' });
    await awsClients().s3.send(new PutObjectCommand({ Bucket: embedded.stage.created.ArchiveBucket, Key, Body }));
    expect(await embedded.poll('auditArchive', 'ArchiveQueue')).toMatchObject({ failed: 0 });
    expect(await embedded.poll('respond', 'RespondQueue')).toMatchObject({ failed: 0 });
    expect(embedded.calls('respond')).toContainEqual({
      action: 'sts:AssumeRole',
      resource: 'arn:aws:iam::444444444444:role/tiercel-respond',
    });
  });

  it('rotates the MAC key', async () => {
    const SecretId = Object.values(fleet.stage.secrets)[0]!;
    const ClientRequestToken = 'c5a9b6d0-6d1f-4f0e-9a3c-2f5d7c1e9b42';
    await beginRotation(SecretId, ClientRequestToken);
    for (const Step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret'])
      await fleet.invoke('rotateMacKey', { Step, SecretId, ClientRequestToken });
  });

  it('lets respond write what it journals, and not the run-time switch beside it', async () => {
    const statements = await statementsOf(embedded.stage.functions.respond!.role);
    const write = (leadingKey: string) => {
      const resource = `arn:aws:dynamodb:${region}:${MOTO_ACCOUNT}:table/${embedded.stage.created.JournalTable}`;
      return statements.some((statement) => allows(statement, { action: 'dynamodb:UpdateItem', resource, leadingKey }));
    };
    expect([write('event#0123'), write('budget#prod'), write('cooldown#prod'), write('switch')]).toEqual([true, true, true, false]);
  });

  it('names for each call that it does not show a test that does', () => {
    const reasons = Object.values(NOT_OBSERVED).flatMap((listed) => Object.values(listed));
    const files = reasons.flatMap((reason) => reason.match(/test\/[\w/.-]+\.ts/g) ?? []);
    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  // Last, because it judges what the tests above have made the functions do.
  describe.each(['auditStream', 'auditArchive', 'respond', 'heartbeat', 'rotateMacKey'])('the role of %s', (key) => {
    let statements: readonly RoleStatement[];
    let calls: readonly ObservedCall[];

    beforeAll(async () => {
      const of = async ({ stage }: RunningStage) => await statementsOf(stage.functions[key]!.role);
      statements = [...(await of(fleet)), ...(await of(embedded))];
      calls = [...fleet.calls(key), ...embedded.calls(key)];
    });

    it('holds every call that was made, for that resource', () => {
      const refused = calls.filter((call) => !statements.some((statement) => allows(statement, call)));
      expect([...new Set(refused.map(({ action, resource }) => `${action} ${resource}`))]).toEqual([]);
      expect(calls.length).toBeGreaterThan(0);
    });

    it('holds nothing that nobody calls: what was not seen is listed with its reason, and what is listed was not seen', () => {
      const held = statements.flatMap(({ Sid, Action, ...rest }) => [Action].flat().map((Action) => ({ ...rest, Sid, Action })));
      const nameOf = ({ Sid, Action }: (typeof held)[number]) => `${Sid} ${Action}`;
      const seen = new Set(held.filter((statement) => calls.some((call) => allows(statement, call))).map(nameOf));
      const unseen = new Set(held.map(nameOf).filter((name) => !seen.has(name)));
      const listed = NOT_OBSERVED[key] ?? {};
      expect([...unseen].filter((name) => !(name in listed) && !(name in BY_AWS))).toEqual([]);
      expect(Object.keys(listed).filter((name) => !unseen.has(name))).toEqual([]);
    });
  });
});

/** Whether a statement allows a call. The stand-in's CloudFormation leaves the `:*` off a log group's ARN that AWS has there. */
function allows({ Action, Resource, Condition }: RoleStatement, { action, resource, leadingKey }: ObservedCall): boolean {
  const patterns = [Resource]
    .flat()
    .flatMap((pattern) => (/^arn:aws:logs:[^:]*:\d+:log-group:[^:]+$/.test(pattern) ? [pattern, `${pattern}:*`] : [pattern]));
  const keys = Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'];
  if (keys !== undefined && !keys.some((pattern) => covers(pattern, leadingKey ?? ''))) return false;
  return [Action].flat().includes(action) && patterns.some((pattern) => covers(pattern, resource));
}

/** `*` and `?` as IAM reads them in a resource. */
function covers(pattern: string, resource: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`).test(resource);
}
