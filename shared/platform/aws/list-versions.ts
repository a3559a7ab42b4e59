import { ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3';
import type { ObjectAddress } from './s3.ts';

/** The current version of an object, as a listing has it. */
export interface ListedObject extends ObjectAddress {
  /** When it was written, epoch milliseconds. */
  readonly writtenMs: number;
}

export interface Listing {
  readonly objects: readonly ListedObject[];
  /** False when there were more pages than were asked for. */
  readonly complete: boolean;
}

/** Current versions of the objects below a prefix, at most `maxPages` × 1,000. By version, because what is known of an object is known of its version. */
export async function listVersions(client: S3Client, bucket: string, prefix: string, maxPages: number): Promise<Listing> {
  const objects: ListedObject[] = [];
  let marker: { KeyMarker?: string; VersionIdMarker?: string } = {};
  for (let page = 0; page < maxPages; page++) {
    const answer = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, ...marker }));
    for (const { Key, VersionId, IsLatest, LastModified } of answer.Versions ?? []) {
      if (!IsLatest || Key === undefined || LastModified === undefined) continue;
      const version = VersionId === undefined || VersionId === 'null' ? {} : { versionId: VersionId };
      objects.push({ bucket, key: Key, ...version, writtenMs: LastModified.getTime() });
    }
    if (!answer.IsTruncated) return { objects, complete: true };
    marker = {
      ...(answer.NextKeyMarker === undefined ? {} : { KeyMarker: answer.NextKeyMarker }),
      ...(answer.NextVersionIdMarker === undefined ? {} : { VersionIdMarker: answer.NextVersionIdMarker }),
    };
  }
  return { objects, complete: false };
}
