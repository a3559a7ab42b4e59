import { resolve } from 'node:path';
import { names, type StageNames } from './names.ts';
import type { NamedStage } from './read.ts';
import { logGroupOf, subscriptions } from './subscriptions.ts';

/** What `serverless.yml` reads as `custom.stage`: the stage's settings, the names of everything, and what depends on its lists. */
export interface Deployment extends NamedStage {
  readonly names: StageNames;
  /** The environment variable CLUSTERS: who is watched, and by which marks its events are recognised. */
  readonly clustersJson: string;
  /** ARN of the data key, or the intrinsic function that gives it. */
  readonly dataKey: string | { readonly 'Fn::GetAtt': readonly [string, string] };
  /** Empty in stage `local`, which asks nothing of AWS: then no event carries a MAC. */
  readonly macKeySecretId: string;
  /** Only stage `local` keeps its state in a folder and its journal in memory. */
  readonly stateDir: string;
  readonly journal: 'dynamodb' | 'memory';
  /** Which of the settings in infra/bundle.yml packs the functions. */
  readonly bundle: 'lambda' | 'local';
  /** Which of the statements in infra/resources/vpc-statement.yml the audit functions get. */
  readonly network: 'inside' | 'outside';
  /** Whether infra/resources/data-key.yml makes a key. */
  readonly keyOrigin: 'own' | 'brought';
  readonly subscriptions: { readonly Resources: ReturnType<typeof subscriptions> };
}

/** Lambda allows 4 KiB for all variables of a function together; the others take well under 1 KiB. */
const MAX_CLUSTERS_BYTES = 3 * 1024;

/** @throws Error when the stage names more clusters than fit into one function's environment. */
export function deployment(stage: NamedStage): Deployment {
  const stageNames = names(stage);
  const local = stage.name === 'local';
  const clustersJson = JSON.stringify(
    stage.clusters.map((cluster) => {
      const account = cluster.account ?? stage.account;
      const region = cluster.region ?? stage.region;
      const prefix = `${stageNames.archivePrefix}${account}/${region}/${cluster.name}/`;
      return { name: cluster.name, account, region, logGroup: logGroupOf(cluster), prefix };
    }),
  );
  if (Buffer.byteLength(clustersJson) > MAX_CLUSTERS_BYTES) {
    throw new Error(
      `infra/stages/${stage.name}.yml: expected clusters that fit into ${MAX_CLUSTERS_BYTES} bytes of environment, got ${stage.clusters.length} clusters in ${Buffer.byteLength(clustersJson)} bytes. Spread them over several stages.`,
    );
  }
  return {
    ...stage,
    names: stageNames,
    clustersJson,
    dataKey: stage.dataKeyArn ?? { 'Fn::GetAtt': ['DataKey', 'Arn'] },
    macKeySecretId: local ? '' : stageNames.macKeySecret,
    stateDir: local ? resolve(import.meta.dirname, '../../.cache/local') : '',
    journal: local ? 'memory' : 'dynamodb',
    bundle: local ? 'local' : 'lambda',
    network: stage.vpc ? 'inside' : 'outside',
    keyOrigin: stage.dataKeyArn === undefined ? 'own' : 'brought',
    subscriptions: { Resources: subscriptions(stage) },
  };
}
