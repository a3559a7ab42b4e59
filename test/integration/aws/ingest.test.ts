import { gzipSync } from 'node:zlib';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { ChangeMessageVisibilityCommand, DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { delivery, envelopeText, inPieces } from '../../support/cloudwatch.ts';
import { corpus, withoutStamps } from '../../support/corpus.ts';
import { FalcoStandIn } from '../../support/falco-stand-in.ts';
import { lambdaContext } from '../../support/lambda-context.ts';
import {
  awsClients,
  createBucket,
  createQueue,
  createTable,
  motoEndpoint,
  motoEnvironment,
  notifyQueue,
  receiveRecords,
} from '../../support/moto.ts';

type Handler<Event, Answer> = (event: Event, context: Context) => Promise<Answer>;

const { name: source, events } = corpus();

describe.skipIf(!motoEndpoint)(`ingest through real service APIs (${source}, ${events.length} events)`, () => {
  let falco: FalcoStandIn;
  let auditStream: Handler<unknown, unknown>;
  let auditArchive: Handler<SQSEvent, SQSBatchResponse>;
  let archive: string;
  let own: string;
  let archiveQueue: { url: string; arn: string };
  let spoolQueue: { url: string; arn: string };

  beforeAll(async () => {
    falco = await FalcoStandIn.start({ maxEventBytes: 2_000_000 });
    archive = await createBucket('archive');
    own = await createBucket('own');
    archiveQueue = await createQueue('archive', { VisibilityTimeout: '1' });
    spoolQueue = await createQueue('spool', { VisibilityTimeout: '1' });
    await notifyQueue(archive, archiveQueue.arn, 'prod/');
    await notifyQueue(own, spoolQueue.arn, 'spool/');
    Object.assign(process.env, {
      TIERCEL_STAGE: 'test',
      DETECTION: 'falco',
      FALCO_URL: falco.url,
      FALCO_MAX_EVENT_BYTES: '2000000',
      SPOOL_BUCKET: own,
      QUARANTINE_BUCKET: own,
      IDEMPOTENCY_TABLE: await createTable('IdempotencyTable'),
      CHECKPOINT_TABLE: await createTable('CheckpointTable'),
      CLUSTERS: JSON.stringify([{ name: 'prod', account: '123456789012', region: 'eu-central-1', prefix: 'prod/' }]),
      ...motoEnvironment,
      POWERTOOLS_DEV: 'false',
    });
    auditStream = (await import('../../../functions/audit-stream/handler.ts')).handler as unknown as Handler<unknown, unknown>;
    auditArchive = (await import('../../../functions/audit-archive/handler.ts')).handler as unknown as Handler<SQSEvent, SQSBatchResponse>;
  });
  afterAll(() => falco.stop());
  beforeEach(() => falco.behave({ kind: 'accept' }));
  afterEach(() => {
    falco.events.length = 0;
    falco.bodies.length = 0;
  });

  const arrived = () => falco.events.map(withoutStamps).sort();
  const sent = [...events].sort();
  /** Each suite its own stream or key: what one has confirmed must not look like a duplicate to the next. */
  const deliveries = (logStream: string) =>
    inPieces(events, 700).map((piece) => delivery(piece, { logStream: `kube-apiserver-audit-${logStream}` }));

  /** One poll of the event source mapping: hands what is visible to audit-archive and deletes what it does not hand back. */
  async function poll(queue: { url: string; arn: string }): Promise<{ handed: number; failed: number }> {
    const Records = await receiveRecords(queue);
    if (Records.length === 0) return { handed: 0, failed: 0 };
    const answer = await auditArchive({ Records }, lambdaContext());
    const failed = new Set(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    for (const { messageId, receiptHandle } of Records) {
      const message = { QueueUrl: queue.url, ReceiptHandle: receiptHandle };
      if (failed.has(messageId)) delayed.push(message);
      else await awsClients().sqs.send(new DeleteMessageCommand(message));
    }
    return { handed: Records.length, failed: failed.size };
  }
  const delayed: { QueueUrl: string; ReceiptHandle: string }[] = [];
  /** Makes the messages that were handed back visible now, instead of after the delay they were given. */
  async function hurry(): Promise<void> {
    for (const message of delayed.splice(0))
      await awsClients().sqs.send(new ChangeMessageVisibilityCommand({ ...message, VisibilityTimeout: 0 }));
  }
  async function drain(queue: { url: string; arn: string }): Promise<void> {
    while ((await poll(queue)).handed > 0);
  }
  const keysUnder = async (bucket: string, prefix: string) =>
    ((await awsClients().s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }))).Contents ?? []).map(({ Key }) => Key!);

  it('audit-stream: CloudWatch deliveries arrive complete, and the same delivery again posts nothing', async () => {
    for (const event of deliveries('complete')) await auditStream(event, lambdaContext());
    expect(arrived()).toEqual(sent);
    const posts = falco.bodies.length;
    for (const event of deliveries('complete')) await auditStream(event, lambdaContext());
    expect(falco.bodies.length).toBe(posts);
  });

  const envelopes = inPieces(events, 400).map((piece) => envelopeText(piece, { logStream: 'kube-apiserver-audit-firehose' }));
  const members = envelopes.map((text) => gzipSync(text));
  const joined = (parts: readonly (Buffer | string)[], delimiter = '') =>
    Buffer.concat(parts.flatMap((part) => [Buffer.from(part as string), Buffer.from(delimiter)]));
  const firehose: Readonly<Record<string, () => Buffer>> = {
    'members back to back': () => joined(members),
    'members joined by newline': () => joined(members, '\n'),
    'double gzip': () => gzipSync(joined(members)),
    'decompressed, no delimiter': () => joined(envelopes),
    'decompressed, newline': () => joined(envelopes, '\n'),
    'decompressed, then compressed': () => gzipSync(joined(envelopes, '\n')),
    'message extraction': () => joined(events, '\n'),
    'message extraction, no delimiter, gzip': () => gzipSync(joined(events)),
    'one JSON array': () => Buffer.from(`[${events.join(',')}]`),
    EventList: () => Buffer.from(`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${events.join(',')}]}`),
  };
  it.each(Object.keys(firehose))('audit-archive: %s', async (configuration) => {
    await awsClients().s3.send(
      new PutObjectCommand({ Bucket: archive, Key: `prod/2026/11/21/08/${configuration} +%.gz`, Body: firehose[configuration]!() }),
    );
    await drain(archiveQueue);
    expect(arrived()).toEqual(sent);
  });

  it('audit-archive: a delivery inside the record of a failed invocation', async () => {
    const record = {
      version: '1.0',
      requestContext: { condition: 'RetriesExhausted' },
      requestPayload: delivery(events.slice(0, 100)),
      responseContext: {},
    };
    await awsClients().s3.send(new PutObjectCommand({ Bucket: archive, Key: 'prod/failed/1.json', Body: JSON.stringify(record) }));
    await drain(archiveQueue);
    expect(arrived()).toEqual(events.slice(0, 100).sort());
  });

  it('audit-archive: the same notification again posts nothing', async () => {
    const body = gzipSync(joined(events.slice(0, 50), '\n'));
    await awsClients().s3.send(new PutObjectCommand({ Bucket: archive, Key: 'prod/twice.gz', Body: body }));
    const { Messages = [] } = await awsClients().sqs.send(
      new ReceiveMessageCommand({ QueueUrl: archiveQueue.url, WaitTimeSeconds: 1, MessageSystemAttributeNames: ['All'] }),
    );
    const record = {
      messageId: 'm',
      receiptHandle: Messages[0]!.ReceiptHandle!,
      body: Messages[0]!.Body!,
      attributes: Messages[0]!.Attributes,
      eventSource: 'aws:sqs',
      eventSourceARN: archiveQueue.arn,
    };
    const event = { Records: [record, record] } as unknown as SQSEvent;
    expect(await auditArchive(event, lambdaContext())).toEqual({ batchItemFailures: [] });
    expect(await auditArchive(event, lambdaContext())).toEqual({ batchItemFailures: [] });
    expect(falco.bodies.length).toBe(1);
  });

  it('keeps what cannot be read in quarantine, and delivers its neighbours', async () => {
    const before = (await keysUnder(own, 'quarantine/')).length;
    await auditStream(
      delivery([events[0]!, '{"kind":"Event"', 'not json', events[1]!], { logStream: 'kube-apiserver-audit-broken' }),
      lambdaContext(),
    );
    expect(arrived()).toEqual([events[0]!, events[1]!].sort());
    expect((await keysUnder(own, 'quarantine/')).length).toBe(before + 1);
  });

  it('with Falco away, a delivery lies in the spool, and arrives when Falco is back', async () => {
    await drain(spoolQueue); // S3's test event
    await falco.refuse();
    for (const event of deliveries('spooled')) await auditStream(event, lambdaContext(12_000));
    expect(falco.events).toEqual([]);
    expect((await keysUnder(own, 'spool/')).length).toBeGreaterThanOrEqual(deliveries('spooled').length);

    const away = await poll(spoolQueue);
    expect(away.failed).toBe(away.handed);
    expect((await keysUnder(own, 'spool/')).length).toBeGreaterThan(0);

    await falco.listen();
    await expect
      .poll(
        async () => {
          await hurry();
          await drain(spoolQueue);
          return keysUnder(own, 'spool/');
        },
        { timeout: 90_000, interval: 1000 },
      )
      .toEqual([]);
    expect(arrived()).toEqual(sent);
  });
});
