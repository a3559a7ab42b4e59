import { resolve } from 'node:path';
import { accessEntries } from './access.ts';
import { alarmArns, alarms } from './alarms.ts';
import { archiveArn, archivedClusters, archives, foreignWriters, objectPrefix, streamName } from './archives.ts';
import { channels } from './channels.ts';
import { caps, queueShares } from './concurrency.ts';
import { dashboard } from './dashboard.ts';
import { type EndpointUrl, endpoints, endpointUrls, type Service } from './endpoints.ts';
import { type HeartbeatSettings, heartbeats } from './heartbeat.ts';
import { limitProblem } from './limits.ts';
import { loadBalancer } from './load-balancer.ts';
import { names, type StageNames } from './names.ts';
import { type FunctionVpc, functionVpc, securityGroupOutputs, securityGroups } from './network.ts';
import { savedQueries } from './queries.ts';
import { type NamedStage, StageError } from './read.ts';
import type { StageCluster } from './schema.ts';
import { logGroupOf, type Resources, subscriptions } from './subscriptions.ts';

/** What `serverless.yml` reads as `custom.stage`: the stage's settings, the names of everything, and what depends on its lists. */
export interface Deployment extends Omit<NamedStage, 'falco' | 'concurrency'> {
  /** Reserved concurrency of those functions that have some, and what of it each queue may take. */
  readonly concurrency: ReturnType<typeof caps>;
  readonly queueShares: ReturnType<typeof queueShares>;
  /** All as text, for the environment; empty where nothing is set. */
  readonly falcoSettings: Readonly<Record<Exclude<keyof NonNullable<NamedStage['falco']>, 'loadBalancer' | 'rollout'>, string>>;
  readonly names: StageNames;
  /** The environment variable CLUSTERS: who is watched, and by which marks its events are recognised. */
  readonly clustersJson: string;
  /** Variable CLUSTERS of respond: those it may look at and act on. */
  readonly respondClustersJson: string;
  /** What respond may describe, and the roles it may assume; which statements of infra/resources/cluster-statements.yml it gets. */
  readonly clusterArns: readonly string[];
  readonly clusterRoleArns: readonly string[];
  readonly describesClusters: 'some' | 'none';
  readonly assumesRoles: 'some' | 'none';
  /** Which of the statements in infra/resources/trace-statement.yml there are. */
  readonly traces: 'some' | 'none';
  /** Variable WATCHED_CLUSTERS of respond: names of all clusters, which may become a dimension of its metrics. */
  readonly watchedClusters: string;
  readonly heartbeats: HeartbeatSettings;
  /** Who respond is in its clusters. */
  readonly respondRoleArn: string;
  readonly respondFunctionArn: string;
  /** How respond has itself invoked when a response ends; empty in stage `local`. */
  readonly expiry: { readonly group: string; readonly roleArn: string; readonly targetArn: string };
  /** ARN of the data key, or the intrinsic function that gives it. */
  readonly dataKey: string | { readonly 'Fn::GetAtt': readonly [string, string] };
  /** Empty in stage `local`, which asks nothing of AWS: then no event carries a MAC. */
  readonly macKeySecretId: string;
  /** The secrets that the audit functions read: the MAC key, and Falco's client certificate where there is one. */
  readonly auditSecrets: readonly (string | { readonly Ref: string })[];
  /** Where respond writes every alert down; empty in stage `local`. */
  readonly alertLogGroup: string;
  /** Where the embedded engine's alerts go: respond's queue; in stage `local`, standard output. */
  readonly alertSink: string;
  /** Rules lie in the package; stage `local` reads them from the tree, because `invoke local` has no package. */
  readonly rulesRoot: string;
  /** Only stage `local` keeps its state in a folder and its journal in memory. */
  readonly stateDir: string;
  /** … and reads objects from a folder: the samples. */
  readonly objectsDir: string;
  readonly journal: 'dynamodb' | 'memory';
  /** Where respond keeps evidence: a bucket; in stage `local`, a folder. The other one is empty. */
  readonly evidence: { readonly bucket: string; readonly folder: string };
  /** Whom respond can tell. */
  readonly channels: ReturnType<typeof channels>;
  /** Which of the settings in infra/bundle.yml packs the functions. */
  readonly bundle: 'lambda' | 'local';
  /** Which of the statements in infra/resources/vpc-statement.yml the functions get, and their places in the VPC. */
  readonly network: 'inside' | 'outside';
  readonly respondNetwork: 'inside' | 'outside';
  readonly auditVpc: FunctionVpc | undefined;
  readonly respondVpc: FunctionVpc | undefined;
  /** Addresses of the stage's own interface endpoints; empty where there is none. */
  readonly auditEndpointUrls: Readonly<Record<Service, EndpointUrl>>;
  readonly respondEndpointUrls: Readonly<Record<Service, EndpointUrl>>;
  readonly securityGroups: { readonly Resources: Resources; readonly Outputs: Readonly<Record<string, object>> };
  readonly loadBalancer: ReturnType<typeof loadBalancer>;
  readonly endpoints: { readonly Resources: Resources };
  readonly accessEntries: { readonly Resources: Resources };
  /** What infra/resources/heartbeat.yml looks up by the account it is deployed into. */
  readonly accountCheck: { readonly Mappings: object; readonly Resources: Resources };
  /** Whether infra/resources/data-key.yml makes a key. */
  readonly keyOrigin: 'own' | 'brought';
  readonly subscriptions: { readonly Resources: Resources };
  readonly alarms: { readonly Resources: Resources };
  /** Dashboard and saved queries. */
  readonly views: { readonly Resources: Resources };
  readonly archives: { readonly Resources: Resources };
  /** ARN of the archive bucket, to stand in a `!Sub`; the keys its objects are under; whether infra/resources/archive-bucket.yml makes it. */
  readonly archiveArn: string;
  readonly archiveKeys: readonly (string | { readonly 'Fn::GetAtt': readonly [string, string] })[];
  readonly archiveOrigin: 'own' | 'brought';
  /** Whose the archive bucket is. */
  readonly archiveAccount: string;
  readonly archiveStreamArns: readonly string[];
  /** Roles of other accounts that write into the archive; which statements of infra/resources/foreign-writers.yml there are. */
  readonly foreignWriterArns: readonly string[];
  readonly foreignWriters: 'some' | 'none';
  /** Whether infra/resources/archive-writers.yml makes the roles of the archive. */
  readonly archiveWriters: 'some' | 'none';
}

/** @throws StageError when the stage says more than AWS allows for a function or a stack. */
export function deployment(stage: NamedStage): Deployment {
  const { falco, ...settings } = stage;
  const stageNames = names(stage);
  const local = stage.name === 'local';
  const root = resolve(import.meta.dirname, '../..');
  const partition = stage.region.startsWith('cn-') ? 'aws-cn' : stage.region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
  const respondFunctionArn = `arn:${partition}:lambda:${stage.region}:${stage.account}:function:${stageNames.respond}`;
  // Secrets Manager puts six characters behind a secret's name.
  const secretArn = (id: string) =>
    id.startsWith('arn:') ? id : `arn:${partition}:secretsmanager:${stage.region}:${stage.account}:secret:${id}-??????`;
  const clusters = stage.clusters.map((cluster) => ({
    ...cluster,
    account: cluster.account ?? stage.account,
    region: cluster.region ?? stage.region,
    eksName: cluster.eksName ?? cluster.name,
  }));
  const reached = clusters.filter(({ account, respondRoleArn }) => account === stage.account || respondRoleArn !== undefined);
  const own = reached.filter(({ respondRoleArn }) => respondRoleArn === undefined);
  const clusterRoleArns = [...new Set(reached.flatMap(({ respondRoleArn }) => respondRoleArn ?? []))];
  const respondClustersJson = JSON.stringify(
    reached.map(({ name, region, account, eksName, respondRoleArn: roleArn }) => ({
      name,
      region,
      account,
      eksName: eksName === name ? undefined : eksName,
      roleArn,
    })),
  );
  const told = channels(stage.notify);
  const clusterArns = own.map(({ account, region, eksName }) => `arn:${partition}:eks:${region}:${account}:cluster/${eksName}`);
  const dataKey = stage.dataKeyArn ?? ({ 'Fn::GetAtt': ['DataKey', 'Arn'] } as const);
  const auditSecrets = [{ Ref: 'MacKeySecret' }, ...(falco?.clientSecretId === undefined ? [] : [secretArn(falco.clientSecretId)])];
  const reach = { names: stageNames, partition, clusterArns, clusterRoleArns, auditSecrets, channels: told };
  const made: Deployment = {
    ...settings,
    concurrency: caps(stage),
    queueShares: queueShares(stage),
    falcoSettings: falcoSettings(falco),
    names: stageNames,
    clustersJson: clustersJson(stageNames, clusters),
    respondClustersJson,
    clusterArns,
    clusterRoleArns,
    describesClusters: own.length > 0 ? 'some' : 'none',
    assumesRoles: clusterRoleArns.length > 0 ? 'some' : 'none',
    traces: stage.tracing ? 'some' : 'none',
    watchedClusters: stage.clusters.map(({ name }) => name).join(','),
    heartbeats: heartbeats(stage, partition, stageNames),
    respondRoleArn: `arn:${partition}:iam::${stage.account}:role/${stageNames.respond}`,
    respondFunctionArn,
    expiry: local
      ? { group: '', roleArn: '', targetArn: '' }
      : {
          group: stageNames.expiryGroup,
          roleArn: `arn:${partition}:iam::${stage.account}:role/${stageNames.expiryRole}`,
          targetArn: respondFunctionArn,
        },
    dataKey,
    macKeySecretId: local ? '' : stageNames.macKeySecret,
    auditSecrets,
    alertLogGroup: local ? '' : stageNames.alertLogGroup,
    alertSink: local ? 'stdout' : `sqs:https://sqs.${stage.region}.amazonaws.com/${stage.account}/${stageNames.respondQueue}`,
    rulesRoot: local ? `${root}/` : '',
    stateDir: local ? resolve(root, '.cache/local') : '',
    objectsDir: local ? resolve(root, 'events/objects') : '',
    journal: local ? 'memory' : 'dynamodb',
    evidence: local ? { bucket: '', folder: resolve(root, '.cache/local/evidence') } : { bucket: stageNames.evidenceBucket, folder: '' },
    channels: told,
    bundle: local ? 'local' : 'lambda',
    network: stage.vpc ? 'inside' : 'outside',
    respondNetwork: stage.respondInVpc ? 'inside' : 'outside',
    auditVpc: functionVpc(stage, 'audit'),
    respondVpc: functionVpc(stage, 'respond'),
    auditEndpointUrls: endpointUrls(stage, reach, 'audit'),
    respondEndpointUrls: endpointUrls(stage, reach, 'respond'),
    securityGroups: { Resources: securityGroups(stage), Outputs: securityGroupOutputs(stage) },
    loadBalancer: loadBalancer(stage),
    endpoints: { Resources: endpoints(stage, reach) },
    accessEntries: { Resources: accessEntries(stage) },
    accountCheck: { Mappings: { AccountOfTheStage: { [stage.account]: { heartbeat: 'A beat for every cluster' } } }, Resources: {} },
    keyOrigin: stage.dataKeyArn === undefined ? 'own' : 'brought',
    subscriptions: { Resources: subscriptions(stage) },
    alarms: { Resources: alarms(stage) },
    views: { Resources: { ...dashboard(stage, stageNames, alarmArns(stage, partition)), ...savedQueries(stage, stageNames) } },
    archives: { Resources: archives(stage, stageNames) },
    archiveArn: archiveArn(stage),
    archiveKeys: [dataKey, ...(stage.archiveBucket?.keyArn === undefined ? [] : [stage.archiveBucket.keyArn])],
    archiveAccount: stage.archiveBucket?.account ?? stage.account,
    archiveOrigin: stage.archiveBucket === undefined ? 'own' : 'brought',
    archiveStreamArns: archivedClusters(stage).map(
      ({ name }) => `arn:${partition}:firehose:${stage.region}:${stage.account}:deliverystream/${streamName(stage, name)}`,
    ),
    foreignWriterArns: foreignWriters(stage),
    // A bucket that is brought has a key and an owner of its own.
    foreignWriters: stage.archiveBucket === undefined && foreignWriters(stage).length > 0 ? 'some' : 'none',
    archiveWriters: archivedClusters(stage).length > 0 ? 'some' : 'none',
  };
  const problem = limitProblem(made);
  if (problem === undefined) return made;
  throw new StageError(
    `infra/stages/${stage.name}.yml: ${problem}. Spread the clusters (${stage.clusters.length}) over several stages, or say less in notify and falco.`,
  );
}

interface PlacedCluster extends StageCluster {
  readonly account: string;
  readonly region: string;
}

/**
 * What events do not say by themselves: whose a log group is that is not EKS's own, and whose the objects below a prefix are. History is not
 * read by any function, so it has no prefix here. Short, because it shares four KiB with all other variables.
 */
function clustersJson(stageNames: StageNames, clusters: readonly PlacedCluster[]): string {
  return JSON.stringify(
    clusters.map((cluster) => {
      const { name, account, region, path } = cluster;
      const logGroup = logGroupOf(cluster);
      return {
        name,
        ...(logGroup === logGroupOf({ ...cluster, eksName: name, logGroup: undefined }) ? {} : { account, logGroup }),
        ...(path !== 'archive' ? {} : { account, region, prefix: objectPrefix(stageNames, cluster) }),
      };
    }),
  );
}

function falcoSettings(falco: NamedStage['falco']): Deployment['falcoSettings'] {
  const text = (value: string | number | boolean | undefined) => (value === undefined ? '' : String(value));
  return {
    url: text(falco?.url),
    allowPlainHttp: text(falco?.allowPlainHttp),
    caPem: text(falco?.caPem),
    clientSecretId: text(falco?.clientSecretId),
    maxBodyBytes: text(falco?.maxBodyBytes),
    concurrency: text(falco?.concurrency),
    requestTimeoutMs: text(falco?.requestTimeoutMs),
    maxEventBytes: text(falco?.maxEventBytes),
    // The rules of a rollout behind those they replace.
    rules: [falco, falco?.rollout].flatMap((pack) => pack?.rules?.join(',') ?? []).join(';'),
    rulesDigest: [falco, falco?.rollout].flatMap((pack) => pack?.rulesDigest ?? []).join(';'),
  };
}
