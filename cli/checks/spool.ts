import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { type Check, fault, ok } from './check.ts';

/** As the alarm on it, **minutes**: longer than a rollout of Falco. */
const TOO_OLD_MINUTES = 30;
/** Keys looked at, at most: pages of a thousand. */
const PAGES = 20;

export const spool: Check = {
  id: 'spool',
  title: `No event has been waiting for Falco for more than ${TOO_OLD_MINUTES} minutes.`,
  why: 'Nothing in the spool is lost, but nobody is watching it either, and it expires after `spoolRetentionDays`.',
  needs: (stage) => [{ actions: ['s3:ListBucket'], resources: [`arn:${stage.partition}:s3:::${stage.names.spoolBucket}`] }],
  // Lambda's records of failed invocations are read and deleted like what is spooled.
  subjects: ({ stage, aws, clock }) =>
    [stage.names.spoolPrefix, stage.names.failedInvocationsPrefix].map((Prefix) => ({
      name: `s3://${stage.names.spoolBucket}/${Prefix}`,
      async look() {
        let objects = 0;
        let oldestMs = Number.POSITIVE_INFINITY;
        let ContinuationToken: string | undefined;
        for (let page = 0; page < PAGES; page++) {
          const answer = await aws.s3.send(new ListObjectsV2Command({ Bucket: stage.names.spoolBucket, Prefix, ContinuationToken }));
          for (const { LastModified } of answer.Contents ?? []) {
            objects++;
            oldestMs = Math.min(oldestMs, LastModified?.getTime() ?? Number.POSITIVE_INFINITY);
          }
          ContinuationToken = answer.NextContinuationToken;
          if (ContinuationToken === undefined) break;
        }
        if (objects === 0) return ok('empty');
        const minutes = Math.floor((clock.now() - oldestMs) / 60_000);
        const count = `${ContinuationToken === undefined ? '' : 'more than '}${objects} objects, the oldest ${minutes} minutes old`;
        if (minutes <= TOO_OLD_MINUTES) return ok(count);
        return fault(
          `nothing older than ${TOO_OLD_MINUTES} minutes`,
          count,
          `Is Falco there (targets, webhook)? Then aws logs tail /aws/lambda/${stage.names.auditArchive} --since 30m says what it answered`,
        );
      },
    })),
};
