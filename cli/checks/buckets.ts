import { GetBucketNotificationConfigurationCommand, GetBucketVersioningCommand, GetPublicAccessBlockCommand } from '@aws-sdk/client-s3';
import type { AwsClients } from './aws-clients.ts';
import { type Check, type Finding, fault, ok, restore } from './check.ts';
import type { DeployedStage } from './stage.ts';

export const buckets: Check = {
  id: 'buckets',
  title: 'The buckets are there, announce new objects to the right queue, keep versions, and can be made public by nobody.',
  why: 'A bucket has one notification configuration: whoever puts another replaces ours, and objects lie unread. Versions are what is left of an object that somebody deleted or overwrote.',
  needs: (stage) => [
    {
      actions: ['s3:GetBucketNotification'],
      resources: wantedAnnouncements(stage).map(({ bucket }) => `arn:${stage.partition}:s3:::${bucket}`),
    },
    {
      actions: ['s3:GetBucketVersioning', 's3:GetBucketPublicAccessBlock'],
      resources: wantedAnnouncements(stage)
        .filter(({ own }) => own)
        .map(({ bucket }) => `arn:${stage.partition}:s3:::${bucket}`),
    },
  ],
  subjects: ({ stage, aws }) =>
    wantedAnnouncements(stage).map(({ bucket, queue, prefixes, own }) => ({
      name: bucket,
      async look() {
        try {
          const { QueueConfigurations = [] } = await aws.s3.send(new GetBucketNotificationConfigurationCommand({ Bucket: bucket }));
          const announced = QueueConfigurations.filter(
            ({ QueueArn, Events }) => QueueArn === stage.arn('sqs', queue ?? '') && Events?.includes('s3:ObjectCreated:*'),
          ).flatMap(({ Filter }) => Filter?.Key?.FilterRules?.find(({ Name }) => Name?.toLowerCase() === 'prefix')?.Value ?? '');
          const missing = prefixes.filter((prefix) => !announced.includes(prefix));
          const faults = [
            ...(missing.length > 0
              ? [fault(`objects below ${missing.join(', ')} announced to ${queue}`, 'they are not', restore(stage))]
              : []),
            ...(own ? await settingsOf(bucket, aws) : []),
          ];
          if (faults.length > 0) return faults;
          return ok(queue === undefined ? 'is there, announces nothing' : `announces ${prefixes.join(', ')}`);
        } catch (error) {
          if ((error as Error).name !== 'NoSuchBucket') throw error;
          return fault(`bucket ${bucket}`, 'there is none', restore(stage));
        }
      },
    })),
};

async function settingsOf(Bucket: string, { s3 }: AwsClients): Promise<readonly Finding[]> {
  const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket }));
  const block = await s3.send(new GetPublicAccessBlockCommand({ Bucket })).then(
    ({ PublicAccessBlockConfiguration: found = {} }) => found,
    (error: Error) => {
      if (error.name !== 'NoSuchPublicAccessBlockConfiguration') throw error;
      return {};
    },
  );
  const shut = Object.values(block).filter((set) => set === true).length === 4;
  return [
    ...(Status === 'Enabled'
      ? []
      : [
          fault(
            'versions of its objects',
            `versioning is ${Status?.toLowerCase() ?? 'off'}`,
            `aws s3api put-bucket-versioning --bucket ${Bucket} --versioning-configuration Status=Enabled`,
          ),
        ]),
    ...(shut
      ? []
      : [
          fault(
            'all public access blocked',
            'it is not',
            `aws s3api put-public-access-block --bucket ${Bucket} --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true`,
          ),
        ]),
  ];
}

/** A bucket that was brought is set up by its owner. */
interface WantedBucket {
  readonly bucket: string;
  readonly own: boolean;
  readonly queue?: string;
  readonly prefixes: readonly string[];
}

/** As infra/resources/buckets.yml has it. */
function wantedAnnouncements({ names, archiveOrigin }: DeployedStage): readonly WantedBucket[] {
  return [
    { bucket: names.archiveBucket, own: archiveOrigin === 'own', queue: names.archiveQueue, prefixes: [names.archivePrefix] },
    { bucket: names.spoolBucket, own: true, queue: names.spoolQueue, prefixes: [names.spoolPrefix, names.failedInvocationsPrefix] },
    { bucket: names.quarantineBucket, own: true, prefixes: [] },
    { bucket: names.evidenceBucket, own: true, prefixes: [] },
  ];
}
