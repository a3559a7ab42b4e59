import { GetBucketNotificationConfigurationCommand } from '@aws-sdk/client-s3';
import { type Check, fault, ok, restore } from './check.ts';
import type { DeployedStage } from './stage.ts';

export const buckets: Check = {
  id: 'buckets',
  title: 'The buckets are there, and announce new objects to the right queue.',
  why: 'A bucket has one notification configuration: whoever puts another replaces ours, and objects lie unread.',
  needs: (stage) => [
    {
      actions: ['s3:GetBucketNotification'],
      resources: wantedAnnouncements(stage).map(({ bucket }) => `arn:${stage.partition}:s3:::${bucket}`),
    },
  ],
  subjects: ({ stage, aws }) =>
    wantedAnnouncements(stage).map(({ bucket, queue, prefixes }) => ({
      name: bucket,
      async look() {
        try {
          const { QueueConfigurations = [] } = await aws.s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: bucket }));
          const announced = QueueConfigurations.filter(
            ({ QueueArn, Events }) => QueueArn === stage.arn('sqs', queue ?? '') && Events?.includes('s3:ObjectCreated:*'),
          ).flatMap(({ Filter }) => Filter?.Key?.FilterRules?.find(({ Name }) => Name?.toLowerCase() === 'prefix')?.Value ?? '');
          const missing = prefixes.filter((prefix) => !announced.includes(prefix));
          if (missing.length === 0) return ok(queue === undefined ? 'is there, announces nothing' : `announces ${prefixes.join(', ')}`);
          return fault(`objects below ${missing.join(', ')} announced to ${queue}`, 'they are not', restore(stage));
        } catch (error) {
          if ((error as Error).name !== 'NoSuchBucket') throw error;
          return fault(`bucket ${bucket}`, 'there is none', restore(stage));
        }
      },
    })),
};

/** As infra/resources/buckets.yml has it. */
function wantedAnnouncements({ names }: DeployedStage): readonly { bucket: string; queue?: string; prefixes: readonly string[] }[] {
  return [
    { bucket: names.archiveBucket, queue: names.archiveQueue, prefixes: [names.archivePrefix] },
    { bucket: names.spoolBucket, queue: names.spoolQueue, prefixes: [names.spoolPrefix, names.failedInvocationsPrefix] },
    { bucket: names.quarantineBucket, prefixes: [] },
    { bucket: names.evidenceBucket, prefixes: [] },
  ];
}
