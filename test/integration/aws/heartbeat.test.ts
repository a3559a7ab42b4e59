import { join, resolve } from 'node:path';
import { CloudWatchLogsClient, CreateLogGroupCommand, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Context } from 'aws-lambda';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadDetection } from '../../../shared/flows/detection.ts';
import { HEARTBEAT_LOG_STREAM } from '../../../shared/flows/heartbeat-event.ts';
import { readHeartbeats } from '../../../shared/flows/heartbeats-read.ts';
import { delivery } from '../../support/cloudwatch.ts';
import { lambdaContext } from '../../support/lambda-context.ts';
import {
  awsClients,
  createBucket,
  createQueue,
  createTable,
  MOTO_ACCOUNT,
  motoClientOptions,
  motoEndpoint,
  motoEnvironment,
  notifyQueue,
  receiveRecords,
  uniqueName,
} from '../../support/moto.ts';

const root = resolve(import.meta.dirname, '../../..');
type Handler = (event: unknown, context: Context) => Promise<unknown>;

/** From the log group and the archive to the table: every function and every service of the road but Firehose, which moto does not run. */
describe.skipIf(!motoEndpoint)('the heartbeat through real service APIs, embedded engine', () => {
  const logGroup = '/aws/eks/prod/cluster';
  const prefix = 'audit/222222222222/eu-west-1/research/';
  const logs = new CloudWatchLogsClient(motoClientOptions);
  let beat: Handler;
  let auditStream: Handler;
  let auditArchive: Handler;
  let respond: Handler;
  let archive: string;
  let table: string;
  let alerts: { url: string; arn: string };
  let archiveQueue: { url: string; arn: string };

  beforeAll(async () => {
    archive = await createBucket('archive');
    const own = await createBucket('own');
    alerts = await createQueue('alerts');
    archiveQueue = await createQueue('archive', { VisibilityTimeout: '1' });
    await notifyQueue(archive, archiveQueue.arn, 'audit/');
    table = await createTable('HeartbeatTable');
    const secret = uniqueName('mac-key');
    await new SecretsManagerClient(motoClientOptions).send(new CreateSecretCommand({ Name: secret, SecretString: 'k'.repeat(64) }));
    await logs.send(new CreateLogGroupCommand({ logGroupName: logGroup }));
    Object.assign(process.env, {
      TIERCEL_STAGE: 'test',
      MODE: 'shadow',
      HEARTBEATS: JSON.stringify([
        { cluster: 'prod', logGroup, region: motoClientOptions.region },
        { cluster: 'gone', logGroup: '/aws/eks/gone/cluster', region: 'us-east-1' },
        { cluster: 'research', prefix },
      ]),
      HEARTBEAT_TABLE: table,
      ARCHIVE_BUCKET: archive,
      CLUSTERS: JSON.stringify([
        { name: 'prod', account: MOTO_ACCOUNT, region: motoClientOptions.region, logGroup },
        { name: 'research', account: '222222222222', region: 'eu-west-1', prefix },
      ]),
      DETECTION: 'embedded',
      RULES: join(root, 'rules/falco'),
      APPEND_OUTPUT: join(root, 'rules/append-output.yaml'),
      POLICY_PATH: join(root, 'rules/respond'),
      ALERT_SINK: `sqs:${alerts.url}`,
      SPOOL_BUCKET: own,
      QUARANTINE_BUCKET: own,
      IDEMPOTENCY_TABLE: await createTable('IdempotencyTable'),
      CHECKPOINT_TABLE: await createTable('CheckpointTable'),
      JOURNAL_TABLE: await createTable('JournalTable'),
      MAC_KEY_SECRET_ID: secret,
      ...motoEnvironment,
    });
    beat = (await import('../../../functions/heartbeat/handler.ts')).handler as unknown as Handler;
    auditStream = (await import('../../../functions/audit-stream/handler.ts')).handler as unknown as Handler;
    auditArchive = (await import('../../../functions/audit-archive/handler.ts')).handler as unknown as Handler;
    // Its clusters are another list: those that it may reach.
    process.env.CLUSTERS = '[]';
    respond = (await import('../../../functions/respond/handler.ts')).handler as unknown as Handler;
  });

  /** What CloudWatch Logs would hand to audit-stream. */
  const logged = async () => {
    const { events = [] } = await logs.send(new GetLogEventsCommand({ logGroupName: logGroup, logStreamName: HEARTBEAT_LOG_STREAM }));
    return delivery(
      events.map(({ message }) => message!),
      { logGroup, logStream: HEARTBEAT_LOG_STREAM, owner: MOTO_ACCOUNT },
    );
  };
  const known = () => readHeartbeats({ client: awsClients().dynamodb, tableName: table });

  it('goes in at each cluster’s own place, and a cluster without a log group costs the others nothing', async () => {
    expect(await beat({}, lambdaContext())).toEqual({ sent: ['prod', 'research'], failed: ['gone'] });
    const { Contents = [] } = await awsClients().s3.send(new ListObjectsV2Command({ Bucket: archive }));
    expect(Contents.map(({ Key }) => Key)).toEqual([
      expect.stringMatching(new RegExp(`^${prefix}${HEARTBEAT_LOG_STREAM}/tiercel-heartbeat-[0-9a-f]{32}\\.json$`)),
    ]);
    const { events = [] } = await logs.send(new GetLogEventsCommand({ logGroupName: logGroup, logStreamName: HEARTBEAT_LOG_STREAM }));
    expect(events).toHaveLength(1);
    expect([...(await known()).values()].map(({ returned }) => returned)).toEqual([undefined, undefined, undefined]);
  });

  it('comes out at respond with the digest of the rules that judged it, once', async () => {
    expect(await auditStream(await logged(), lambdaContext())).toMatchObject({ received: 1, delivered: 1 });
    const announced = (await receiveRecords(archiveQueue, 600)).filter(({ body }) => body.includes(HEARTBEAT_LOG_STREAM));
    expect(await auditArchive({ Records: announced }, lambdaContext())).toEqual({ batchItemFailures: [] });

    const records = await receiveRecords(alerts, 600);
    expect(records.map(({ body }) => (JSON.parse(body) as { rule: string }).rule)).toEqual(['Tiercel Heartbeat', 'Tiercel Heartbeat']);
    expect(await respond({ Records: records }, lambdaContext())).toMatchObject({
      batchItemFailures: [],
      alerts: { heartbeat: 2, answered: 0 },
      responses: [],
    });
    const { digest } = loadDetection({ rules: [join(root, 'rules/falco')] });
    const first = await known();
    for (const cluster of ['prod', 'research']) {
      expect(first.get(cluster)?.returned, cluster).toMatchObject({ digest, sentAtMs: first.get(cluster)?.sentAtMs });
      expect(first.get(cluster)?.returned?.roundTripMs).toBeGreaterThan(0);
    }
    expect(first.get('gone')).not.toHaveProperty('returned');
    await respond({ Records: records }, lambdaContext());
    expect(await known()).toEqual(first);
  });
});
