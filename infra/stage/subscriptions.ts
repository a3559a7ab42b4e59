import { createHash } from 'node:crypto';
import type { NamedStage } from './read.ts';
import type { StageCluster } from './schema.ts';

export type Resources = Record<string, { Type: string; [attribute: string]: unknown }>;

/**
 * What CloudWatch Logs sends to whom: per log group one subscription filter, and the permission to call that function for that group only.
 *
 * - Logical ids come from the log group, so that adding or removing a cluster never replaces another's filter (events in the gap would be lost).
 * - The filter depends on its permission: a filter that may not call its function is switched off for minutes, and skips what comes meanwhile.
 * - The pattern is empty: a JSON pattern would drop events that the log agent has cut in two.
 */
export function subscriptions(stage: NamedStage): Resources {
  const streamed = stage.clusters.filter((cluster) => cluster.path !== 'archive').map(logGroupOf);
  return {
    ...Object.assign({}, ...streamed.map((group) => subscription(stage, group, 'AuditStreamLambdaFunction', 'tiercel-audit'))),
    ...Object.assign({}, ...stage.alertLogGroups.map((group) => subscription(stage, group, 'RespondLambdaFunction', 'tiercel-alerts'))),
    ...(stage.alertTopicArn === undefined ? {} : alertTopic(stage, stage.alertTopicArn)),
  };
}

/** The log group EKS writes the control plane's logs to, unless the stage says otherwise. */
export function logGroupOf({ name, eksName = name, logGroup }: StageCluster): string {
  return logGroup ?? `/aws/eks/${eksName}/cluster`;
}

function subscription(stage: NamedStage, logGroup: string, functionId: string, filterName: string): Resources {
  const id = logicalId(logGroup);
  return {
    [`LogsMayCall${id}`]: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        FunctionName: { 'Fn::GetAtt': [functionId, 'Arn'] },
        Action: 'lambda:InvokeFunction',
        Principal: 'logs.amazonaws.com',
        SourceArn: { 'Fn::Sub': `arn:\${AWS::Partition}:logs:${stage.region}:${stage.account}:log-group:${logGroup}:*` },
        SourceAccount: stage.account,
      },
    },
    [`Subscription${id}`]: {
      Type: 'AWS::Logs::SubscriptionFilter',
      DependsOn: `LogsMayCall${id}`,
      Properties: {
        LogGroupName: logGroup,
        FilterName: `${filterName}-${stage.name}`,
        FilterPattern: '',
        DestinationArn: { 'Fn::GetAtt': [functionId, 'Arn'] },
      },
    },
  };
}

/** Falcosidekick's topic: SNS calls respond for it, and for no other topic. */
function alertTopic(stage: NamedStage, topicArn: string): Resources {
  return {
    TopicMayCallRespond: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        FunctionName: { 'Fn::GetAtt': ['RespondLambdaFunction', 'Arn'] },
        Action: 'lambda:InvokeFunction',
        Principal: 'sns.amazonaws.com',
        SourceArn: topicArn,
      },
    },
    AlertTopicSubscription: {
      Type: 'AWS::SNS::Subscription',
      DependsOn: 'TopicMayCallRespond',
      Properties: {
        TopicArn: topicArn,
        Protocol: 'lambda',
        Endpoint: { 'Fn::GetAtt': ['RespondLambdaFunction', 'Arn'] },
        Region: topicArn.split(':')[3] ?? stage.region,
      },
    },
  };
}

/**
 * `/aws/eks/my-cluster/cluster` → `AwsEksMyClusterCluster` and a digest, because log groups may differ in what an id cannot show. Short enough for
 * what is put before it: an id may have 255 characters, a log group 512.
 */
export function logicalId(logGroup: string): string {
  const words = logGroup.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const digest = createHash('sha256').update(logGroup).digest('hex').slice(0, 6);
  return (
    words
      .map((word) => word[0]!.toUpperCase() + word.slice(1))
      .join('')
      .slice(0, 200) + digest
  );
}
