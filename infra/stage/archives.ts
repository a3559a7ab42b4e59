import { createHash } from 'node:crypto';
import type { StageNames } from './names.ts';
import type { NamedStage } from './read.ts';
import { logGroupOf, logicalId, type Resources } from './subscriptions.ts';

/** Firehose hands on after `firehoseBufferSeconds`, or after this much, **MiB**. */
const BUFFER_MIB = 64;

/** Clusters whose history Firehose keeps from here. Those of other accounts and regions have a Firehose of their own there. */
export function archivedClusters(stage: NamedStage): NamedStage['clusters'] {
  return stage.clusters.filter(
    ({ path, account, region }) =>
      path !== 'stream' && (account ?? stage.account) === stage.account && (region ?? stage.region) === stage.region,
  );
}

/** ARN of the archive bucket, to stand in a `Fn::Sub`. */
export function archiveArn({ archiveBucket }: Pick<NamedStage, 'archiveBucket'>): string {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own spelling
  return archiveBucket === undefined ? '${ArchiveBucket.Arn}' : `arn:\${AWS::Partition}:s3:::${archiveBucket.name}`;
}

/** Firehose allows 64 characters; a digest tells longer names apart. */
export function streamName(stage: Pick<NamedStage, 'name'>, cluster: string): string {
  const name = `tiercel-${stage.name}-${cluster}`;
  return name.length <= 64 ? name : `${name.slice(0, 57)}-${createHash('sha256').update(cluster).digest('hex').slice(0, 6)}`;
}

/**
 * Where a cluster's objects lie. Only `audit/` is announced: with `stream+store` the events have already been delivered from the stream, and
 * the history below `history/` waits until somebody evaluates or replays it.
 */
export function objectPrefix(names: StageNames, cluster: { name: string; path: string; account: string; region: string }): string {
  const base = cluster.path === 'archive' ? names.archivePrefix : names.historyPrefix;
  return `${base}${cluster.account}/${cluster.region}/${cluster.name}/`;
}

/**
 * Per archived cluster a Firehose and its subscription. A Firehose of its own, because the prefix is all that says which cluster an object is
 * from. Records are decompressed and delimited on the way in; errors go where nothing is announced.
 */
export function archives(stage: NamedStage, names: StageNames): Resources {
  return Object.assign(
    {},
    ...archivedClusters(stage).map((cluster): Resources => {
      const logGroup = logGroupOf(cluster);
      const id = logicalId(logGroup);
      return {
        [`Archive${id}`]: {
          Type: 'AWS::KinesisFirehose::DeliveryStream',
          DependsOn: 'ArchiveWriterPolicy',
          Properties: {
            DeliveryStreamName: streamName(stage, cluster.name),
            DeliveryStreamType: 'DirectPut',
            DeliveryStreamEncryptionConfigurationInput: { KeyType: 'AWS_OWNED_CMK' },
            ExtendedS3DestinationConfiguration: {
              BucketARN: { 'Fn::Sub': archiveArn(stage) },
              RoleARN: { 'Fn::GetAtt': ['ArchiveWriterRole', 'Arn'] },
              Prefix: `${objectPrefix(names, { ...cluster, account: stage.account, region: stage.region })}!{timestamp:yyyy/MM/dd/HH}/`,
              ErrorOutputPrefix: `${names.archiveErrorPrefix}${cluster.name}/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/`,
              CompressionFormat: 'GZIP',
              BufferingHints: { IntervalInSeconds: cluster.firehoseBufferSeconds, SizeInMBs: BUFFER_MIB },
              ProcessingConfiguration: {
                Enabled: true,
                Processors: [
                  { Type: 'Decompression', Parameters: [{ ParameterName: 'CompressionFormat', ParameterValue: 'GZIP' }] },
                  { Type: 'AppendDelimiterToRecord', Parameters: [{ ParameterName: 'Delimiter', ParameterValue: '\\n' }] },
                ],
              },
              CloudWatchLoggingOptions: { Enabled: true, LogGroupName: { Ref: 'ArchiveWriterLogGroup' }, LogStreamName: cluster.name },
            },
          },
        },
        [`ArchiveLogStream${id}`]: {
          Type: 'AWS::Logs::LogStream',
          Properties: { LogGroupName: { Ref: 'ArchiveWriterLogGroup' }, LogStreamName: cluster.name },
        },
        [`ArchiveSubscription${id}`]: {
          Type: 'AWS::Logs::SubscriptionFilter',
          DependsOn: 'LogsToArchivePolicy',
          Properties: {
            LogGroupName: logGroup,
            FilterName: `tiercel-archive-${stage.name}`,
            FilterPattern: '',
            DestinationArn: { 'Fn::GetAtt': [`Archive${id}`, 'Arn'] },
            RoleArn: { 'Fn::GetAtt': ['LogsToArchiveRole', 'Arn'] },
          },
        },
      };
    }),
  );
}

/** Roles of other accounts that write into the archive bucket. */
export function foreignWriters(stage: NamedStage): string[] {
  const elsewhere = stage.clusters.filter(({ account }) => (account ?? stage.account) !== stage.account);
  return [...new Set(elsewhere.flatMap(({ archiveWriterArn }) => archiveWriterArn ?? []))];
}
