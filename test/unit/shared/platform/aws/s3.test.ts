import { DeleteObjectCommand, GetObjectCommand, NoSuchKey, PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { createBucketReader, createBucketStore } from '../../../../../shared/platform/aws/s3.ts';

/** Answers that moto does not give: the races and refusals of the real service. */
const s3 = mockClient(S3Client);
const client = new S3Client({ region: 'eu-central-1' });

function refusal(name: string, httpStatusCode: number): S3ServiceException {
  return new S3ServiceException({ name, $fault: 'client', $metadata: { httpStatusCode }, message: name });
}

beforeEach(() => s3.reset());

describe('objects written if absent', () => {
  const store = createBucketStore(client, 'own', 'spool/');

  it('are written on condition, below the prefix', async () => {
    s3.on(PutObjectCommand).resolves({});
    expect(await store.putIfAbsent('a.gz', Buffer.from('a'))).toBe('written');
    expect(s3.commandCalls(PutObjectCommand)[0]?.args[0].input).toMatchObject({ Bucket: 'own', Key: 'spool/a.gz', IfNoneMatch: '*' });
  });

  it('count as present when the key exists', async () => {
    s3.on(PutObjectCommand).rejects(refusal('PreconditionFailed', 412));
    expect(await store.putIfAbsent('a.gz', Buffer.from('a'))).toBe('present');
  });

  it.each([
    ['ConditionalRequestConflict', 409],
    ['AccessDenied', 403],
    ['SlowDown', 503],
  ])('are not taken for written when S3 answers %s', async (name, status) => {
    s3.on(PutObjectCommand).rejects(refusal(name, status));
    await expect(store.putIfAbsent('a.gz', Buffer.from('a'))).rejects.toThrow(name);
  });
});

describe('objects read', () => {
  const reader = createBucketReader(client);

  it('are asked for by version, if there is one', async () => {
    s3.on(GetObjectCommand).resolves({});
    await reader.open({ bucket: 'b', key: 'k', versionId: 'v' });
    await reader.open({ bucket: 'b', key: 'k' });
    expect(s3.commandCalls(GetObjectCommand).map(({ args }) => args[0].input)).toEqual([
      { Bucket: 'b', Key: 'k', VersionId: 'v' },
      { Bucket: 'b', Key: 'k' },
    ]);
  });

  it('are gone when S3 does not know them', async () => {
    s3.on(GetObjectCommand).rejects(new NoSuchKey({ $metadata: { httpStatusCode: 404 }, message: 'gone' }));
    expect(await reader.open({ bucket: 'b', key: 'k' })).toBeUndefined();
  });

  it('are not gone when they may not be read', async () => {
    s3.on(GetObjectCommand).rejects(refusal('AccessDenied', 403));
    await expect(reader.open({ bucket: 'b', key: 'k' })).rejects.toThrow('AccessDenied');
  });

  it('are deleted by version, so that nothing of a delivered object stays', async () => {
    s3.on(DeleteObjectCommand).resolves({});
    await reader.remove({ bucket: 'b', key: 'k', versionId: 'v' });
    expect(s3.commandCalls(DeleteObjectCommand)[0]?.args[0].input).toEqual({ Bucket: 'b', Key: 'k', VersionId: 'v' });
  });
});
