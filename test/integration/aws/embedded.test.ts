import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CloudWatchLogsClient, CreateLogGroupCommand, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { beforeAll, describe, expect, it } from 'vitest';
import { delivery } from '../../support/cloudwatch.ts';
import { lambdaContext } from '../../support/lambda-context.ts';
import {
  awsClients,
  createBucket,
  createQueue,
  createTable,
  motoClientOptions,
  motoEndpoint,
  motoEnvironment,
  receiveRecords,
  uniqueName,
} from '../../support/moto.ts';

const root = resolve(import.meta.dirname, '../../..');
const samples = readdirSync(join(root, 'events/audit')).map((name) => readFileSync(join(root, 'events/audit', name), 'utf8').trim());

type Handler = (event: unknown, context: Context) => Promise<unknown>;

describe.skipIf(!motoEndpoint)('without Falco: audit-stream evaluates, respond answers', () => {
  let auditStream: Handler;
  let respond: Handler;
  let queue: { url: string; arn: string };
  let journal: string;
  const logs = new CloudWatchLogsClient(motoClientOptions);
  const alertLog = uniqueName('/tiercel/test/alerts');

  beforeAll(async () => {
    await logs.send(new CreateLogGroupCommand({ logGroupName: alertLog }));
    const bucket = await createBucket('embedded');
    queue = await createQueue('alerts');
    journal = await createTable('JournalTable');
    Object.assign(process.env, {
      TIERCEL_STAGE: 'test',
      MODE: 'shadow', // vitest sets it to `test`
      DETECTION: 'embedded',
      RULES: join(root, 'rules/falco'),
      APPEND_OUTPUT: join(root, 'rules/append-output.yaml'),
      ALERT_SINK: `sqs:${queue.url}`,
      SPOOL_BUCKET: bucket,
      QUARANTINE_BUCKET: bucket,
      IDEMPOTENCY_TABLE: await createTable('IdempotencyTable'),
      JOURNAL_TABLE: journal,
      POLICY_PATH: join(root, 'rules/respond'),
      ALERT_LOG_GROUP: alertLog,
      ...motoEnvironment,
    });
    auditStream = (await import('../../../functions/audit-stream/handler.ts')).handler as unknown as Handler;
    respond = (await import('../../../functions/respond/handler.ts')).handler as unknown as Handler;
  });

  it('carries an attack from the log to the journal, once', async () => {
    const event = delivery(samples);
    expect(await auditStream(event, lambdaContext())).toMatchObject({ received: samples.length, delivered: samples.length });
    await auditStream(event, lambdaContext());
    const messages: Awaited<ReturnType<typeof receive>> = [];
    const receive = () => receiveRecords(queue, 600);
    for (let batch = await receive(); batch.length > 0; batch = await receive()) messages.push(...batch);
    const rules = messages.map(({ body }) => (JSON.parse(body) as { rule: string }).rule);
    expect(rules).toEqual(expect.arrayContaining(['Binding to cluster-admin Created or Changed', 'Privileged Pod Created']));
    expect(rules.filter((rule) => rule === 'Binding to cluster-admin Created or Changed').length).toBe(1);

    for (let twice = 0; twice < 2; twice++)
      expect(await respond({ Records: messages }, lambdaContext())).toMatchObject({ batchItemFailures: [] });
    const { Items = [] } = await awsClients().dynamodb.send(new ScanCommand({ TableName: journal }));
    const text = JSON.stringify(Items);
    expect(text).toContain('remove-cluster-admin-binding');
    expect(text).toContain('pwn-43');
    const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName: alertLog }));
    const noted = events.map(({ message }) => (JSON.parse(message!) as { rule: string }).rule);
    expect(noted.sort()).toEqual(rules.sort());
  });
});
