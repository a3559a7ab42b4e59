import {
  DisableAlarmActionsCommand,
  EnableAlarmActionsCommand,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { UpdateContinuousBackupsCommand, UpdateTableCommand, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3';
import { DeleteSecretCommand, RestoreSecretCommand } from '@aws-sdk/client-secrets-manager';
import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  PurgeQueueCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { systemClock } from '../../../shared/platform/clock.ts';
import type { MotoDeployment } from '../../support/moto-deployment.ts';
import type { Planted } from './doctor-planted.ts';

/** Faults of what keeps, protects and watches, in the stage in doctor.test.ts. */
export function faultsOfWhatKeeps(d: () => MotoDeployment): readonly Planted[] {
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
  const putAlarm = (changed: Partial<PutMetricAlarmCommandInput>) => {
    const made = Object.values(d().stage.alarms.Resources).find(
      ({ Properties }) => (Properties as { readonly AlarmName?: string }).AlarmName === alarm('SpoolAge'),
    )!;
    const { Dimensions: _, ...properties } = made.Properties as unknown as PutMetricAlarmCommandInput;
    return d().aws.cloudwatch.send(new PutMetricAlarmCommand({ ...properties, ...changed }));
  };
  const dataKey = async () => {
    const { KeyMetadata } = (await d().json('TrentService.DescribeKey', { KeyId: 'alias/tiercel-doctor' })) as {
      KeyMetadata: { KeyId: string };
    };
    return { KeyId: KeyMetadata.KeyId };
  };
  const queuePolicy = async () => {
    const { QueueUrl } = await d().aws.sqs.send(new GetQueueUrlCommand({ QueueName: d().stage.names.spoolQueue }));
    const { Attributes } = await d().aws.sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['Policy'] }));
    return { QueueUrl, Policy: Attributes!.Policy! };
  };
  const setPolicy = async (change: (policy: string) => string) => {
    const { QueueUrl, Policy } = await queuePolicy();
    await d().aws.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: change(Policy) } }));
  };
  const versioning = (Status: 'Enabled' | 'Suspended') =>
    d().aws.s3.send(new PutBucketVersioningCommand({ Bucket: d().stage.names.evidenceBucket, VersioningConfiguration: { Status } }));
  const shut = (BlockPublicPolicy: boolean) =>
    d().aws.s3.send(
      new PutPublicAccessBlockCommand({
        Bucket: d().stage.names.evidenceBucket,
        PublicAccessBlockConfiguration: { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy, RestrictPublicBuckets: true },
      }),
    );
  const later = (minutes: number) => ({ clock: { ...systemClock, now: () => Date.now() + minutes * 60_000 } });

  return [
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
      plant: () => putAlarm({ AlarmActions: [] }),
      mend: () => putAlarm({}),
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
      fault: 'events have been waiting for Falco',
      plant: () => d().aws.s3.send(new PutObjectCommand({ Bucket: d().stage.names.spoolBucket, Key: 'spool/one', Body: 'x' })),
      mend: () => d().aws.s3.send(new DeleteObjectCommand({ Bucket: d().stage.names.spoolBucket, Key: 'spool/one' })),
      context: () => later(31),
      finds: ['spool', /^s3:\/\/tiercel-doctor-spool-/, /aws logs tail \/aws\/lambda\/tiercel-doctor-auditArchive/],
      also: ['clock', 'log-events', 'events-received', 'heartbeat'],
    },
    {
      fault: 'the data key is disabled',
      plant: async () => d().json('TrentService.DisableKey', await dataKey()),
      mend: async () => d().json('TrentService.EnableKey', await dataKey()),
      finds: ['data-key', /^alias\/tiercel-doctor$/, /^aws kms enable-key --key-id [0-9a-f-]{36}; CloudTrail/],
    },
    {
      fault: 'the data key is going to be deleted',
      plant: async () => d().json('TrentService.ScheduleKeyDeletion', { ...(await dataKey()), PendingWindowInDays: 7 }),
      mend: async () => {
        await d().json('TrentService.CancelKeyDeletion', await dataKey());
        await d().json('TrentService.EnableKey', await dataKey());
      },
      finds: ['data-key', /^alias\/tiercel-doctor$/, /^aws kms cancel-key-deletion --key-id [0-9a-f-]{36}, then aws kms enable-key /],
    },
    {
      fault: 'an alarm was made deaf',
      plant: () => putAlarm({ Threshold: 1e9 }),
      mend: () => putAlarm({}),
      finds: ['alarms', /^tiercel-doctor-/, /^npx osls deploy/],
    },
    {
      fault: 'a bucket announces nothing',
      plant: () => announce([]),
      mend: () =>
        announce([
          [d().stage.names.spoolQueue, 'spool/'],
          [d().stage.names.spoolQueue, 'aws/lambda/async/'],
        ]),
      finds: ['buckets', /tiercel-doctor-spool-/, /^npx osls deploy/],
    },
    {
      fault: 'a bucket keeps no versions',
      plant: () => versioning('Suspended'),
      mend: () => versioning('Enabled'),
      finds: ['buckets', /tiercel-doctor-evidence-/, /^aws s3api put-bucket-versioning --bucket tiercel-doctor-evidence-/],
    },
    {
      fault: 'a bucket may be made public',
      plant: () => shut(false),
      mend: () => shut(true),
      finds: ['buckets', /tiercel-doctor-evidence-/, /^aws s3api put-public-access-block --bucket tiercel-doctor-evidence-/],
    },
    {
      fault: 'a queue does not let its bucket in',
      plant: () => setPolicy((policy) => policy.replace('tiercel-doctor-spool-', 'another-')),
      mend: () => setPolicy((policy) => policy.replace('another-', 'tiercel-doctor-spool-')),
      finds: ['queues', /^tiercel-doctor-spool$/, /^npx osls deploy/],
    },
  ];
}
