import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { ChangeMessageVisibilityCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSRecord } from 'aws-lambda';
import type { IngestObjectDeps, IngestObjectTimes } from '../../shared/flows/ingest-object.ts';
import { wireIngest } from '../../shared/flows/ingest-wiring.ts';
import { createDynamoDBCheckpoints } from '../../shared/platform/aws/checkpoints.ts';
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
export function wire(): { readonly meter: FlushingMeter; readonly start: StartInvocation } {
  const config = readAuditArchiveConfig();
  const meter = createMeter({ service: 'audit-archive', stage: config.TIERCEL_STAGE, clusters: config.CLUSTERS.map(({ name }) => name) });
  const s3 = new S3Client({});
  // By default the client sends to the host in a queue's URL, past the stage's own endpoint (AWS_ENDPOINT_URL_SQS).
  const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
  const checkpoints =
    config.STATE_DIR === undefined
      ? createDynamoDBCheckpoints({
          client: new DynamoDBClient({}),
          tableName: config.CHECKPOINT_TABLE!,
          expiresAfterSeconds: REMEMBERED_SECONDS,
          clock: systemClock,
        })
      : createMemoryCheckpoints();
  const ingest = wireIngest(config, { s3, rememberedSeconds: REMEMBERED_SECONDS, logger, meter });
  const objects = config.OBJECTS_DIR === undefined ? createBucketReader(s3) : createFolderReader(config.OBJECTS_DIR);
  const queueUrls = new Map<string, string>();
  const queueUrl = async (arn: string): Promise<string> => {
    const known = queueUrls.get(arn);
    if (known !== undefined) return known;
    const [, , , , account, name] = arn.split(':');
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name, QueueOwnerAWSAccountId: account }));
    queueUrls.set(arn, QueueUrl!);
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
        await sqs.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: await queueUrl(message.eventSourceARN),
            ReceiptHandle: message.receiptHandle,
            VisibilityTimeout: seconds,
          }),
        );
      },
    };
  };
  return { meter, start };
}
