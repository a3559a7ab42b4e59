import { createHash } from 'node:crypto';
import { CreateEventBusCommand, EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, ListObjectsV2Command, PutBucketEncryptionCommand } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, type Message as QueueMessage, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { createRotatingSecret } from '../../../shared/platform/aws/rotating-secret.ts';
import { createBucketStore } from '../../../shared/platform/aws/s3.ts';
import { systemClock } from '../../../shared/platform/clock.ts';
import { keepEvidence } from '../../../shared/respond/evidence/keep.ts';
import { createBusChannel, createTopicChannel } from '../../../shared/respond/notify/aws.ts';
import { createSlackChannel } from '../../../shared/respond/notify/http.ts';
import { messageFor } from '../../../shared/respond/notify/message.ts';
import { entryOf } from '../../support/entry.ts';
import { createMemoryCluster } from '../../support/memory-cluster.ts';
import { awsClients, createBucket, createQueue, MOTO_ACCOUNT, motoClientOptions, motoEndpoint, uniqueName } from '../../support/moto.ts';

const message = messageFor(
  entryOf({ status: 'awaiting-approval', intent: 'isolate pods prod/wéb' }),
  { channel: 'c', about: 'awaiting-approval', state: 'due', attempts: 0 },
  'prod',
);

async function received(url: string): Promise<readonly QueueMessage[]> {
  const { Messages = [] } = await awsClients().sqs.send(
    new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, MessageAttributeNames: ['All'] }),
  );
  return Messages;
}

describe.skipIf(!motoEndpoint)('what respond says, over AWS', () => {
  it('reaches the subscribers of a topic, with what filters and duplicates need', async () => {
    const sns = new SNSClient(motoClientOptions);
    const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: uniqueName('told') }));
    const queue = await createQueue('told');
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: queue.arn }));
    await createTopicChannel(sns, TopicArn).send(message);
    const [got] = await received(queue.url);
    const envelope = JSON.parse(got!.Body!);
    expect(JSON.parse(envelope.Message)).toEqual(message);
    expect(envelope.Subject).toBe('Tiercel: Asks whether to isolate pods prod/w?b');
    expect(envelope.MessageAttributes).toMatchObject({
      id: { Value: message.id },
      outcome: { Value: 'awaiting-approval' },
      policy: { Value: 'p' },
      cluster: { Value: 'prod-1' },
    });
  });

  it('reaches the subscribers of a FIFO topic once, however often it is sent', async () => {
    const sns = new SNSClient(motoClientOptions);
    const name = `${uniqueName('told')}.fifo`;
    const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: name, Attributes: { FifoTopic: 'true' } }));
    const QueueName = `${uniqueName('told')}.fifo`;
    const { QueueUrl = '' } = await awsClients().sqs.send(new CreateQueueCommand({ QueueName, Attributes: { FifoQueue: 'true' } }));
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: `arn:aws:sqs:eu-central-1:${MOTO_ACCOUNT}:${QueueName}` }));
    const channel = createTopicChannel(sns, TopicArn);
    await channel.send(message);
    await channel.send(message);
    expect((await received(QueueUrl)).map(({ Body }) => JSON.parse(JSON.parse(Body!).Message).id)).toEqual([message.id]);
  });

  it('reaches the rules of a bus by its kind', async () => {
    const events = new EventBridgeClient(motoClientOptions);
    const bus = uniqueName('bus');
    const { EventBusArn = '' } = await events.send(new CreateEventBusCommand({ Name: bus }));
    const queue = await createQueue('events');
    const EventPattern = JSON.stringify({ source: ['tiercel.respond'], 'detail-type': ['Response Awaiting Approval'] });
    await events.send(new PutRuleCommand({ Name: 'told', EventBusName: bus, EventPattern }));
    await events.send(new PutTargetsCommand({ Rule: 'told', EventBusName: bus, Targets: [{ Id: 'q', Arn: queue.arn }] }));
    await createBusChannel(events, EventBusArn).send(message);
    const [got] = await received(queue.url);
    expect(JSON.parse(got!.Body!)).toMatchObject({ source: 'tiercel.respond', detail: JSON.parse(JSON.stringify(message)) });
  });

  it('says what is not there, for an operator to mend', async () => {
    const sns = createTopicChannel(new SNSClient(motoClientOptions), 'arn:aws:sns:eu-central-1:123456789012:nowhere');
    await expect(sns.send(message)).rejects.toMatchObject({ code: 'CHANNEL_FAILED', retryable: false });
    const away = { ...motoClientOptions, endpoint: 'http://127.0.0.1:1', maxAttempts: 1 };
    await expect(createTopicChannel(new SNSClient(away), 'arn:aws:sns:eu-central-1:123456789012:x').send(message)).rejects.toMatchObject({
      retryable: true,
    });
    await expect(
      createBusChannel(new EventBridgeClient(away), 'arn:aws:events:eu-central-1:123456789012:event-bus/x').send(message),
    ).rejects.toMatchObject({
      retryable: true,
    });
  });

  it('takes an address from Secrets Manager, and from nowhere else', async () => {
    const secrets = new SecretsManagerClient(motoClientOptions);
    const SecretString = JSON.stringify({ url: 'https://hooks.slack.example/secret' });
    const { ARN = '' } = await secrets.send(new CreateSecretCommand({ Name: uniqueName('slack'), SecretString }));
    const secret = createRotatingSecret(secrets, ARN, systemClock);
    const asked: string[] = [];
    const transport = {
      send: async ({ url }: { url: URL }) => {
        asked.push(url.href);
        return { status: 200, text: 'ok' };
      },
    };
    await createSlackChannel({ transport, clock: systemClock, secret: async () => (await secret()).current.value }).send(message);
    expect(asked).toEqual(['https://hooks.slack.example/secret']);
  });
});

describe.skipIf(!motoEndpoint)('evidence, over S3', () => {
  it('is written once, whole and encrypted, and an attempt that comes later changes none of it', async () => {
    const { s3 } = awsClients();
    const bucket = await createBucket('evidence');
    const ServerSideEncryptionConfiguration = { Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const } }] };
    await s3.send(new PutBucketEncryptionCommand({ Bucket: bucket, ServerSideEncryptionConfiguration }));
    const cluster = createMemoryCluster(systemClock);
    const pod = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' };
    const { uid } = cluster.put(pod, { kind: 'Pod', spec: { containers: [{ name: 'app' }] } }).metadata;
    cluster.write({ namespace: 'prod', pod: 'web', container: 'app' }, 'log\n');
    const effect = { verb: 'keep', object: pod, uid, user: 'mallory', groups: [], logBytes: 4_096 } as const;
    const deps = { client: cluster.client, store: createBucketStore(s3, bucket, ''), clock: systemClock };
    const entry = entryOf();
    await keepEvidence(effect, entry, deps);

    const text = async (Key: string) => {
      const { Body, ServerSideEncryption } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      expect(ServerSideEncryption).toBe('aws:kms');
      return await Body!.transformToByteArray();
    };
    const manifest = JSON.parse(Buffer.from(await text(`${entry.id}/manifest.json`)).toString());
    expect(manifest).toMatchObject({ response: entry.id, uid, attempt: 1 });
    for (const { key, bytes, sha256 } of manifest.kept) {
      const body = await text(key);
      expect([body.length, createHash('sha256').update(body).digest('hex')]).toEqual([bytes, sha256]);
    }
    expect(await keepEvidence(effect, { ...entry, attempt: 2 }, deps)).toContain('had been kept by an interrupted attempt');
    expect(JSON.parse(Buffer.from(await text(`${entry.id}/manifest.json`)).toString())).toEqual(manifest);
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
    expect(Contents.every(({ Key }) => Key!.startsWith(`${entry.id}/`))).toBe(true);
  });
});
