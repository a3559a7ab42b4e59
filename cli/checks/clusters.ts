import type { Cluster, DeployedStage } from './stage.ts';

/** Clusters that credentials of the stage's account can describe. */
export function reachable(stage: DeployedStage): readonly Cluster[] {
  return stage.watched.filter(({ account }) => account === stage.account);
}

export function clusterArns(stage: DeployedStage): readonly string[] {
  return reachable(stage).map(({ region, account, eksName }) => `arn:${stage.partition}:eks:${region}:${account}:cluster/${eksName}`);
}
