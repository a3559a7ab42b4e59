/**
 * A stage as a deployment leaves it, made in moto by single calls: what `tiercel doctor` looks at. Nothing runs in it. What moto does not know
 * (EKS access entries, the Kubernetes API, rotation of secrets, ill targets) stands in `Missing`.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PutMetricAlarmCommand, type PutMetricAlarmCommandInput, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { CreateLogGroupCommand, PutSubscriptionFilterCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  UpdateContinuousBackupsCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { CreateClusterCommand } from '@aws-sdk/client-eks';
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateTargetGroupCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  AddPermissionCommand,
  CreateEventSourceMappingCommand,
  CreateFunctionCommand,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
  type Runtime,
} from '@aws-sdk/client-lambda';
import {
  CreateBucketCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3';
import { CreateScheduleGroupCommand } from '@aws-sdk/client-scheduler';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { CreateTopicCommand, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import { parseAllDocuments } from 'yaml';
import { type AwsClients, createAwsClients } from '../../cli/checks/aws-clients.ts';
import { failureBuckets } from '../../cli/checks/failure-destinations.ts';
import { type DeployedStage, deployedStage } from '../../cli/checks/stage.ts';
import { objectPrefix, streamName } from '../../infra/stage/archives.ts';
import { functionKeys, functionSettings } from '../../infra/stage/function-settings.ts';
import { falcoLoadBalancerName } from '../../infra/stage/load-balancer.ts';
import { parseStage } from '../../infra/stage/read.ts';
import { createDynamoDBHeartbeatLog } from '../../shared/flows/heartbeats-dynamodb.ts';
import type { KubeClient, Right } from '../../shared/platform/kube/index.ts';
import { RESPOND_GROUP } from '../../shared/respond/index.ts';
import { readCloudFormation } from './cloudformation.ts';
import { createMemoryCluster } from './memory-cluster.ts';
import { motoClientOptions } from './moto.ts';
import { firehose, json, role, subnets, vpcId } from './moto-calls.ts';
import { type Missing, withAccessEntries, withIllTargets, withRotation } from './moto-missing.ts';

const root = resolve(import.meta.dirname, '../..');

export interface MotoDeployment {
  readonly stage: DeployedStage;
  readonly aws: AwsClients;
  readonly missing: Missing;
  readonly kube: () => Promise<KubeClient>;
  /** A reading of the last minute. */
  measure(namespace: string, name: string, value: number, dimensions: Readonly<Record<string, string>>): Promise<void>;
  /** A call in AWS's JSON protocol: `TrentService.…` of KMS, `Firehose_20150804.…`. */
  json(target: string, input: object): Promise<unknown>;
  /** Makes the Firehose of a cluster. */
  makeFirehose(cluster: string): Promise<void>;
  beat(cluster: string, beat: { readonly minutesAgo: number; readonly digest?: string; readonly lost?: true }): Promise<void>;
}

export const rightName = ({ verb, apiGroup, resource }: Right): string => `${verb} ${resource}.${apiGroup}`;

export async function deployInMoto(name: string, stageFile: string): Promise<MotoDeployment> {
  const stage = deployedStage({ name, ...parseStage(`${name}.yml`, stageFile) });
  const { names } = stage;
  const real = createAwsClients(stage.region, motoClientOptions);
  const { cloudwatch, logs, dynamodb, elb, lambda, s3, secrets, sns, sqs } = real;
  const missing: Missing = {
    accessEntries: new Map(stage.watched.map(({ eksName }) => [eksName, [RESPOND_GROUP]])),
    rights: new Set(grantedRights()),
    rotation: { RotationEnabled: true, NextRotationDate: new Date(Date.now() + 86_400_000) },
    illTargets: new Set(),
  };

  const measure: MotoDeployment['measure'] = async (Namespace, MetricName, Value, dimensions) => {
    const Dimensions = Object.entries(dimensions).map(([Name, text]) => ({ Name, Value: text }));
    const Timestamp = new Date(Date.now() - 60_000);
    await cloudwatch.send(new PutMetricDataCommand({ Namespace, MetricData: [{ MetricName, Value, Timestamp, Dimensions }] }));
  };

  const permit = async (FunctionName: string, StatementId: string, Principal: string, SourceArn: string) => {
    await lambda.send(new AddPermissionCommand({ FunctionName, StatementId, Action: 'lambda:InvokeFunction', Principal, SourceArn }));
  };

  // Queues, before whatever names them.
  const queue = async (QueueName: string, Attributes: Record<string, string> = {}) => {
    await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
    return stage.arn('sqs', QueueName);
  };
  for (const [each, bucket] of [[names.archiveQueue, names.archiveBucket], [names.spoolQueue, names.spoolBucket], [names.respondQueue]]) {
    const deadLetterTargetArn = await queue(`${each}-dead`);
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 10 });
    await queue(each!, { RedrivePolicy, ...(bucket === undefined ? {} : { Policy: announcementPolicy(stage, each!, bucket) }) });
  }

  // The data key.
  const { KeyMetadata } = (await json('TrentService.CreateKey', {})) as { KeyMetadata: { KeyId: string } };
  await json('TrentService.CreateAlias', { AliasName: `alias/tiercel-${name}`, TargetKeyId: KeyMetadata.KeyId });

  // Functions, their permissions and triggers.
  for (const key of functionKeys()) {
    const { name: FunctionName, handler, runtime, timeoutSeconds, memoryMiB, environment } = functionSettings(key, stage);
    await lambda.send(
      new CreateFunctionCommand({
        FunctionName,
        Role: await role(FunctionName),
        TracingConfig: { Mode: 'Active' },
        ...(key.startsWith('audit') ? { VpcConfig: { SubnetIds: [...stage.auditVpc!.subnetIds], SecurityGroupIds: ['sg-1'] } } : {}),
        Handler: handler,
        Runtime: runtime as Runtime,
        Timeout: timeoutSeconds,
        MemorySize: memoryMiB,
        Environment: { Variables: environment },
        Code: { ZipFile: Buffer.from(`code of ${key}`) },
      }),
    );
    const cap = (stage.concurrency as Readonly<Record<string, number | undefined>>)[key];
    if (cap !== undefined) await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: cap }));
  }
  for (const [EventSourceArn, FunctionName] of [
    [stage.arn('sqs', names.archiveQueue), names.auditArchive],
    [stage.arn('sqs', names.spoolQueue), names.auditArchive],
    [stage.arn('sqs', names.respondQueue), names.respond],
  ])
    await lambda.send(
      new CreateEventSourceMappingCommand({
        EventSourceArn,
        FunctionName,
        Enabled: true,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      }),
    );
  for (const [FunctionName, bucket] of failureBuckets(stage))
    await lambda.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName,
        DestinationConfig: { OnFailure: { Destination: `arn:aws:s3:::${bucket}` } },
      }),
    );

  // The clock.
  const called = [
    [names.heartbeat, names.heartbeat],
    [names.spoolSweep, names.auditArchive],
  ] as const;
  for (const [Rule, FunctionName] of called) {
    await real.events.send(new PutRuleCommand({ Name: Rule, ScheduleExpression: 'rate(5 minutes)' }));
    await real.events.send(new PutTargetsCommand({ Rule, Targets: [{ Id: 'function', Arn: stage.functionArn(FunctionName) }] }));
    await permit(FunctionName, 'clock', 'events.amazonaws.com', stage.arn('events', `rule/${Rule}`));
  }
  await real.scheduler.send(new CreateScheduleGroupCommand({ Name: names.expiryGroup }));

  // Log groups and what leads out of them.
  for (const logGroupName of new Set(stage.wantedSubscriptions.map(({ logGroup }) => logGroup)))
    await logs.send(new CreateLogGroupCommand({ logGroupName }));
  for (const [at, { logGroup, filterName, destinationArn, destinationType }] of stage.wantedSubscriptions.entries()) {
    if (destinationType === 'Firehose') await firehose(destinationArn.split('/').at(-1)!, stage.respondRoleArn, names.archiveBucket);
    else await permit(destinationArn, `logs-${at}`, 'logs.amazonaws.com', stage.arn('logs', `log-group:${logGroup}:*`));
    await logs.send(
      new PutSubscriptionFilterCommand({
        logGroupName: logGroup,
        filterName,
        filterPattern: '',
        destinationArn,
        roleArn: stage.respondRoleArn,
      }),
    );
  }

  // Buckets.
  const notifications: readonly (readonly [bucket: string, queue: string | undefined, prefixes: readonly string[]])[] = [
    [names.archiveBucket, names.archiveQueue, [names.archivePrefix]],
    [names.spoolBucket, names.spoolQueue, [names.spoolPrefix, names.failedInvocationsPrefix]],
    [names.quarantineBucket, undefined, []],
    [names.evidenceBucket, undefined, []],
  ];
  for (const [Bucket, to, prefixes] of notifications) {
    await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' } }));
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    const shut = { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true };
    await s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration: shut }));
    if (to === undefined) continue;
    await s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket,
        NotificationConfiguration: {
          QueueConfigurations: prefixes.map((Value) => ({
            QueueArn: stage.arn('sqs', to),
            Events: ['s3:ObjectCreated:*'],
            Filter: { Key: { FilterRules: [{ Name: 'prefix', Value }] } },
          })),
        },
      }),
    );
  }
  for (const cluster of stage.archived) {
    const hour = new Date().toISOString().slice(0, 13).replace(/[-T]/g, '/');
    await s3.send(new PutObjectCommand({ Bucket: names.archiveBucket, Key: `${objectPrefix(names, cluster)}${hour}/one`, Body: 'x' }));
  }

  // Tables, as the template has them.
  const { Resources = {} } = readCloudFormation(readFileSync(join(root, 'infra/resources/tables.yml'), 'utf8'));
  for (const { Properties } of Object.values(Resources)) {
    const input = Properties as unknown as CreateTableCommandInput;
    const TableName = names[/names\.(\w+)/.exec(input.TableName!)![1] as keyof typeof names];
    const { KeySchema, AttributeDefinitions, BillingMode, GlobalSecondaryIndexes } = input;
    await dynamodb.send(
      new CreateTableCommand({
        TableName,
        KeySchema,
        AttributeDefinitions,
        BillingMode,
        DeletionProtectionEnabled: true,
        ...(GlobalSecondaryIndexes ? { GlobalSecondaryIndexes } : {}),
      }),
    );
    const TimeToLiveSpecification = { AttributeName: 'expiration', Enabled: true };
    await dynamodb.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
    const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true };
    await dynamodb.send(new UpdateContinuousBackupsCommand({ TableName, PointInTimeRecoverySpecification }));
  }
  const { ARN: secretArn } = await secrets.send(new CreateSecretCommand({ Name: names.macKeySecret, SecretString: 'x'.repeat(64) }));
  await permit(names.rotateMacKey, 'rotation', 'secretsmanager.amazonaws.com', secretArn!);

  // Where alerts come from besides the queue.
  if (stage.alertTopicArn !== undefined) {
    await sns.send(new CreateTopicCommand({ Name: stage.alertTopicArn.split(':').at(-1)! }));
    await sns.send(new SubscribeCommand({ TopicArn: stage.alertTopicArn, Protocol: 'lambda', Endpoint: stage.functionArn(names.respond) }));
    await permit(names.respond, 'topic', 'sns.amazonaws.com', stage.alertTopicArn);
  }

  // Alarms and who hears them.
  const topic = stage.alarmTopicArn!;
  await sns.send(new CreateTopicCommand({ Name: topic.split(':').at(-1)! }));
  await sns.send(new SubscribeCommand({ TopicArn: topic, Protocol: 'sqs', Endpoint: stage.arn('sqs', names.respondQueue) }));
  for (const { Type, Properties } of Object.values(stage.alarms.Resources)) {
    if (Type !== 'AWS::CloudWatch::Alarm') continue;
    // Dimensions name resources of the template; what is watched does not matter here.
    const { Dimensions: _, ...alarm } = Properties as unknown as PutMetricAlarmCommandInput;
    await cloudwatch.send(new PutMetricAlarmCommand(alarm));
  }

  // Falco's load balancer.
  const { LoadBalancers = [] } = await elb.send(
    new CreateLoadBalancerCommand({ Name: falcoLoadBalancerName(stage), Type: 'network', Scheme: 'internal', Subnets: await subnets() }),
  );
  const { TargetGroups = [] } = await elb.send(
    new CreateTargetGroupCommand({ Name: `${name}-falco`, TargetType: 'ip', Protocol: 'TCP', Port: 9765, VpcId: await vpcId() }),
  );
  const [{ TargetGroupArn = '' } = {}] = TargetGroups;
  const LoadBalancerArn = LoadBalancers[0]!.LoadBalancerArn!;
  await elb.send(
    new CreateListenerCommand({ LoadBalancerArn, Protocol: 'TCP', Port: 9765, DefaultActions: [{ Type: 'forward', TargetGroupArn }] }),
  );
  await elb.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: '172.31.0.10' }, { Id: '172.31.16.10' }] }));

  // Clusters, alive and beating.
  const beats = createDynamoDBHeartbeatLog({ client: dynamodb, tableName: names.heartbeatTable });
  const beat: MotoDeployment['beat'] = async (cluster, { minutesAgo, digest, lost }) => {
    const id = `${cluster}-${minutesAgo}-${Math.random()}`;
    const sentAtMs = Date.now() - minutesAgo * 60_000;
    await beats.sent(cluster, { id, sentAtMs });
    if (!lost) await beats.returned(cluster, { id, sentAtMs, returnedAtMs: sentAtMs + 9_000, ...(digest === undefined ? {} : { digest }) });
  };
  for (const cluster of stage.watched) {
    await real.eks(cluster.region).send(
      new CreateClusterCommand({
        name: cluster.eksName,
        roleArn: stage.respondRoleArn,
        resourcesVpcConfig: {},
        logging: { clusterLogging: [{ types: ['audit', 'authenticator'], enabled: true }] },
      }),
    );
    await measure('AWS/Logs', 'IncomingLogEvents', 900, { LogGroupName: cluster.logGroup });
    await measure('Tiercel', 'EventsReceived', 900, { service: 'audit-stream', stage: name, cluster: cluster.name });
  }

  const memory = createMemoryCluster({ now: Date.now }).client;
  return {
    stage,
    missing,
    measure,
    json,
    makeFirehose: (cluster) => firehose(streamName(stage, cluster), stage.respondRoleArn, names.archiveBucket),
    beat,
    aws: {
      ...real,
      eks: (region) => withAccessEntries(real.eks(region), missing),
      elb: withIllTargets(elb, missing),
      secrets: withRotation(secrets, missing),
    },
    kube: async () => ({ ...memory, maySubject: async (_, right) => missing.rights.has(rightName(right)) }),
  };
}

/** What the manifest that operators apply grants. */
function grantedRights(): string[] {
  const manifest = readFileSync(join(root, 'infra/kubernetes/respond-rbac.yaml'), 'utf8');
  return parseAllDocuments(manifest)
    .map((document) => document.toJS() as { kind: string; rules?: Record<'apiGroups' | 'resources' | 'verbs', string[]>[] })
    .flatMap(({ rules = [] }) => rules)
    .flatMap(({ apiGroups, resources, verbs }) =>
      verbs.map((verb) => rightName({ verb, apiGroup: apiGroups[0]!, resource: resources[0]! })),
    );
}

/** As infra/resources/queues.yml lets a bucket in. */
function announcementPolicy(stage: DeployedStage, queue: string, bucket: string): string {
  const Condition = { ArnEquals: { 'aws:SourceArn': `arn:aws:s3:::${bucket}` } };
  const statement = { Effect: 'Allow', Principal: { Service: 's3.amazonaws.com' }, Action: 'sqs:SendMessage', Condition };
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ ...statement, Resource: stage.arn('sqs', queue) }] });
}
