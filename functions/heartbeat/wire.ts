import { Logger } from '@aws-lambda-powertools/logger';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { HEARTBEAT_LOG_STREAM } from '../../shared/flows/heartbeat-event.ts';
import { type SendDeps, type SentBeat, sendHeartbeats } from '../../shared/flows/heartbeat-send.ts';
import { createDynamoDBHeartbeatLog } from '../../shared/flows/heartbeats-dynamodb.ts';
import { answeredWithin } from '../../shared/platform/aws/answered-within.ts';
import { createLogGroup } from '../../shared/platform/aws/log-group.ts';
import { createBucketStore } from '../../shared/platform/aws/s3.ts';
import { systemClock as clock, systemRandom as random } from '../../shared/platform/clock.ts';
import { createMeter, type FlushingMeter } from '../../shared/platform/observe/meter.ts';
import { readHeartbeatConfig } from './config.ts';

export const logger = new Logger({ serviceName: 'heartbeat' });

/** Cold start: configuration → clients → one round of beats for each invocation. @throws ConfigError */
export function wire(): { readonly meter: FlushingMeter; readonly beat: () => Promise<readonly SentBeat[]> } {
  const { TIERCEL_STAGE: stage, HEARTBEATS: targets, HEARTBEAT_TABLE: tableName, ARCHIVE_BUCKET: bucket } = readHeartbeatConfig();
  const meter = createMeter({ service: 'heartbeat', stage, clusters: targets.map(({ cluster }) => cluster) });
  const archive = createBucketStore(new S3Client(answeredWithin(15_000)), bucket, '');
  const logs = new Map<string, CloudWatchLogsClient>();
  const logsOf = (region: string) => {
    const client = logs.get(region) ?? new CloudWatchLogsClient({ ...answeredWithin(5_000), region, maxAttempts: 2 });
    logs.set(region, client);
    return client;
  };
  const write: SendDeps['write'] = async (target, event, { id }) => {
    if ('prefix' in target) await archive.putIfAbsent(`${target.prefix}${HEARTBEAT_LOG_STREAM}/${id}.json`, Buffer.from(event));
    else await createLogGroup(logsOf(target.region), target.logGroup, clock).write(HEARTBEAT_LOG_STREAM, event);
  };
  const heartbeats = createDynamoDBHeartbeatLog({ client: new DynamoDBClient(answeredWithin(5_000)), tableName });
  return { meter, beat: () => sendHeartbeats(targets, { clock, random, heartbeats, write, meter }) };
}
