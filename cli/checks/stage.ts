import { archivedClusters, streamName } from '../../infra/stage/archives.ts';
import { type Deployment, deployment } from '../../infra/stage/deployment.ts';
import { beatingClusters } from '../../infra/stage/heartbeat.ts';
import type { NamedStage } from '../../infra/stage/read.ts';
import { logGroupOf } from '../../infra/stage/subscriptions.ts';

/** One watched cluster, nothing left to default. */
export interface Cluster {
  readonly name: string;
  readonly eksName: string;
  readonly account: string;
  readonly region: string;
  readonly path: 'stream' | 'archive' | 'stream+store';
  readonly logGroup: string;
  /** Role that respond takes on for it; absent: respond's own. */
  readonly respondRoleArn?: string;
  /** Whether an EKS access entry makes respond known to it; if not, its aws-auth does. */
  readonly accessEntry: boolean;
}

/** A subscription that the stage makes. */
export interface WantedSubscription {
  readonly logGroup: string;
  readonly filterName: string;
  readonly destinationArn: string;
  readonly destinationType: 'Lambda' | 'Firehose';
}

/** What should be there, and what it is called. */
export interface DeployedStage extends Deployment {
  readonly partition: string;
  readonly watched: readonly Cluster[];
  /** Clusters whose objects are written by a Firehose of this stage. */
  readonly archived: readonly Cluster[];
  /** Clusters that get a heartbeat. */
  readonly beating: readonly Cluster[];
  readonly wantedSubscriptions: readonly WantedSubscription[];
  /** Whether the load balancer in front of Falco is the stage's own. */
  readonly balancesFalco: boolean;
  functionArn(name: string): string;
  /** `arn:…:<service>:<region>:<account>:<rest>` */
  arn(service: string, rest: string): string;
}

export function deployedStage(named: NamedStage): DeployedStage {
  const stage = deployment(named);
  const { names } = stage;
  const partition = stage.respondFunctionArn.split(':')[1] ?? 'aws';
  const arn = (service: string, rest: string) => `arn:${partition}:${service}:${stage.region}:${stage.account}:${rest}`;
  const functionArn = (name: string) => arn('lambda', `function:${name}`);
  const watched = named.clusters.map((cluster): Cluster => {
    const { name, eksName = name, account = stage.account, region = stage.region, path, respondRoleArn, accessEntry } = cluster;
    const role = respondRoleArn === undefined ? {} : { respondRoleArn };
    return { name, eksName, account, region, path, logGroup: logGroupOf(cluster), accessEntry, ...role };
  });
  const archivedNames = new Set(archivedClusters(named).map(({ name }) => name));
  const archived = watched.filter(({ name }) => archivedNames.has(name));
  const beatingNames = new Set(beatingClusters(named).map(({ name }) => name));
  const toFunction = (logGroup: string, filter: string, name: string): WantedSubscription => ({
    logGroup,
    filterName: `${filter}-${stage.name}`,
    destinationArn: functionArn(name),
    destinationType: 'Lambda',
  });
  return {
    ...stage,
    partition,
    watched,
    archived,
    beating: watched.filter(({ name }) => beatingNames.has(name)),
    wantedSubscriptions: [
      ...watched.filter(({ path }) => path !== 'archive').map(({ logGroup }) => toFunction(logGroup, 'tiercel-audit', names.auditStream)),
      ...stage.alertLogGroups.map((logGroup) => toFunction(logGroup, 'tiercel-alerts', names.respond)),
      ...archived.map(
        ({ name, logGroup }): WantedSubscription => ({
          logGroup,
          filterName: `tiercel-archive-${stage.name}`,
          destinationArn: arn('firehose', `deliverystream/${streamName(stage, name)}`),
          destinationType: 'Firehose',
        }),
      ),
    ],
    balancesFalco: named.falco?.loadBalancer !== undefined,
    functionArn,
    arn,
  };
}

/** Whether CloudWatch and CloudWatch Logs of the stage's own region know the cluster. */
export function isHere(cluster: Cluster, stage: DeployedStage): boolean {
  return cluster.account === stage.account && cluster.region === stage.region;
}
