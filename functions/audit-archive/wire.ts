import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { ChangeMessageVisibilityCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSRecord } from 'aws-lambda';
import type { IngestObjectDeps, IngestObjectTimes } from '../../shared/flows/ingest-object.ts';
import { wireIngest } from '../../shared/flows/ingest-wiring.ts';
import type { SweepDeps } from '../../shared/flows/sweep.ts';
import { answeredWithin } from '../../shared/platform/aws/answered-within.ts';
import { createDynamoDBCheckpoints } from '../../shared/platform/aws/checkpoints.ts';
import { listVersions } from '../../shared/platform/aws/list-versions.ts';
import { createMessageQueue } from '../../shared/platform/aws/message-queue.ts';
import { createBucketReader } from '../../shared/platform/aws/s3.ts';
import { createMemoryCheckpoints } from '../../shared/platform/checkpoints.ts';
import { systemClock } from '../../shared/platform/clock.ts';
import { createFolderReader } from '../../shared/platform/object-store.ts';
import { createMeter, type FlushingMeter } from '../../shared/platform/observe/meter.ts';
import { readAuditArchiveConfig } from './config.ts';

export const logger = new Logger({ serviceName: 'audit-archive' });

/** SQS keeps a message for 14 days at most. */
const REMEMBERED_SECONDS = 16 * 24 * 3600;

/** The service chooses it: docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html */
const FAILED_INVOCATIONS_PREFIX = 'aws/lambda/async/';

/** A sweep lists at most so many times 1,000 objects of each kind: about twenty seconds. */
const SWEPT_PAGES = 200;

/** Time kept for the answer after delivery has stopped, and for the chunks under way after reading has. */
const ANSWER_RESERVE_MS = 5_000;
const CHUNK_RESERVE_MS = 30_000;

export interface ArchiveInvocation {
  readonly deps: IngestObjectDeps;
  readonly times: IngestObjectTimes;
  /** Makes a message that was not finished come back after `seconds` (0 = at once). */
  readonly delay: (message: SQSRecord, seconds: number) => Promise<void>;
}

export type StartInvocation = (context: Pick<Context, 'getRemainingTimeInMillis'>) => Promise<ArchiveInvocation>;

/** Cold start: configuration → clients → what each invocation gets. */
export function wire(): { readonly meter: FlushingMeter; readonly start: StartInvocation; readonly spool: SweepDeps | undefined } {
  const config = readAuditArchiveConfig();
  const meter = createMeter({ service: 'audit-archive', stage: config.TIERCEL_STAGE, clusters: config.CLUSTERS.map(({ name }) => name) });
  const s3 = new S3Client(answeredWithin(15_000));
  // By default the client sends to the host in a queue's URL, past the stage's own endpoint (AWS_ENDPOINT_URL_SQS).
  const sqs = new SQSClient({ ...answeredWithin(5_000), useQueueUrlAsEndpoint: false });
  const checkpoints =
    config.STATE_DIR === undefined
      ? createDynamoDBCheckpoints({
          client: new DynamoDBClient(answeredWithin(5_000)),
          tableName: config.CHECKPOINT_TABLE!,
          expiresAfterSeconds: REMEMBERED_SECONDS,
          clock: systemClock,
        })
      : createMemoryCheckpoints();
  const ingest = wireIngest(config, { s3, rememberedSeconds: REMEMBERED_SECONDS, logger, meter });
  const objects = config.OBJECTS_DIR === undefined ? createBucketReader(s3) : createFolderReader(config.OBJECTS_DIR);
  const queueUrls = new Map<string, string>();
  const queueUrl = async (name: string, account?: string): Promise<string> => {
    const known = queueUrls.get(name);
    if (known !== undefined) return known;
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name, QueueOwnerAWSAccountId: account }));
    queueUrls.set(name, QueueUrl!);
    return QueueUrl!;
  };
  const clusters = config.CLUSTERS;
  const start: StartInvocation = async (context) => {
    const deps = await ingest();
    const remainingMs = context.getRemainingTimeInMillis();
    const killedAtMs = deps.clock.now() + remainingMs;
    return {
      deps: {
        ...deps,
        objects,
        checkpoints,
        identify: ({ key }) => {
          const cluster = clusters.find(({ prefix }) => prefix !== undefined && key.startsWith(prefix));
          return cluster
            ? {
                cluster: cluster.name,
                ...(cluster.account ? { account: cluster.account } : {}),
                ...(cluster.region ? { region: cluster.region } : {}),
              }
            : {};
        },
        sourceOf: ({ bucket, key }) => {
          if (bucket !== config.SPOOL_BUCKET) return 'archive';
          if (key.startsWith(config.SPOOL_PREFIX)) return 'spool';
          return key.startsWith(FAILED_INVOCATIONS_PREFIX) ? 'failed-invocation' : 'archive';
        },
      },
      times: {
        killedAtMs,
        deliverUntilMs: killedAtMs - Math.min(ANSWER_RESERVE_MS, remainingMs / 4),
        readUntilMs: killedAtMs - Math.min(CHUNK_RESERVE_MS, remainingMs / 2),
      },
      delay: async (message, seconds) => {
        const [, , , , account, name = ''] = message.eventSourceARN.split(':');
        await sqs.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: await queueUrl(name, account),
            ReceiptHandle: message.receiptHandle,
            VisibilityTimeout: seconds,
          }),
        );
      },
    };
  };
  const { SPOOL_BUCKET: bucket, SPOOL_QUEUE: queueName, STATE_DIR } = config;
  const spool: SweepDeps | undefined =
    bucket === undefined || queueName === undefined || STATE_DIR !== undefined
      ? undefined
      : {
          clock: systemClock,
          list: async () => {
            const listings = [config.SPOOL_PREFIX, FAILED_INVOCATIONS_PREFIX].map((prefix) =>
              listVersions(s3, bucket, prefix, SWEPT_PAGES),
            );
            const [spooled, failed] = await Promise.all(listings);
            return { objects: [...spooled!.objects, ...failed!.objects], complete: spooled!.complete && failed!.complete };
          },
          queue: createMessageQueue(sqs, () => queueUrl(queueName)),
        };
  return { meter, start, spool };
}
