import type { Stage } from './schema.ts';
import { logGroupOf } from './subscriptions.ts';

/** Log groups that functions and Firehoses of this project write to, of whatever stage. */
const OURS = /^\/(tiercel\/|aws\/(lambda|kinesisfirehose)\/tiercel-)/;

/** A beat is believed for a quarter of an hour, of which CloudWatch Logs may take three minutes. */
const MAX_BEATING_BUFFER_SECONDS = 600;

const accountOf = (arn: string) => arn.split(':')[4];

/** What does not fit together among the clusters of a stage, and between them and the log groups that carry alerts. */
export function clusterProblems(stage: Stage): { readonly path: (string | number)[]; readonly message: string }[] {
  const problems: { path: (string | number)[]; message: string }[] = [];
  const names = new Map<string, number>();
  /** Log groups by account and region, and where they are listed: what comes in by one is delivered once. */
  const roads = new Map<string, string>();
  const takeRoad = (account: string, region: string, logGroup: string, at: string): string | undefined => {
    const road = `${account} ${region} ${logGroup}`;
    const taken = roads.get(road);
    if (taken === undefined) roads.set(road, at);
    return taken;
  };

  for (const [index, cluster] of stage.clusters.entries()) {
    const problem = (setting: keyof typeof cluster, message: string) => problems.push({ path: ['clusters', index, setting], message });
    const { name, path, archiveWriterArn, respondRoleArn } = cluster;
    const { account = stage.account, region = stage.region } = cluster;
    const foreign = account !== stage.account;
    const logGroup = logGroupOf(cluster);

    const first = names.get(name);
    const taken = takeRoad(account, region, logGroup, `clusters.${index}`);
    if (first !== undefined) {
      problem(
        'name',
        `${name} is already listed at clusters.${first}; a cluster takes one road, and names are identities, so clusters that EKS calls the same need different names here (and eksName)`,
      );
    } else {
      names.set(name, index);
      if (taken !== undefined)
        problem('logGroup', `${logGroup} is already listed at ${taken}; two roads for one cluster would deliver everything twice`);
    }
    if (OURS.test(logGroup)) problem('logGroup', `expected the log group of a control plane, but ${logGroup} is written by the functions`);

    if ((foreign || region !== stage.region) && path !== 'archive') {
      problem(
        'path',
        `${name} is in another account or region, from where CloudWatch Logs cannot call a function here; use path: archive, or deploy a stage there`,
      );
    }
    if (stage.heartbeat && cluster.heartbeat && path === 'archive' && cluster.firehoseBufferSeconds > MAX_BEATING_BUFFER_SECONDS)
      problem(
        'firehoseBufferSeconds',
        `expected at most ${MAX_BEATING_BUFFER_SECONDS}, got ${cluster.firehoseBufferSeconds}: beats of ${name} would be taken for missing ones; lower it, or set heartbeat: false for the cluster`,
      );
    // The owner of a bucket that is brought lets its writers in.
    if (path === 'archive' && foreign && archiveWriterArn === undefined && stage.archiveBucket === undefined)
      problem('archiveWriterArn', `expected the role of the Firehose that archives ${name}, because it is in another account`);
    for (const [setting, arn] of [
      ['archiveWriterArn', archiveWriterArn],
      ['respondRoleArn', respondRoleArn],
    ] as const) {
      if (arn !== undefined && accountOf(arn) !== account)
        problem(setting, `expected a role of account ${account}, where ${name} is, got ${arn}`);
    }
  }

  for (const [index, logGroup] of stage.alertLogGroups.entries()) {
    const problem = (message: string) => problems.push({ path: ['alertLogGroups', index], message });
    if (OURS.test(logGroup))
      problem(`expected a log group that others write to, but ${logGroup} is written by the functions: they would feed on themselves`);
    const taken = takeRoad(stage.account, stage.region, logGroup, `alertLogGroups.${index}`);
    if (taken !== undefined)
      problem(`${logGroup} is already listed at ${taken}; a log group carries audit events or alerts, and is read once`);
  }
  return problems;
}
