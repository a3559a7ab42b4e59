import { archiveArn } from './archives.ts';
import type { StageNames } from './names.ts';
import type { NamedStage } from './read.ts';
import { logGroupOf } from './subscriptions.ts';

/** The stream of the beats. The same as in shared/flows/heartbeat-event.ts; a test compares them. */
const LOG_STREAM = 'kube-apiserver-audit-tiercel-heartbeat';

/** What the heartbeat function and its role are given. */
export interface HeartbeatSettings {
  /** Variable HEARTBEATS: where each cluster's beat goes in. */
  readonly targetsJson: string;
  readonly streamArns: readonly string[];
  readonly objectArns: readonly { readonly 'Fn::Sub': string }[];
  /** Which of the statements in infra/resources/heartbeat-statements.yml there are. */
  readonly writesStreams: 'some' | 'none';
  readonly writesObjects: 'some' | 'none';
  /** Of the schedule. */
  readonly state: 'ENABLED' | 'DISABLED';
}

/** Clusters that get a beat. */
export function beatingClusters(stage: NamedStage): NamedStage['clusters'] {
  return stage.heartbeat ? stage.clusters.filter(({ heartbeat }) => heartbeat) : [];
}

/** A beat goes into the cluster's log group, in whichever region; where that is another account's, into the archive, as its Firehose does. */
export function heartbeats(stage: NamedStage, partition: string, names: StageNames): HeartbeatSettings {
  const targets = beatingClusters(stage).map((cluster) => {
    const { name, account = stage.account, region = stage.region } = cluster;
    return account === stage.account
      ? { cluster: name, logGroup: logGroupOf(cluster), region }
      : { cluster: name, prefix: `${names.archivePrefix}${account}/${region}/${name}/` };
  });
  const streamArns = targets.flatMap((target) =>
    'logGroup' in target
      ? `arn:${partition}:logs:${target.region}:${stage.account}:log-group:${target.logGroup}:log-stream:${LOG_STREAM}`
      : [],
  );
  const objectArns = targets.flatMap((target) =>
    'prefix' in target ? { 'Fn::Sub': `${archiveArn(stage)}/${target.prefix}${LOG_STREAM}/*` } : [],
  );
  return {
    targetsJson: JSON.stringify(targets),
    streamArns,
    objectArns,
    writesStreams: streamArns.length > 0 ? 'some' : 'none',
    writesObjects: objectArns.length > 0 ? 'some' : 'none',
    state: targets.length > 0 ? 'ENABLED' : 'DISABLED',
  };
}
