import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deployment } from '../../infra/stage/deployment.ts';
import { parseStage } from '../../infra/stage/read.ts';
import { readCloudFormation } from '../support/cloudformation.ts';
import { actionsCalledFrom, loadedFrom } from '../support/sdk-calls.ts';

const root = resolve(import.meta.dirname, '../..');

interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const read = (file: string) => readCloudFormation(readFileSync(join(root, file), 'utf8'));

/** Statements that depend on the stage, at their fullest. */
const INCLUDED: Readonly<Record<string, Statement>> = {
  'vpc-statement.yml': (read('infra/resources/vpc-statement.yml') as unknown as Record<string, Statement>).inside!,
  'trace-statement.yml': (read('infra/resources/trace-statement.yml') as unknown as Record<string, Statement>).some!,
  'describe-': (read('infra/resources/cluster-statements.yml') as unknown as Record<string, Statement>)['describe-some']!,
  'assume-': (read('infra/resources/cluster-statements.yml') as unknown as Record<string, Statement>)['assume-some']!,
  'streams-': (read('infra/resources/heartbeat-statements.yml') as unknown as Record<string, Statement>)['streams-some']!,
  'objects-': (read('infra/resources/heartbeat-statements.yml') as unknown as Record<string, Statement>)['objects-some']!,
  'topics-': (read('infra/resources/channel-statements.yml') as unknown as Record<string, Statement>)['topics-some']!,
  'buses-': (read('infra/resources/channel-statements.yml') as unknown as Record<string, Statement>)['buses-some']!,
  'secrets-': (read('infra/resources/channel-statements.yml') as unknown as Record<string, Statement>)['secrets-some']!,
  'keys-': (read('infra/resources/channel-statements.yml') as unknown as Record<string, Statement>)['keys-some']!,
};

function statementsOf(folder: string): Statement[] {
  const [role] = Object.values(read(`functions/${folder}/role.yml`).Resources ?? {});
  const policies = (role?.Properties?.Policies ?? []) as { PolicyDocument: { Statement: (Statement | string)[] } }[];
  return policies
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .map((statement) => {
      if (typeof statement !== 'string') return statement;
      const included = Object.entries(INCLUDED).find(([mark]) => statement.includes(mark));
      if (!included) throw new Error(`functions/${folder}/role.yml includes ${statement}, which this test does not know.`);
      return included[1];
    });
}

const listOf = (value: string | readonly string[]): readonly string[] => (typeof value === 'string' ? [value] : value);

/** AWS knows no resource for these, or Lambda asks for them on every resource. */
const WITHOUT_RESOURCE = [
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

/** What AWS does in a function's name, so that no line of ours calls it. */
const CALLED_BY_AWS: Readonly<Record<string, readonly string[]>> = {
  OwnLogs: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  Trace: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
  NetworkInterfaces: WITHOUT_RESOURCE.filter((action) => action.startsWith('ec2:')),
  TakeAnnouncements: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
  TakeAlerts: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
  FailedInvocations: ['s3:PutObject'],
  FindFailureBucket: ['s3:ListBucket'],
  TellGoneFromForbidden: ['s3:ListBucket'],
  DataKey: ['kms:Decrypt', 'kms:GenerateDataKey'],
  ChannelKeys: ['kms:Decrypt', 'kms:GenerateDataKey'],
};

/** Calls that stand in a loaded file, in an export that this function's code imports nowhere (the tests check that). */
const NOT_IMPORTED: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'audit-stream': { createBucketReader: ['s3:GetObject', 's3:GetObjectVersion', 's3:DeleteObject', 's3:DeleteObjectVersion'] },
  heartbeat: { createBucketReader: ['s3:GetObject', 's3:GetObjectVersion', 's3:DeleteObject', 's3:DeleteObjectVersion'] },
  respond: { createBucketReader: ['s3:GetObject', 's3:GetObjectVersion', 's3:DeleteObject', 's3:DeleteObjectVersion'] },
};

describe.each(['audit-stream', 'audit-archive', 'respond', 'heartbeat', 'rotate-mac-key'])('role of %s', (folder) => {
  const statements = statementsOf(folder);

  it('names every action, and a resource wherever AWS knows one', () => {
    for (const { Sid, Effect, Action, Resource } of statements) {
      expect(Effect, Sid).toBe('Allow');
      expect(
        listOf(Action).filter((action) => action.includes('*')),
        Sid,
      ).toEqual([]);
      if (listOf(Resource).includes('*')) expect(WITHOUT_RESOURCE, Sid).toEqual(expect.arrayContaining([...listOf(Action)]));
    }
  });

  it('holds every call the code makes', () => {
    const allowed = new Set(statements.flatMap(({ Action }) => listOf(Action)));
    const elsewhere = Object.values(NOT_IMPORTED[folder] ?? {}).flat();
    const called = [...actionsCalledFrom(`functions/${folder}/handler.ts`)].filter((action) => !elsewhere.includes(action));
    expect(called.filter((action) => !allowed.has(action))).toEqual([]);
  });

  it('leaves out only calls of exports that nothing here imports', () => {
    const sources = loadedFrom(`functions/${folder}/handler.ts`).map((file) => readFileSync(join(root, file), 'utf8'));
    const imported = Object.keys(NOT_IMPORTED[folder] ?? {}).filter((name) =>
      sources.some((text) => new RegExp(`import [^;]*\\b${name}\\b[^;]* from`).test(text)),
    );
    expect(imported).toEqual([]);
  });

  it('holds nothing that is never called', () => {
    const called = actionsCalledFrom(`functions/${folder}/handler.ts`);
    const idle = statements.flatMap(({ Sid, Action }) =>
      listOf(Action)
        .filter((action) => !called.has(action) && !CALLED_BY_AWS[Sid]?.includes(action))
        .map((action) => `${Sid}: ${action}`),
    );
    expect(idle).toEqual([]);
  });

  it('gives each statement a name of its own', () => {
    const sids = statements.map(({ Sid }) => Sid);
    expect(new Set(sids).size).toBe(sids.length);
  });
});

describe('roles together', () => {
  it('lets Lambda make network interfaces, and no code of ours', () => {
    // Calls of a function's code carry its ARN; those of Lambda itself do not.
    expect(INCLUDED['vpc-statement.yml']?.Condition).toEqual({ Null: { 'lambda:SourceFunctionArn': 'true' } });
  });

  const resourcesOf = (folder: string, action: string) =>
    statementsOf(folder)
      .filter(({ Action }) => listOf(Action).includes(action))
      .flatMap(({ Resource }) => listOf(Resource));

  it('lets no function write where the archive is announced', () => {
    for (const folder of ['audit-stream', 'audit-archive', 'respond']) {
      expect(resourcesOf(folder, 's3:PutObject').filter((resource) => /ArchiveBucket|archiveArn/.test(resource))).toEqual([]);
    }
  });

  it('lets heartbeat write where the archive is announced, and below a folder of its own only', () => {
    const written = resourcesOf('heartbeat', 's3:PutObject').filter((resource) => !resource.includes('QuarantineBucket'));
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the framework
    expect(written).toEqual(['${self:custom.stage.heartbeats.objectArns}']);
  });

  it('lets only heartbeat and respond change what is known of beats, and neither read it', () => {
    for (const folder of ['audit-stream', 'audit-archive', 'respond', 'heartbeat', 'rotate-mac-key']) {
      const actions = statementsOf(folder)
        .filter(({ Resource }) => listOf(Resource).includes('HeartbeatTable.Arn'))
        .flatMap(({ Action }) => listOf(Action));
      const wanted: Readonly<Record<string, readonly string[]>> = {
        'audit-stream': ['dynamodb:Scan'],
        'audit-archive': ['dynamodb:Scan'],
        respond: ['dynamodb:UpdateItem'],
        heartbeat: ['dynamodb:UpdateItem'],
      };
      expect(actions, folder).toEqual(wanted[folder] ?? []);
    }
  });

  it('lets audit-archive, which reads the spool, not write into it', () => {
    expect(resourcesOf('audit-archive', 's3:PutObject').filter((resource) => resource.includes('SpoolBucket'))).toEqual([]);
  });

  it('lets respond neither turn the run-time switch nor delete from the journal', () => {
    const journal = statementsOf('respond').filter(({ Resource }) => listOf(Resource).includes('JournalTable.Arn'));
    expect(journal.flatMap(({ Action }) => listOf(Action)).sort()).toEqual(['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:UpdateItem']);
    for (const { Sid, Condition } of journal.filter(({ Action }) => listOf(Action).includes('dynamodb:UpdateItem'))) {
      const keys = Condition?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'] ?? ['*'];
      // The switch is the item `switch` of the same table (shared/respond/mode-switch.ts).
      expect(keys, Sid).toEqual(['event#*', 'budget#*', 'cooldown#*']);
      expect(Condition?.Null, Sid).toEqual({ 'dynamodb:LeadingKeys': 'false' });
    }
  });
});

describe('the search for calls', () => {
  it('follows imports, and leaves types alone', () => {
    const loaded = loadedFrom('functions/audit-stream/handler.ts');
    expect(loaded).toContain('shared/platform/aws/s3.ts');
    expect(loaded).toContain('functions/audit-stream/wire.ts');
    expect(loaded).not.toContain('shared/respond/plan.ts');
  });

  it('does not pass over a command it does not know', () => {
    expect(() => actionsCalledFrom('test/integration/aws/moto.test.ts')).toThrow(
      /does not know which IAM actions client-sqs ReceiveMessage/,
    );
  });
});

describe('a stage without traces', () => {
  it('gives no function the right to send some', () => {
    const text = "account: '111111111111'\nregion: eu-central-1\ndetection: embedded\nlogRetentionDays: 30\n";
    const of = (more: string) => deployment({ name: 'test', ...parseStage('test.yml', `${text}${more}`) }).traces;
    expect([of(''), of('tracing: false\n')]).toEqual(['some', 'none']);
    const statements = read('infra/resources/trace-statement.yml') as unknown as Record<string, unknown>;
    expect(statements).toMatchObject({ some: { Sid: 'Trace' }, none: 'AWS::NoValue' });
  });
});
