import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { objectPrefix } from '../../infra/stage/archives.ts';
import { type Check, fault, ok } from './check.ts';

export const archive: Check = {
  id: 'archive',
  title: 'Firehose writes the objects of every archived cluster.',
  why: 'With `path: archive` nobody is watching when no objects come; with `stream+store` the history has a hole.',
  needs: (stage) =>
    stage.archived.length === 0
      ? []
      : [{ actions: ['s3:ListBucket'], resources: [`arn:${stage.partition}:s3:::${stage.names.archiveBucket}`] }],
  subjects: ({ stage, aws, clock }) =>
    stage.archived.map((cluster) => ({
      name: cluster.name,
      async look() {
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
