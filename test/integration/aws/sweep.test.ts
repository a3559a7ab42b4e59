import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { parseObjectNotifications } from '../../../shared/audit/index.ts';
import { sweepSpool } from '../../../shared/flows/sweep.ts';
import { listVersions } from '../../../shared/platform/aws/list-versions.ts';
import { createMessageQueue } from '../../../shared/platform/aws/message-queue.ts';
import { awsClients, createBucket, createQueue, motoEndpoint } from '../../support/moto.ts';

const HOUR = 3_600_000;

describe.skipIf(!motoEndpoint)('the sweep over S3 and SQS', () => {
  it('lists the current version of what is there, and of nothing else', async () => {
    const { s3 } = awsClients();
    const Bucket = await createBucket('spool');
    const put = async (Key: string) => (await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))).VersionId;
    await put('spool/twice');
    const twice = await put('spool/twice');
    await put('spool/marked');
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'spool/marked' }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'spool/gone', VersionId: (await put('spool/gone'))! }));
    await put('other/x');
    expect(await listVersions(s3, Bucket, 'spool/', 10)).toEqual({
      objects: [{ bucket: Bucket, key: 'spool/twice', versionId: twice, writtenMs: expect.any(Number) }],
      complete: true,
    });
  });

  it('goes through page after page, and stops where it is told to', async () => {
    const { s3 } = awsClients();
    const Bucket = await createBucket('spool');
    const keys = Array.from({ length: 1_050 }, (_, at) => `spool/${String(at).padStart(4, '0')}`);
    for (let from = 0; from < keys.length; from += 50)
      await Promise.all(keys.slice(from, from + 50).map((Key) => s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))));
    const all = await listVersions(s3, Bucket, 'spool/', 10);
    expect([all.objects.map(({ key }) => key), all.complete]).toEqual([keys, true]);
    const first = await listVersions(s3, Bucket, 'spool/', 1);
    expect([first.objects.length, first.complete]).toEqual([1_000, false]);
  });

  it('announces an object again whose message is gone, once', async () => {
    const { s3, sqs } = awsClients();
    const bucket = await createBucket('spool');
    const { url } = await createQueue('spool');
    const { VersionId } = await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'spool/ä b.ndjson.gz', Body: 'x' }));
    const queue = createMessageQueue(sqs, async () => url);
    let requeued = 0;
    for (let turn = 2; turn < 14; turn++) {
      const clock = { now: () => Date.now() + turn * HOUR };
      requeued += (await sweepSpool({ clock, list: () => listVersions(s3, bucket, 'spool/', 10), queue })).requeued;
    }
    expect([requeued, await queue.length()]).toEqual([1, 1]);
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: url }));
    expect(parseObjectNotifications(Messages[0]!.Body).objects).toEqual([{ bucket, key: 'spool/ä b.ndjson.gz', versionId: VersionId }]);
    // Taken, not done with: still counted, or the next sweep would send it a second time.
    expect(await queue.length()).toBe(1);
  });
});
