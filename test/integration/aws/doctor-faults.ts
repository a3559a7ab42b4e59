import {
  DisableAlarmActionsCommand,
  EnableAlarmActionsCommand,
  PutMetricAlarmCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { DeleteSubscriptionFilterCommand, PutSubscriptionFilterCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DeleteItemCommand, UpdateContinuousBackupsCommand, UpdateTableCommand, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { UpdateClusterConfigCommand } from '@aws-sdk/client-eks';
import {
  AddPermissionCommand,
  DeleteFunctionConcurrencyCommand,
  ListEventSourceMappingsCommand,
  PutFunctionConcurrencyCommand,
  RemovePermissionCommand,
  UpdateEventSourceMappingCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { DeleteObjectCommand, ListObjectsV2Command, PutBucketNotificationConfigurationCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { DeleteSecretCommand, RestoreSecretCommand } from '@aws-sdk/client-secrets-manager';
import { GetQueueUrlCommand, PurgeQueueCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import type { CheckContext } from '../../../cli/checks/check.ts';
import { functionSettings } from '../../../infra/stage/function-settings.ts';
import { systemClock } from '../../../shared/platform/clock.ts';
import { MOTO_ACCOUNT } from '../../support/moto.ts';
import type { MotoDeployment } from '../../support/moto-deployment.ts';

/** Digest of the rules that Falco runs in the healthy stage. */
export const DIGEST = 'b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184';

const SHOP = '/aws/eks/doctor-shop/cluster';

/** A fault, how it comes about and goes, and what doctor must say. */
export interface Planted {
  readonly fault: string;
  readonly plant: () => Promise<unknown>;
  readonly mend: () => Promise<unknown>;
  /** Check, subject, and what it says to do. */
  readonly finds: readonly [check: string, subject: RegExp, fix: RegExp];
  /** What the fault brings with it: ids of checks, with or without a subject. */
  readonly also?: readonly string[];
  readonly context?: () => Partial<CheckContext>;
}

/** Faults of the stage in doctor.test.ts. `d` is asked when a fault is planted, because the stage is deployed after the tests are named. */
export function plantedFaults(d: () => MotoDeployment, falco: { answer: number }): readonly Planted[] {
  const logged = (cluster: string, events: number) =>
    d().measure('AWS/Logs', 'IncomingLogEvents', events, { LogGroupName: `/aws/eks/${cluster}/cluster` });
  const cap = (name: 'auditArchive' | 'rotateMacKey', ReservedConcurrentExecutions: number) =>
    d().aws.lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: d().stage.names[name], ReservedConcurrentExecutions }));
  const filter = (logGroupName: string) => d().stage.wantedSubscriptions.find(({ logGroup }) => logGroup === logGroupName)!;
  const put = (logGroupName: string, changed: object = {}) => {
    const { filterName, destinationArn } = filter(logGroupName);
    return d().aws.logs.send(new PutSubscriptionFilterCommand({ logGroupName, filterName, filterPattern: '', destinationArn, ...changed }));
  };
  const remove = (logGroupName: string, filterName = filter(logGroupName).filterName) =>
    d().aws.logs.send(new DeleteSubscriptionFilterCommand({ logGroupName, filterName }));
  /** Taken away first: with both places taken, moto refuses to change a filter. */
  const replace = async (logGroupName: string, changed: object = {}) => {
    await remove(logGroupName);
    await put(logGroupName, changed);
  };
  const audit = (enabled: boolean) =>
    d()
      .aws.eks('eu-central-1')
      .send(new UpdateClusterConfigCommand({ name: 'doctor-web', logging: { clusterLogging: [{ types: ['audit'], enabled }] } }));
  const variables = (changed: Record<string, string>) => {
    const { name, environment } = functionSettings('respond', d().stage);
    return d().aws.lambda.send(
      new UpdateFunctionConfigurationCommand({ FunctionName: name, Environment: { Variables: { ...environment, ...changed } } }),
    );
  };
  const table = (name: 'journalTable' | 'checkpointTable') => d().stage.names[name];
  const recovery = (PointInTimeRecoveryEnabled: boolean) =>
    d().aws.dynamodb.send(
      new UpdateContinuousBackupsCommand({
        TableName: table('journalTable'),
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled },
      }),
    );
  const expiry = (Enabled: boolean) =>
    d().aws.dynamodb.send(
      new UpdateTimeToLiveCommand({
        TableName: table('checkpointTable'),
        TimeToLiveSpecification: { AttributeName: 'expiration', Enabled },
      }),
    );
  const protection = (DeletionProtectionEnabled: boolean) =>
    d().aws.dynamodb.send(new UpdateTableCommand({ TableName: table('journalTable'), DeletionProtectionEnabled }));
  const dead = async () => (await d().aws.sqs.send(new GetQueueUrlCommand({ QueueName: `${d().stage.names.spoolQueue}-dead` }))).QueueUrl!;
  const alarm = (id: string) =>
    Object.values(d().stage.alarms.Resources)
      .map(({ Properties }) => (Properties as { readonly AlarmName?: string }).AlarmName ?? '')
      .find((name) => name.startsWith(`tiercel-doctor-${id}-`))!;
  const ring = (StateValue: 'ALARM' | 'OK') =>
    d().aws.cloudwatch.send(new SetAlarmStateCommand({ AlarmName: alarm('SpoolAge'), StateValue, StateReason: '1 datapoint was 7200' }));
  const mapping = async (Enabled: boolean) => {
    const FunctionName = d().stage.names.respond;
    const { EventSourceMappings } = await d().aws.lambda.send(new ListEventSourceMappingsCommand({ FunctionName }));
    await d().aws.lambda.send(new UpdateEventSourceMappingCommand({ UUID: EventSourceMappings![0]!.UUID, Enabled }));
  };
  const announce = (bucketQueues: readonly (readonly [string, string])[]) =>
    d().aws.s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: d().stage.names.spoolBucket,
        NotificationConfiguration: {
          QueueConfigurations: bucketQueues.map(([queue, Value]) => ({
            QueueArn: d().stage.arn('sqs', queue),
            Events: ['s3:ObjectCreated:*'],
            Filter: { Key: { FilterRules: [{ Name: 'prefix', Value }] } },
          })),
        },
      }),
    );
  const putAlarm = (AlarmActions: string[]) =>
    d().aws.cloudwatch.send(
      new PutMetricAlarmCommand({
        AlarmName: alarm('SpoolAge'),
        Namespace: 'Tiercel',
        MetricName: 'any',
        Period: 60,
        EvaluationPeriods: 1,
        Statistic: 'Sum',
        ComparisonOperator: 'GreaterThanThreshold',
        Threshold: 1,
        AlarmActions,
      }),
    );
  const fillArchive = () => {
    const hour = new Date().toISOString().slice(0, 13).replace(/[-T]/g, '/');
    const Key = `history/${MOTO_ACCOUNT}/eu-central-1/doctor-shop/${hour}/one`;
    return d().aws.s3.send(new PutObjectCommand({ Bucket: d().stage.names.archiveBucket, Key, Body: 'x' }));
  };
  const emptyArchive = async () => {
    const Bucket = d().stage.names.archiveBucket;
    const { Contents = [] } = await d().aws.s3.send(new ListObjectsV2Command({ Bucket }));
    for (const { Key } of Contents) await d().aws.s3.send(new DeleteObjectCommand({ Bucket, Key }));
  };
  const later = (minutes: number) => ({ clock: { ...systemClock, now: () => Date.now() + minutes * 60_000 } });

  return [
    {
      fault: 'audit logging is off',
      plant: () => audit(false),
      mend: () => audit(true),
      finds: ['audit-logging', /^doctor-web$/, /^aws eks update-cluster-config .* --name doctor-web --logging .*"audit"/],
    },
    {
      fault: 'a log is silent but for the heartbeat',
      plant: () => logged('doctor-web', -897),
      mend: () => logged('doctor-web', 897),
      finds: ['log-events', /^doctor-web$/, /^See audit-logging above; then who changed the cluster: aws cloudtrail lookup-events /],
    },
    {
      fault: 'a subscription is missing',
      plant: () => remove('/aws/eks/doctor-web/cluster'),
      mend: () => put('/aws/eks/doctor-web/cluster'),
      finds: ['subscriptions', /doctor-web/, /^npx osls deploy --stage doctor; .*#put-back-what-was-changed-by-hand$/],
    },
    {
      fault: 'somebody else took both places of a log group',
      plant: async () => {
        await remove('/aws/eks/doctor-web/cluster');
        await put('/aws/eks/doctor-web/cluster', { filterName: 'siem' });
        await put('/aws/eks/doctor-web/cluster', { filterName: 'lake' });
      },
      mend: async () => {
        await remove('/aws/eks/doctor-web/cluster', 'siem');
        await remove('/aws/eks/doctor-web/cluster', 'lake');
        await put('/aws/eks/doctor-web/cluster');
      },
      finds: ['subscriptions', /doctor-web/, /^aws logs delete-subscription-filter --log-group-name \/aws\/eks\/doctor-web\/cluster /],
    },
    {
      fault: 'a subscription leads to another function',
      plant: () => replace(SHOP, { destinationArn: d().stage.functionArn(d().stage.names.respond) }),
      mend: () => replace(SHOP),
      finds: ['subscriptions', /doctor-shop.*tiercel-audit/, /^aws logs put-subscription-filter .*function:tiercel-doctor-auditStream$/],
    },
    {
      fault: 'a pattern filters events away',
      plant: () => replace(SHOP, { filterPattern: '{ $.kind = "Event" }' }),
      mend: () => replace(SHOP),
      finds: ['subscriptions', /doctor-shop/, /--filter-pattern ''/],
    },
    {
      fault: 'CloudWatch Logs cannot call the function',
      plant: () =>
        d().measure('AWS/Logs', 'DeliveryErrors', 3, { LogGroupName: SHOP, DestinationType: 'Lambda', FilterName: 'tiercel-audit-doctor' }),
      mend: () =>
        d().measure('AWS/Logs', 'DeliveryErrors', -3, {
          LogGroupName: SHOP,
          DestinationType: 'Lambda',
          FilterName: 'tiercel-audit-doctor',
        }),
      finds: ['deliveries', /doctor-shop/, /evaluate the gap/],
    },
    {
      fault: 'the permission to call the function is gone',
      plant: () => d().aws.lambda.send(new RemovePermissionCommand({ FunctionName: d().stage.names.respond, StatementId: 'logs-2' })),
      mend: () =>
        d().aws.lambda.send(
          new AddPermissionCommand({
            FunctionName: d().stage.names.respond,
            StatementId: 'logs-2',
            Action: 'lambda:InvokeFunction',
            Principal: 'logs.amazonaws.com',
            SourceArn: d().stage.arn('logs', 'log-group:doctor-falco:*'),
          }),
        ),
      finds: ['triggers', /doctor-falco → tiercel-doctor-respond/, /^npx osls deploy/],
    },
    {
      fault: 'a function runs in another mode',
      plant: () => variables({ MODE: 'enforce' }),
      mend: () => variables({}),
      finds: ['functions', /tiercel-doctor-respond/, /^npx osls deploy/],
    },
    {
      fault: 'a function is switched off by its concurrency',
      plant: () => cap('auditArchive', 0),
      mend: () => cap('auditArchive', 10),
      finds: ['functions', /auditArchive/, /^aws lambda put-function-concurrency --function-name tiercel-doctor-auditArchive .* 10$/],
    },
    {
      fault: 'a function without a cap is switched off',
      plant: () => cap('rotateMacKey', 0),
      mend: () => d().aws.lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName: d().stage.names.rotateMacKey })),
      finds: ['functions', /rotateMacKey/, /^aws lambda delete-function-concurrency --function-name tiercel-doctor-rotateMacKey$/],
    },
    {
      fault: 'nobody reads a queue',
      plant: () => mapping(false),
      mend: () => mapping(true),
      finds: ['triggers', /tiercel-doctor-respond → /, /^aws lambda update-event-source-mapping --uuid \S+ --enabled$/],
    },
    {
      fault: 'a function fails',
      plant: () => d().measure('AWS/Lambda', 'Errors', 2, { FunctionName: d().stage.names.auditStream }),
      mend: () => d().measure('AWS/Lambda', 'Errors', -2, { FunctionName: d().stage.names.auditStream }),
      finds: ['function-errors', /auditStream/, /^aws logs tail \/aws\/lambda\/tiercel-doctor-auditStream/],
    },
    {
      fault: 'a replica of Falco is ill',
      plant: async () => d().missing.illTargets.add('172.31.16.10'),
      mend: async () => d().missing.illTargets.clear(),
      finds: ['targets', /tiercel-doctor-falco/, /^kubectl -n falco get pods/],
    },
    {
      fault: 'something else answers at the webhook',
      plant: async () => {
        falco.answer = 404;
      },
      mend: async () => {
        falco.answer = 405;
      },
      finds: ['webhook', /k8s-audit/, /falco\.url in infra\/stages\/doctor\.yml/],
    },
    {
      fault: 'a heartbeat does not come back',
      plant: async () => {
        await d().aws.dynamodb.send(
          new DeleteItemCommand({ TableName: d().stage.names.heartbeatTable, Key: { cluster: { S: 'doctor-web' } } }),
        );
        await d().beat('doctor-web', { minutesAgo: 20, digest: DIGEST });
        await d().beat('doctor-web', { minutesAgo: 1, lost: true });
      },
      mend: () => d().beat('doctor-web', { minutesAgo: 0, digest: DIGEST }),
      finds: ['heartbeat', /doctor-web/, /^Follow the road/],
    },
    {
      fault: 'Falco runs other rules',
      plant: () => d().beat('doctor-shop', { minutesAgo: 1, digest: DIGEST.replaceAll('b', 'c') }),
      mend: () => d().beat('doctor-shop', { minutesAgo: 0, digest: DIGEST }),
      finds: ['heartbeat', /doctor-shop/, /falco\.rulesDigest of infra\/stages\/doctor\.yml/],
    },
    {
      fault: 'somebody replaced the announcements of a bucket',
      plant: () => announce([[d().stage.names.respondQueue, 'spool/']]),
      mend: () =>
        announce([
          [d().stage.names.spoolQueue, 'spool/'],
          [d().stage.names.spoolQueue, 'aws/lambda/async/'],
        ]),
      finds: ['buckets', /tiercel-doctor-spool-/, /^npx osls deploy/],
    },
    {
      fault: 'a message was given up',
      plant: async () => d().aws.sqs.send(new SendMessageCommand({ QueueUrl: await dead(), MessageBody: '{}' })),
      mend: async () => d().aws.sqs.send(new PurgeQueueCommand({ QueueUrl: await dead() })),
      finds: ['queues', /tiercel-doctor-spool$/, /aws sqs start-message-move-task --source-arn arn:aws:sqs:.*-dead$/],
    },
    {
      fault: 'a table cannot be restored',
      plant: () => recovery(false),
      mend: () => recovery(true),
      finds: ['tables', /journal$/, /^aws dynamodb update-continuous-backups --table-name tiercel-doctor-journal /],
    },
    {
      fault: 'a table keeps everything',
      plant: () => expiry(false),
      mend: () => expiry(true),
      finds: ['tables', /checkpoints$/, /^aws dynamodb update-time-to-live --table-name tiercel-doctor-checkpoints /],
    },
    {
      fault: 'a table can be deleted',
      plant: () => protection(false),
      mend: () => protection(true),
      finds: ['tables', /journal$/, /--deletion-protection-enabled$/],
    },
    {
      fault: 'the MAC key is going to be deleted',
      plant: () => d().aws.secrets.send(new DeleteSecretCommand({ SecretId: d().stage.names.macKeySecret })),
      mend: () => d().aws.secrets.send(new RestoreSecretCommand({ SecretId: d().stage.names.macKeySecret })),
      finds: ['mac-key', /^tiercel\/doctor\/mac-key$/, /^aws secretsmanager restore-secret --secret-id tiercel\/doctor\/mac-key$/],
    },
    {
      fault: 'the MAC key is not rotated any more',
      plant: async () => {
        d().missing.rotation.NextRotationDate = new Date(Date.now() - 3 * 86_400_000);
      },
      mend: async () => {
        d().missing.rotation.NextRotationDate = new Date(Date.now() + 86_400_000);
      },
      finds: [
        'mac-key',
        /^tiercel\/doctor\/mac-key$/,
        /^aws secretsmanager rotate-secret --secret-id tiercel\/doctor\/mac-key, then aws logs tail/,
      ],
    },
    {
      fault: 'a cluster does not know respond',
      plant: async () => d().missing.accessEntries.delete('doctor-web'),
      mend: async () => d().missing.accessEntries.set('doctor-web', ['tiercel-respond']),
      finds: ['access-entry', /^doctor-web$/, /^aws eks create-access-entry .* --kubernetes-groups tiercel-respond$/],
    },
    {
      fault: 'respond is in another group',
      plant: async () => d().missing.accessEntries.set('doctor-web', ['viewers']),
      mend: async () => d().missing.accessEntries.set('doctor-web', ['tiercel-respond']),
      finds: ['access-entry', /^doctor-web$/, /^aws eks update-access-entry /],
    },
    {
      fault: 'an alarm rings',
      plant: () => ring('ALARM'),
      mend: () => ring('OK'),
      finds: ['alarms', /^tiercel-doctor-/, /^docs\/operate\/alarms\.md#spoolage: Is Falco there/],
    },
    {
      fault: 'an alarm was silenced',
      plant: () => d().aws.cloudwatch.send(new DisableAlarmActionsCommand({ AlarmNames: [alarm('DeadLetters')] })),
      mend: () => d().aws.cloudwatch.send(new EnableAlarmActionsCommand({ AlarmNames: [alarm('DeadLetters')] })),
      finds: ['alarms', /^tiercel-doctor-/, /^aws cloudwatch enable-alarm-actions --alarm-names tiercel-doctor-DeadLetters-/],
    },
    {
      fault: 'an alarm tells nobody',
      plant: () => putAlarm([]),
      mend: () => putAlarm([d().stage.alarmTopicArn!]),
      finds: ['alarms', /^tiercel-doctor-/, /^npx osls deploy/],
    },
    {
      fault: 'a verb is missing in the cluster',
      plant: async () => d().missing.rights.delete('get pods.'),
      mend: async () => d().missing.rights.add('get pods.'),
      finds: ['rbac', /^doctor-shop$/, /^kubectl apply -f infra\/kubernetes\/respond-rbac\.yaml$/],
      also: ['rbac doctor-web'],
    },
    {
      fault: 'respond may read secrets',
      plant: async () => d().missing.rights.add('get secrets.'),
      mend: async () => d().missing.rights.delete('get secrets.'),
      finds: ['rbac', /^doctor-shop$/, /^kubectl get clusterrolebindings,rolebindings -A -o wide \| grep tiercel-respond/],
      also: ['rbac doctor-web'],
    },
    {
      fault: 'Firehose writes nothing',
      plant: () => emptyArchive(),
      mend: () => fillArchive(),
      finds: ['archive', /^doctor-shop$/, /^aws s3 ls --recursive s3:\/\/tiercel-doctor-archive-.*\/firehose-errors\/doctor-shop\/ and /],
    },
    {
      fault: 'events have been waiting for Falco',
      plant: () => d().aws.s3.send(new PutObjectCommand({ Bucket: d().stage.names.spoolBucket, Key: 'spool/one', Body: 'x' })),
      mend: () => d().aws.s3.send(new DeleteObjectCommand({ Bucket: d().stage.names.spoolBucket, Key: 'spool/one' })),
      context: () => later(31),
      finds: ['spool', /^s3:\/\/tiercel-doctor-spool-/, /aws logs tail \/aws\/lambda\/tiercel-doctor-auditArchive/],
      also: ['clock', 'log-events', 'heartbeat'],
    },
    {
      fault: 'this machine has a wrong clock',
      plant: async () => {},
      mend: async () => {},
      context: () => later(3),
      finds: ['clock', /this machine/, /timedatectl/],
    },
  ];
}
