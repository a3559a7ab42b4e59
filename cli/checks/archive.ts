import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { objectPrefix, streamName } from '../../infra/stage/archives.ts';
import type { AwsClients } from './aws-clients.ts';
import { type Check, fault, ok, restore } from './check.ts';

export const archive: Check = {
  id: 'archive',
  title: 'The Firehose of every archived cluster is active, and writes objects.',
  why: 'With `path: archive` nobody is watching when no objects come; with `stream+store` the history has a hole.',
  needs: (stage) =>
    stage.archived.length === 0
      ? []
      : [
          { actions: ['s3:ListBucket'], resources: [`arn:${stage.partition}:s3:::${stage.names.archiveBucket}`] },
          {
            actions: ['firehose:DescribeDeliveryStream'],
            resources: [stage.arn('firehose', `deliverystream/tiercel-${stage.name}-*`)],
          },
        ],
  subjects: ({ stage, aws, clock }) =>
    stage.archived.map((cluster) => ({
      name: cluster.name,
      async look() {
        const DeliveryStreamName = streamName(stage, cluster.name);
        const state = await stateOf(DeliveryStreamName, aws);
        if (state === undefined) return fault(`Firehose ${DeliveryStreamName}`, 'there is none', restore(stage));
        if (state !== 'ACTIVE')
          return fault(
            'a Firehose that is active',
            `${DeliveryStreamName} is ${state}`,
            state === 'CREATING' ? 'Wait some minutes, and run doctor again' : restore(stage),
          );
        const { archiveBucket: Bucket, archiveErrorPrefix } = stage.names;
        const folder = objectPrefix(stage.names, cluster);
        for (const hoursAgo of [0, 1]) {
          const hour = new Date(clock.now() - hoursAgo * 3_600_000).toISOString().slice(0, 13).replace(/[-T]/g, '/');
          const { KeyCount = 0 } = await aws.s3.send(new ListObjectsV2Command({ Bucket, Prefix: `${folder}${hour}/`, MaxKeys: 1 }));
          if (KeyCount > 0) return ok(`objects below ${folder}${hour}/`);
        }
        return fault(
          `objects of this hour or the last below s3://${Bucket}/${folder}`,
          'there are none',
          `aws s3 ls --recursive s3://${Bucket}/${archiveErrorPrefix}${cluster.name}/ and aws logs tail /aws/kinesisfirehose/tiercel-${stage.name} say what Firehose could not do`,
        );
      },
    })),
};

/** `undefined` where there is none. */
async function stateOf(DeliveryStreamName: string, aws: AwsClients): Promise<string | undefined> {
  try {
    const { DeliveryStreamDescription } = await aws.json('firehose', 'DescribeDeliveryStream', { DeliveryStreamName });
    return (DeliveryStreamDescription as { readonly DeliveryStreamStatus: string }).DeliveryStreamStatus;
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') throw error;
    return undefined;
  }
}
