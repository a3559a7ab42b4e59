import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import type { ObjectStore } from '../object-store.ts';

/** One version of one object. */
export interface ObjectAddress {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
}

/** {@link ObjectStore} below `prefix` in a bucket; `If-None-Match: *` makes the write conditional (S3 answers 412 when the key exists, 409 on a race). */
export function createBucketStore(client: S3Client, bucket: string, prefix: string): ObjectStore {
  return {
    async putIfAbsent(key, body, metadata = {}) {
      try {
        await client.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: prefix + key,
            Body: body,
            IfNoneMatch: '*',
            ContentType: metadata.contentType,
            ContentEncoding: metadata.contentEncoding,
          }),
        );
        return 'written';
      } catch (error) {
        if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412) return 'present';
        throw error;
      }
    },
  };
}

/** An object that is being read. */
export interface OpenObject {
  /** Its bytes as stored. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** When it was written, epoch milliseconds. */
  readonly lastModifiedMs?: number;
}

/** Reads and deletes objects named by notifications. */
export interface ObjectReader {
  /** `undefined` when the object is gone: expired, deleted, or delivered by an earlier attempt. */
  open(address: ObjectAddress): Promise<OpenObject | undefined>;
  /** Deletes this version. Deleting what is gone succeeds. */
  remove(address: ObjectAddress): Promise<void>;
}

export function createBucketReader(client: S3Client): ObjectReader {
  const target = (address: ObjectAddress) => ({
    Bucket: address.bucket,
    Key: address.key,
    ...(address.versionId === undefined ? {} : { VersionId: address.versionId }),
  });
  return {
    async open(address) {
      try {
        const { Body, LastModified } = await client.send(new GetObjectCommand(target(address)));
        const bytes = Body as unknown as AsyncIterable<Uint8Array>;
        return LastModified === undefined ? { bytes } : { bytes, lastModifiedMs: LastModified.getTime() };
      } catch (error) {
        if (error instanceof S3ServiceException && GONE.has(error.name)) return undefined;
        throw error;
      }
    },
    async remove(address) {
      await client.send(new DeleteObjectCommand(target(address)));
    },
  };
}

const GONE = new Set(['NoSuchKey', 'NoSuchVersion', 'NotFound']);
