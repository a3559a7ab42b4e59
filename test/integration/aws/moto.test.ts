import { PutObjectCommand } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { awsClients, createBucket, createQueue, motoEndpoint, notifyQueue } from '../../support/moto.ts';

describe.skipIf(!motoEndpoint)('the AWS stand-in', () => {
  it('tells a queue about new objects under the prefix, and about no others', async () => {
    const { s3, sqs } = awsClients();
    const bucket = await createBucket('notified');
    const queue = await createQueue('notified');
    await notifyQueue(bucket, queue.arn, 'spool/');

    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'quarantine/a', Body: 'a' }));
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'spool/b', Body: 'b' }));

    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: queue.url, MaxNumberOfMessages: 10 }));
    const keys = Messages.flatMap(({ Body = '{}' }) => (JSON.parse(Body).Records ?? []) as { s3: { object: { key: string } } }[]).map(
      (record) => decodeURIComponent(record.s3.object.key),
    );
    expect(keys).toEqual(['spool/b']);
  });
});
