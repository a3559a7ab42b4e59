/**
 * A stage packaged by the framework and created in the AWS stand-in as far as its CloudFormation goes. What it does not know is on a list here;
 * of these, what a test's path needs is made by calls to the services, with the template's own properties.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type QueueConfiguration,
} from '@aws-sdk/client-s3';
import { CreateScheduleGroupCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { LocalFunction } from '../../cli/lambda-runtime/function-process.ts';
import { unpackInto } from '../../cli/lambda-runtime/package-folder.ts';
import { awsClients, MOTO_ACCOUNT, motoClientOptions, motoEndpoint } from './moto.ts';

const root = resolve(import.meta.dirname, '../..');
const { region } = motoClientOptions;

/** Types that the stand-in's CloudFormation does not create, and what becomes of them. `docs/decisions/tests-and-checks.md` has the list too. */
export const UNSUPPORTED: Readonly<Record<string, 'made by a call' | 'left out'>> = {
  'AWS::CloudWatch::Alarm': 'left out',
  'AWS::EKS::AccessEntry': 'left out',
  'AWS::KinesisFirehose::DeliveryStream': 'made by a call',
  'AWS::Lambda::EventInvokeConfig': 'left out',
  'AWS::Logs::LogStream': 'left out',
  'AWS::Logs::QueryDefinition': 'left out',
  'AWS::Logs::SubscriptionFilter': 'made by a call',
  'AWS::S3::BucketPolicy': 'left out',
  'AWS::SQS::QueuePolicy': 'left out',
  'AWS::Scheduler::ScheduleGroup': 'made by a call',
  'AWS::SecretsManager::RotationSchedule': 'left out',
  'AWS::SecretsManager::Secret': 'made by a call',
};

export interface TemplateResource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template is whatever CloudFormation knows
  readonly Properties: Record<string, any>;
  readonly DependsOn?: string | readonly string[];
}

export interface DeployedFunction extends LocalFunction {
  readonly role: string;
}

export interface DeployedStage {
  /** Resources of the template, as packaged. */
  readonly resources: Readonly<Record<string, TemplateResource>>;
  /** Logical id → what `Ref` gives, of all that the stand-in's CloudFormation has created. */
  readonly created: Readonly<Record<string, string>>;
  /** By the key in serverless.yml: package unpacked, environment as CloudFormation has resolved it. */
  readonly functions: Readonly<Record<string, DeployedFunction>>;
  readonly secrets: Readonly<Record<string, string>>;
}

/** `npm run package` for a stage file that only the test knows, in a copy of what the framework reads. */
export async function packageStage(folder: string, stage: string, stageFile: string): Promise<string> {
  const tree = join(folder, `tree-${stage}`);
  const output = join(folder, `package-${stage}`);
  mkdirSync(tree);
  for (const part of ['serverless.yml', 'package.json', 'tsconfig.json', 'infra', 'functions', 'shared', 'rules'])
    cpSync(join(root, part), join(tree, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  writeFileSync(join(tree, `infra/stages/${stage}.yml`), stageFile);
  const framework = join(tree, 'node_modules/osls/bin/serverless.js');
  await promisify(execFile)(process.execPath, [framework, 'package', '--stage', stage, '--package', output], {
    cwd: tree,
    timeout: 60_000,
    env: { PATH: process.env.PATH, HOME: folder, AWS_EC2_METADATA_DISABLED: 'true' },
  }).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`Stage ${stage} cannot be packaged:\n${error.stdout}${error.stderr}`, { cause: error });
  });
  return output;
}

/** Deploys as the framework does: a stack with the bucket for packages, the packages, then the whole template. */
export async function deployStage(packageFolder: string, folder: string, stage: string): Promise<DeployedStage> {
  const read = (name: string) =>
    JSON.parse(readFileSync(join(packageFolder, `cloudformation-template-${name}-stack.json`), 'utf8')) as {
      Mappings?: object;
      Resources: Record<string, TemplateResource>;
    };
  const { s3 } = awsClients();
  const StackName = `tiercel-${stage}`;
  await cloudFormation('CreateStack', { StackName, TemplateBody: JSON.stringify(without(read('create').Resources)) });
  const bucket = (await createdBy(StackName)).ServerlessDeploymentBucket ?? '';

  const { Resources: resources, Mappings } = read('update');
  const functions = Object.values(resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
  for (const { Properties } of functions) {
    const Body = readFileSync(join(packageFolder, String(Properties.Code.S3Key).split('/').at(-1)!));
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: Properties.Code.S3Key, Body }));
  }
  const secrets = await makeWhatOthersReferTo(resources);
  const substituted = {
    Mappings,
    ...without(resources, { MacKeySecret: Object.values(secrets)[0] ?? '', ...scheduleGroupArns(resources) }),
  };
  const TemplateURL = `https://s3.${region}.amazonaws.com/${bucket}/template.json`;
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'template.json', Body: JSON.stringify(substituted) }));
  await cloudFormation('UpdateStack', { StackName, TemplateURL, 'Capabilities.member.1': 'CAPABILITY_NAMED_IAM' });
  const created = await createdBy(StackName);
  await finishBuckets(resources, created);

  const lambda = new LambdaClient(motoClientOptions);
  const deployed: Record<string, DeployedFunction> = {};
  for (const { Properties } of functions) {
    const { FunctionName } = Properties;
    const key = String(FunctionName).split('-').at(-1)!;
    const taskRoot = join(folder, `${stage}-${key}`);
    await unpackInto(taskRoot, join(packageFolder, `${key}.zip`));
    const configuration = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    deployed[key] = {
      name: FunctionName,
      handler: configuration.Handler ?? '',
      taskRoot,
      memoryMiB: configuration.MemorySize ?? 0,
      timeoutSeconds: configuration.Timeout ?? 0,
      environment: configuration.Environment?.Variables ?? {},
      region,
      account: MOTO_ACCOUNT,
      role: configuration.Role?.split('/').at(-1) ?? '',
    };
  }
  return { resources, created, functions: deployed, secrets };
}

/** Creates a stack of one resource: what a type on the list needs to be looked at again. @returns whether the stand-in knows the type now. */
export async function isSupported(type: string): Promise<boolean> {
  const StackName = `probe-${type.replace(/\W+/g, '-')}`;
  try {
    await cloudFormation('CreateStack', { StackName, TemplateBody: JSON.stringify({ Resources: { It: { Type: type, Properties: {} } } }) });
  } catch {
    return true; // A type that is not known is passed over; one that is known asks for its properties.
  }
  return 'It' in (await createdBy(StackName));
}

/** The statements of a role's own policies, as they stand in IAM after CloudFormation. */
export async function statementsOf(role: string): Promise<readonly RoleStatement[]> {
  const names = values(await query('iam', 'ListRolePolicies', { RoleName: role, Version: '2010-05-08' }), 'member');
  const statements: RoleStatement[] = [];
  for (const PolicyName of names) {
    const answer = await query('iam', 'GetRolePolicy', { RoleName: role, PolicyName, Version: '2010-05-08' });
    const text = values(answer, 'PolicyDocument')[0] ?? '';
    // The stand-in's CloudFormation hands IAM the document in Python's spelling, and keeps what AWS::NoValue takes out.
    const document = JSON.parse(unescapeXml(text).replaceAll("'", '"').replaceAll(' None', ' null')) as {
      Statement: (RoleStatement | null)[];
    };
    statements.push(...document.Statement.filter((statement) => statement !== null));
  }
  return statements;
}

export interface RoleStatement {
  readonly Sid: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

const unescapeXml = (text: string) =>
  text
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, '&');

/** The template without the types on the list; references to what was made by a call become its text. */
function without(resources: Record<string, TemplateResource>, texts: Readonly<Record<string, string>> = {}) {
  const gone = new Set(Object.keys(resources).filter((id) => resources[id]!.Type in UNSUPPORTED));
  const resolved = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolved);
    if (typeof value !== 'object' || value === null) return value;
    const record = value as Record<string, unknown>;
    const target = record.Ref ?? (record['Fn::GetAtt'] as string[] | undefined)?.[0];
    if (typeof target === 'string' && gone.has(target)) {
      if (texts[target] === undefined) throw new Error(`Something refers to ${target}, a ${resources[target]!.Type}, which was left out.`);
      return texts[target];
    }
    return Object.fromEntries(Object.entries(record).map(([name, member]) => [name, resolved(member)]));
  };
  const kept = Object.entries(resources).flatMap(([id, resource]) => {
    if (gone.has(id)) return [];
    const waits = [resource.DependsOn ?? []].flat().filter((other) => !gone.has(other));
    return [[id, { ...(resolved(resource) as object), DependsOn: waits }]];
  });
  return { AWSTemplateFormatVersion: '2010-09-09', Resources: Object.fromEntries(kept) };
}

async function makeWhatOthersReferTo(resources: Record<string, TemplateResource>): Promise<Record<string, string>> {
  const secrets = new SecretsManagerClient(motoClientOptions);
  const scheduler = new SchedulerClient(motoClientOptions);
  const arns: Record<string, string> = {};
  for (const { Type, Properties } of Object.values(resources)) {
    if (Type === 'AWS::SecretsManager::Secret') {
      const { GenerateSecretString, Name, Description } = Properties;
      const SecretString = 'x'.repeat(GenerateSecretString.PasswordLength);
      arns[Name] = (await secrets.send(new CreateSecretCommand({ Name, Description, SecretString }))).ARN ?? '';
    }
    if (Type === 'AWS::Scheduler::ScheduleGroup') await scheduler.send(new CreateScheduleGroupCommand({ Name: Properties.Name }));
  }
  return arns;
}

function scheduleGroupArns(resources: Record<string, TemplateResource>): Record<string, string> {
  const groups = Object.entries(resources).filter(([, { Type }]) => Type === 'AWS::Scheduler::ScheduleGroup');
  return Object.fromEntries(
    groups.map(([id, { Properties }]) => [id, `arn:aws:scheduler:${region}:${MOTO_ACCOUNT}:schedule-group/${Properties.Name}`]),
  );
}

/** The stand-in's CloudFormation makes a bucket, but neither its versions nor its announcements. */
async function finishBuckets(resources: Record<string, TemplateResource>, created: Record<string, string>): Promise<void> {
  const { s3 } = awsClients();
  for (const [id, { Type, Properties }] of Object.entries(resources)) {
    if (Type !== 'AWS::S3::Bucket') continue;
    const Bucket = created[id];
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: Properties.VersioningConfiguration }));
    const announced: { Event: string; Queue: { 'Fn::GetAtt': string[] }; Filter: { S3Key: { Rules: unknown[] } } }[] =
      Properties.NotificationConfiguration?.QueueConfigurations ?? [];
    const QueueConfigurations = announced.map(({ Event, Queue, Filter }) => ({
      QueueArn: `arn:aws:sqs:${region}:${MOTO_ACCOUNT}:${created[Queue['Fn::GetAtt'][0]!]?.split('/').at(-1)}`,
      Events: [Event],
      Filter: { Key: { FilterRules: Filter.S3Key.Rules } },
    })) as QueueConfiguration[];
    if (QueueConfigurations.length > 0)
      await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: { QueueConfigurations } }));
  }
}

async function createdBy(StackName: string): Promise<Record<string, string>> {
  const answer = await cloudFormation('DescribeStackResources', { StackName });
  const members = answer.split('<member>').filter((text) => text.includes('<LogicalResourceId>'));
  return Object.fromEntries(members.map((text) => [values(text, 'LogicalResourceId')[0]!, values(text, 'PhysicalResourceId')[0] ?? '']));
}

const cloudFormation = (action: string, input: Record<string, string>) =>
  query('cloudformation', action, { ...input, Version: '2010-05-15' });

/** One call of a service that speaks the query protocol, of which no client is needed elsewhere. */
async function query(service: 'cloudformation' | 'iam', Action: string, input: Record<string, string>): Promise<string> {
  const answer = await fetch(motoEndpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
      authorization: `AWS4-HMAC-SHA256 Credential=testing/20261121/${region}/${service}/aws4_request, SignedHeaders=host, Signature=none`,
    },
    body: new URLSearchParams({ Action, ...input }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${Action}: ${answer.status} ${text.slice(0, 2000)}`);
  return text;
}

/** Texts of all elements of this name. */
function values(xml: string, element: string): string[] {
  return [...xml.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, 'g'))].map(([, text]) => text!);
}
