import { createHash } from 'node:crypto';
import type { Subject } from './alarm.ts';
import { ALARMS } from './alarm-table.ts';
import { archivedClusters, streamName } from './archives.ts';
import { beatingClusters } from './heartbeat.ts';
import type { NamedStage } from './read.ts';
import { logGroupOf, type Resources } from './subscriptions.ts';

/** Every alarm of a stage. Logical ids depend on what is watched, not on its place in a list. */
export function alarms(stage: NamedStage): Resources {
  const of = subjects(stage);
  return Object.fromEntries(
    ALARMS.flatMap((alarm) =>
      Object.entries(of[alarm.per]).map(([label, dimensions]) => [
        `Alarm${alarm.id}${createHash('sha256').update(label).digest('hex').slice(0, 6)}`,
        {
          Type: 'AWS::CloudWatch::Alarm',
          Properties: {
            AlarmName: alarmName(stage, alarm.id, label),
            AlarmDescription: `${alarm.title} (${label}). docs/operate/alarms.md#${alarm.id.toLowerCase()}`,
            Namespace: alarm.metric.namespace,
            MetricName: alarm.metric.name,
            ...(alarm.metric.statistic === 'p90' ? { ExtendedStatistic: 'p90' } : { Statistic: alarm.metric.statistic }),
            Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
            ComparisonOperator: alarm.below ? 'LessThanThreshold' : 'GreaterThanThreshold',
            Threshold: alarm.threshold,
            Period: alarm.periodSeconds,
            EvaluationPeriods: alarm.periods,
            TreatMissingData: alarm.missing,
            ...(stage.alarmTopicArn === undefined ? {} : { AlarmActions: [stage.alarmTopicArn], OKActions: [stage.alarmTopicArn] }),
          },
        },
      ]),
    ),
  );
}

/** CloudWatch allows 255 characters; a label that is a log group may have more, and is told apart by a digest. */
function alarmName(stage: NamedStage, id: string, label: string): string {
  const name = `tiercel-${stage.name}-${id}-${label}`;
  return name.length <= 255 ? name : `${name.slice(0, 248)}-${createHash('sha256').update(label).digest('hex').slice(0, 6)}`;
}

/** As CloudWatch will call them. */
export function alarmArns(stage: NamedStage, partition: string): readonly string[] {
  return Object.values(alarms(stage)).map(({ Properties }) => {
    const { AlarmName } = Properties as { readonly AlarmName: string };
    return `arn:${partition}:cloudwatch:${stage.region}:${stage.account}:alarm:${AlarmName}`;
  });
}

type Dimensions = Readonly<Record<string, unknown>>;

/** What there is to watch in a stage: label → dimensions of the metric. */
function subjects(stage: NamedStage): Readonly<Record<Subject, Readonly<Record<string, Dimensions>>>> {
  const lambda = (id: string): Dimensions => ({ FunctionName: { Ref: `${id}LambdaFunction` } });
  const queue = (id: string): Dimensions => ({ QueueName: { 'Fn::GetAtt': [`${id}Queue`, 'QueueName'] } });
  const streamed = stage.clusters.filter(({ path }) => path !== 'archive');
  const filter = (LogGroupName: string, DestinationType: 'Lambda' | 'Firehose', name: string): Dimensions => ({
    LogGroupName,
    DestinationType,
    FilterName: `${name}-${stage.name}`,
  });
  return {
    function: {
      'audit-stream': lambda('AuditStream'),
      'audit-archive': lambda('AuditArchive'),
      respond: lambda('Respond'),
      heartbeat: lambda('Heartbeat'),
    },
    rotation: { 'rotate-mac-key': lambda('RotateMacKey') },
    asynchronousFunction: {
      'audit-stream': lambda('AuditStream'),
      'audit-archive': lambda('AuditArchive'),
      respond: lambda('Respond'),
      heartbeat: lambda('Heartbeat'),
    },
    auditService: {
      'audit-stream': { service: 'audit-stream', stage: stage.name },
      'audit-archive': { service: 'audit-archive', stage: stage.name },
    },
    deadLetterQueue: {
      archive: queue('ArchiveDeadLetter'),
      spool: queue('SpoolDeadLetter'),
      respond: queue('RespondDeadLetter'),
      heartbeat: queue('HeartbeatDeadLetter'),
      sweep: queue('SweepDeadLetter'),
    },
    spool: { spool: { service: 'audit-archive', stage: stage.name } },
    archiveQueue: { archive: queue('Archive') },
    respondQueue: { respond: queue('Respond') },
    auditLogGroup: Object.fromEntries(
      stage.clusters
        .filter(({ account, region }) => (account ?? stage.account) === stage.account && (region ?? stage.region) === stage.region)
        .map((cluster) => [cluster.name, { LogGroupName: logGroupOf(cluster) }]),
    ),
    subscription: Object.fromEntries([
      ...streamed.map((cluster) => [cluster.name, filter(logGroupOf(cluster), 'Lambda', 'tiercel-audit')]),
      ...archivedClusters(stage).map((cluster) => [`${cluster.name}-archive`, filter(logGroupOf(cluster), 'Firehose', 'tiercel-archive')]),
      // No cluster is called so.
      ...stage.alertLogGroups.map((group) => [`alerts/${group}`, filter(group, 'Lambda', 'tiercel-alerts')]),
    ]),
    firehose: Object.fromEntries(archivedClusters(stage).map(({ name }) => [name, { DeliveryStreamName: streamName(stage, name) }])),
    cluster: Object.fromEntries(
      stage.clusters.map(({ name, path }) => [
        name,
        { service: path === 'archive' ? 'audit-archive' : 'audit-stream', stage: stage.name, cluster: name },
      ]),
    ),
    responder: { respond: { service: 'respond', stage: stage.name } },
    budget: { respond: { service: 'respond', stage: stage.name, guard: 'within-budget' } },
    heartbeat: Object.fromEntries(
      beatingClusters(stage).map(({ name }) => [name, { service: 'respond', stage: stage.name, cluster: name }]),
    ),
    falcoTargets:
      stage.falco?.loadBalancer === undefined
        ? {}
        : {
            falco: {
              LoadBalancer: { 'Fn::GetAtt': ['FalcoLoadBalancer', 'LoadBalancerFullName'] },
              TargetGroup: { 'Fn::GetAtt': ['FalcoTargetGroup', 'TargetGroupFullName'] },
            },
          },
    falcoRules: stage.falco?.rules === undefined ? {} : { falco: { service: 'respond', stage: stage.name } },
  };
}
