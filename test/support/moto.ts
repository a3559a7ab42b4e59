/**
 * The AWS stand-in of the `aws` test project: moto's server, one per run, on loopback, on a free port.
 * The default export is vitest's global set-up; suites use the named exports:
 *
 *     describe.skipIf(!motoEndpoint)('…', () => {
 *       const { s3, sqs } = awsClients();
 *       const bucket = await createBucket('archive');
 *
 * The server is found through TIERCEL_MOTO (path of `moto_server`) or in `.cache/venv` (made by `bash .ci/venv`). Without it the suites are
 * skipped with a line that says so; with CI=true the run fails instead, so that nothing passes in silence.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  CreateBucketCommand,
  type Event,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { readCloudFormation } from './cloudformation.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Base URL of the stand-in, or '' where there is none. */
    motoEndpoint: string;
  }
}

const root = resolve(import.meta.dirname, '../..');
const REGION = 'eu-central-1';
const START_TIMEOUT_MS = 60_000;

/** moto's account for callers whose credentials name none. */
export const MOTO_ACCOUNT = '123456789012';

/** Base URL of the stand-in; '' means: skip. (Empty in the global set-up's own process, where nothing is provided yet.) */
export const motoEndpoint: string = readProvidedEndpoint();

function readProvidedEndpoint(): string {
  try {
    return inject('motoEndpoint') ?? '';
  } catch {
    return '';
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const binary = process.env.TIERCEL_MOTO ?? join(root, '.cache/venv/bin/moto_server');
  if (!existsSync(binary)) {
    const reason = `${binary} does not exist; run \`bash .ci/venv\` (Python 3.11), or point TIERCEL_MOTO at a moto_server`;
    if (process.env.CI === 'true') throw new Error(`test:aws cannot run: ${reason}`);
    console.log(`not run: test:aws needs moto: ${reason}`);
    project.provide('motoEndpoint', '');
    return undefined;
  }
  const moto = await startMoto(binary);
  project.provide('motoEndpoint', moto.endpoint);
  return moto.stop;
}

/** Starts moto on a free loopback port. `stop` ends it and waits for its exit. */
async function startMoto(binary: string): Promise<{ endpoint: string; stop: () => Promise<void> }> {
  const child = spawn(binary, ['-H', '127.0.0.1', '-p', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PYTHONUNBUFFERED: '1' },
  });
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  const endpoint = await endpointOf(child);
  const stopWithParent = () => child.kill('SIGKILL');
  process.once('exit', stopWithParent);
  return {
    endpoint,
    stop: async () => {
      process.off('exit', stopWithParent);
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** The address the server prints once it listens. The pipes stay drained afterwards: a full one would stop the server. */
async function endpointOf(child: ChildProcess): Promise<string> {
  return await new Promise((found, failed) => {
    let printed = '';
    const timer = setTimeout(() => fail(`did not listen within ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS);
    const fail = (why: string) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      failed(new Error(`moto_server ${why}. It printed:\n${printed}`));
    };
    const read = (chunk: Buffer) => {
      if (printed.length < 10_000) printed += chunk.toString();
      const address = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(printed)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      found(address);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', (error) => fail(`could not be started: ${error.message}`));
    child.once('exit', (code) => fail(`ended with code ${code}`));
  });
}

/** What every client needs to speak to the stand-in and to nothing else. Spread it into further clients' options. */
export const motoClientOptions = {
  endpoint: motoEndpoint === '' ? 'http://127.0.0.1:1' : motoEndpoint,
  region: REGION,
  credentials: { accessKeyId: 'testing', secretAccessKey: 'testing' },
} as const;

/** Environment of a function that runs in the test's own process, with moto for AWS. */
export const motoEnvironment = {
  AWS_REGION: motoClientOptions.region,
  AWS_ENDPOINT_URL: motoClientOptions.endpoint,
  AWS_ACCESS_KEY_ID: motoClientOptions.credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: motoClientOptions.credentials.secretAccessKey,
  POWERTOOLS_LOG_LEVEL: 'SILENT',
  POWERTOOLS_METRICS_DISABLED: 'true',
};

let clients: { s3: S3Client; sqs: SQSClient; dynamodb: DynamoDBClient } | undefined;

/** One client per service, shared within a test file. */
export function awsClients(): { s3: S3Client; sqs: SQSClient; dynamodb: DynamoDBClient } {
  clients ??= {
    s3: new S3Client({ ...motoClientOptions, forcePathStyle: true }),
    sqs: new SQSClient(motoClientOptions),
    dynamodb: new DynamoDBClient(motoClientOptions),
  };
  return clients;
}

let made = 0;

/** A name nobody else in this run has: suites share one server, never a resource. */
export function uniqueName(base: string): string {
  made += 1;
  return `${base}-${process.pid}-${Date.now().toString(36)}-${made}`;
}

/** A new, versioned bucket (as the deployed ones are). Resolves to its name. */
export async function createBucket(base: string): Promise<string> {
  const { s3 } = awsClients();
  const Bucket = uniqueName(base);
  await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: REGION } }));
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  return Bucket;
}

/** A new queue; `attributes` as SQS spells them, e.g. `{ VisibilityTimeout: '30' }`. */
export async function createQueue(base: string, attributes: Record<string, string> = {}): Promise<{ url: string; arn: string }> {
  const { sqs } = awsClients();
  const { QueueUrl: url = '' } = await sqs.send(new CreateQueueCommand({ QueueName: uniqueName(base), Attributes: attributes }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }));
  return { url, arn: Attributes?.QueueArn ?? '' };
}

/** Up to ten messages, as Lambda hands them to a function; hidden for `visibilitySeconds`, by default as long as the queue says. */
export async function receiveRecords(queue: { url: string; arn: string }, visibilitySeconds?: number): Promise<SQSRecord[]> {
  const { Messages = [] } = await awsClients().sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: queue.url,
      MaxNumberOfMessages: 10,
      VisibilityTimeout: visibilitySeconds,
      MessageSystemAttributeNames: ['All'],
    }),
  );
  return Messages.map((message) => ({
    messageId: message.MessageId!,
    receiptHandle: message.ReceiptHandle!,
    body: message.Body!,
    attributes: message.Attributes as never,
    messageAttributes: {},
    md5OfBody: message.MD5OfBody!,
    eventSource: 'aws:sqs',
    eventSourceARN: queue.arn,
    awsRegion: REGION,
  }));
}

/** Has `bucket` tell `queueArn` about new objects under `prefix`. Replaces earlier notifications of the bucket. */
export async function notifyQueue(bucket: string, queueArn: string, prefix = '', events: Event[] = ['s3:ObjectCreated:*']): Promise<void> {
  await awsClients().s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: bucket,
      NotificationConfiguration: {
        QueueConfigurations: [
          { QueueArn: queueArn, Events: events, Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: prefix }] } } },
        ],
      },
    }),
  );
}

/** A new table with exactly the keys and indexes that `infra/resources/tables.yml` deploys under this logical id. Resolves to its name. */
export async function createTable(logicalId: 'IdempotencyTable' | 'CheckpointTable' | 'JournalTable' | 'HeartbeatTable'): Promise<string> {
  const file = join(root, 'infra/resources/tables.yml');
  const table = readCloudFormation(readFileSync(file, 'utf8')).Resources?.[logicalId];
  if (table?.Type !== 'AWS::DynamoDB::Table') throw new Error(`${file} has no table ${logicalId}`);
  const { KeySchema, AttributeDefinitions, BillingMode, GlobalSecondaryIndexes } = table.Properties as unknown as CreateTableCommandInput;
  const TableName = uniqueName(logicalId);
  await awsClients().dynamodb.send(
    new CreateTableCommand({
      TableName,
      KeySchema,
      AttributeDefinitions,
      BillingMode,
      ...(GlobalSecondaryIndexes ? { GlobalSecondaryIndexes } : {}),
    }),
  );
  return TableName;
}
