import { DeleteSubscriptionFilterCommand, PutSubscriptionFilterCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { UpdateClusterConfigCommand } from '@aws-sdk/client-eks';
import { DisableRuleCommand, EnableRuleCommand, PutTargetsCommand, RemoveTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  AddPermissionCommand,
  DeleteFunctionConcurrencyCommand,
  DeleteFunctionEventInvokeConfigCommand,
  ListEventSourceMappingsCommand,
  PublishVersionCommand,
  PutFunctionConcurrencyCommand,
  PutFunctionEventInvokeConfigCommand,
  RemovePermissionCommand,
  UpdateEventSourceMappingCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { CreateScheduleGroupCommand, DeleteScheduleGroupCommand } from '@aws-sdk/client-scheduler';
import { DescribeSecretCommand } from '@aws-sdk/client-secrets-manager';
import { ListSubscriptionsByTopicCommand, SubscribeCommand, UnsubscribeCommand } from '@aws-sdk/client-sns';
import { functionSettings } from '../../../infra/stage/function-settings.ts';
import { systemClock } from '../../../shared/platform/clock.ts';
import { MOTO_ACCOUNT } from '../../support/moto.ts';
import type { MotoDeployment } from '../../support/moto-deployment.ts';
import type { Planted } from './doctor-planted.ts';

/** Digest of the rules that Falco runs in the healthy stage. */
export const DIGEST = 'b1946ac92492d2347c6235b4d2611184b1946ac92492d2347c6235b4d2611184';

const SHOP = '/aws/eks/doctor-shop/cluster';

/** Faults on an event's way, of the stage in doctor.test.ts. `d` is asked when a fault is planted, because the stage is deployed after the tests are named. */
export function faultsOfTheRoad(d: () => MotoDeployment, falco: { answer: number }): readonly Planted[] {
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
  const mapping = async (Enabled: boolean) => {
    const FunctionName = d().stage.names.respond;
    const { EventSourceMappings } = await d().aws.lambda.send(new ListEventSourceMappingsCommand({ FunctionName }));
    await d().aws.lambda.send(new UpdateEventSourceMappingCommand({ UUID: EventSourceMappings![0]!.UUID, Enabled }));
  };
  const received = (events: number) =>
    d().measure('Tiercel', 'EventsReceived', events, { service: 'audit-stream', stage: 'doctor', cluster: 'doctor-web' });
  const failuresTo = (bucket: string) =>
    d().aws.lambda.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName: d().stage.names.respond,
        DestinationConfig: { OnFailure: { Destination: `arn:aws:s3:::${bucket}` } },
      }),
    );
  const noFailureDestination = () =>
    d().aws.lambda.send(new DeleteFunctionEventInvokeConfigCommand({ FunctionName: d().stage.names.respond }));
  const roleOf = (name: 'respond' | 'heartbeat') =>
    d().aws.lambda.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName: d().stage.names.respond,
        Role: `arn:aws:iam::${MOTO_ACCOUNT}:role/${d().stage.names[name]}`,
      }),
    );
  const answers = async (FunctionResponseTypes: 'ReportBatchItemFailures'[]) => {
    const { EventSourceMappings } = await d().aws.lambda.send(
      new ListEventSourceMappingsCommand({ FunctionName: d().stage.names.respond }),
    );
    await d().aws.lambda.send(new UpdateEventSourceMappingCommand({ UUID: EventSourceMappings![0]!.UUID, FunctionResponseTypes }));
  };
  const everybody = { FunctionName: '', StatementId: 'open', Action: 'lambda:InvokeFunction', Principal: '*' };
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

  const forget = (cluster: string) =>
    d().aws.dynamodb.send(new DeleteItemCommand({ TableName: d().stage.names.heartbeatTable, Key: { cluster: { S: cluster } } }));
  /** Three, because doctor looks at the last three. */
  const rightBeats = async (cluster: string) => {
    for (let at = 0; at < 3; at++) await d().beat(cluster, { minutesAgo: 0, digest: DIGEST });
  };

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
        await forget('doctor-web');
        await d().beat('doctor-web', { minutesAgo: 20, digest: DIGEST });
        await d().beat('doctor-web', { minutesAgo: 1, lost: true });
      },
      mend: () => d().beat('doctor-web', { minutesAgo: 0, digest: DIGEST }),
      finds: ['heartbeat', /doctor-web/, /^Follow the road/],
    },
    {
      fault: 'one replica of Falco runs other rules',
      plant: async () => {
        await forget('doctor-shop');
        await d().beat('doctor-shop', { minutesAgo: 2, digest: DIGEST.replaceAll('b', 'c') });
        await d().beat('doctor-shop', { minutesAgo: 1, digest: DIGEST });
      },
      mend: () => rightBeats('doctor-shop'),
      finds: ['heartbeat', /doctor-shop/, /^In a rollout: wait/],
    },
    {
      fault: 'Falco runs other rules',
      plant: async () => {
        await forget('doctor-shop');
        await d().beat('doctor-shop', { minutesAgo: 1, digest: DIGEST.replaceAll('b', 'c') });
      },
      mend: () => rightBeats('doctor-shop'),
      finds: ['heartbeat', /doctor-shop/, /falco\.rulesDigest of infra\/stages\/doctor\.yml/],
    },
    {
      fault: 'Firehose writes nothing',
      plant: () => emptyArchive(),
      mend: () => fillArchive(),
      finds: ['archive', /^doctor-shop$/, /^aws s3 ls --recursive s3:\/\/tiercel-doctor-archive-.*\/firehose-errors\/doctor-shop\/ and /],
    },
    {
      fault: 'no events of a cluster arrive, though its log is alive',
      plant: () => received(-897),
      mend: () => received(897),
      finds: ['events-received', /^doctor-web$/, /^Follow the road: audit-logging, log-events, subscriptions, deliveries, /],
    },
    {
      fault: 'a failure destination is gone',
      plant: () => noFailureDestination(),
      mend: () => failuresTo(d().stage.names.quarantineBucket),
      finds: ['failure-destinations', /^tiercel-doctor-respond$/, /^npx osls deploy/],
    },
    {
      fault: 'failures go where nobody looks',
      plant: async () => {
        // The stand-in remembers the first.
        await noFailureDestination();
        await failuresTo('somewhere');
      },
      mend: async () => {
        await noFailureDestination();
        await failuresTo(d().stage.names.quarantineBucket);
      },
      finds: ['failure-destinations', /^tiercel-doctor-respond$/, /^npx osls deploy/],
    },
    {
      fault: 'a Firehose is gone',
      plant: () => d().json('Firehose_20150804.DeleteDeliveryStream', { DeliveryStreamName: 'tiercel-doctor-doctor-shop' }),
      mend: () => d().makeFirehose('doctor-shop'),
      finds: ['archive', /^doctor-shop$/, /^npx osls deploy/],
    },
    {
      fault: 'no beats are sent any more',
      plant: () => d().aws.events.send(new DisableRuleCommand({ Name: d().stage.names.heartbeat })),
      mend: () => d().aws.events.send(new EnableRuleCommand({ Name: d().stage.names.heartbeat })),
      finds: ['schedules', /^tiercel-doctor-heartbeat → /, /^aws events enable-rule --name tiercel-doctor-heartbeat$/],
    },
    {
      fault: 'the sweep is called by nobody',
      plant: () => d().aws.events.send(new RemoveTargetsCommand({ Rule: d().stage.names.spoolSweep, Ids: ['function'] })),
      mend: () =>
        d().aws.events.send(
          new PutTargetsCommand({
            Rule: d().stage.names.spoolSweep,
            Targets: [{ Id: 'function', Arn: d().stage.functionArn(d().stage.names.auditArchive) }],
          }),
        ),
      finds: ['schedules', /^tiercel-doctor-spool-sweep → tiercel-doctor-auditArchive$/, /^npx osls deploy/],
    },
    {
      fault: 'responses cannot be given an end',
      plant: () => d().aws.scheduler.send(new DeleteScheduleGroupCommand({ Name: d().stage.names.expiryGroup })),
      mend: () => d().aws.scheduler.send(new CreateScheduleGroupCommand({ Name: d().stage.names.expiryGroup })),
      finds: ['schedules', /^tiercel-doctor-expiry$/, /^npx osls deploy/],
    },
    {
      fault: 'a function runs under another role',
      plant: () => roleOf('heartbeat'),
      mend: () => roleOf('respond'),
      finds: ['functions', /tiercel-doctor-respond/, /^npx osls deploy/],
    },
    {
      fault: 'a queue forgets alerts that failed',
      plant: () => answers([]),
      mend: () => answers(['ReportBatchItemFailures']),
      finds: ['triggers', /tiercel-doctor-respond → /, /^aws lambda update-event-source-mapping --uuid \S+ --function-response-types /],
    },
    {
      fault: 'respond is not told what the topic of alerts says',
      plant: async () => {
        const { Subscriptions = [] } = await d().aws.sns.send(new ListSubscriptionsByTopicCommand({ TopicArn: d().stage.alertTopicArn }));
        for (const { SubscriptionArn } of Subscriptions) await d().aws.sns.send(new UnsubscribeCommand({ SubscriptionArn }));
      },
      mend: () =>
        d().aws.sns.send(
          new SubscribeCommand({
            TopicArn: d().stage.alertTopicArn,
            Protocol: 'lambda',
            Endpoint: d().stage.functionArn(d().stage.names.respond),
          }),
        ),
      finds: ['triggers', /^subscription of tiercel-doctor-respond to arn:.*:doctor-alerts$/, /^npx osls deploy/],
    },
    {
      fault: 'everybody may call a function',
      plant: () => d().aws.lambda.send(new AddPermissionCommand({ ...everybody, FunctionName: d().stage.names.respond })),
      mend: () => d().aws.lambda.send(new RemovePermissionCommand({ FunctionName: d().stage.names.respond, StatementId: 'open' })),
      finds: ['triggers', /^anybody → tiercel-doctor-respond$/, /^aws lambda remove-permission .* --statement-id open; CloudTrail/],
    },
    {
      fault: 'a subscription leads to an old version of the function',
      plant: async () => {
        const { FunctionArn } = await d().aws.lambda.send(new PublishVersionCommand({ FunctionName: d().stage.names.auditStream }));
        await replace(SHOP, { destinationArn: FunctionArn });
      },
      mend: () => replace(SHOP),
      finds: ['subscriptions', /doctor-shop.*tiercel-audit/, /^aws logs put-subscription-filter .*function:tiercel-doctor-auditStream$/],
    },
    {
      fault: 'the MAC key cannot be rotated',
      plant: () =>
        d().aws.lambda.send(new RemovePermissionCommand({ FunctionName: d().stage.names.rotateMacKey, StatementId: 'rotation' })),
      mend: async () => {
        const { ARN } = await d().aws.secrets.send(new DescribeSecretCommand({ SecretId: d().stage.names.macKeySecret }));
        await d().aws.lambda.send(
          new AddPermissionCommand({
            FunctionName: d().stage.names.rotateMacKey,
            StatementId: 'rotation',
            Action: 'lambda:InvokeFunction',
            Principal: 'secretsmanager.amazonaws.com',
            SourceArn: ARN,
          }),
        );
      },
      finds: ['triggers', /mac-key → tiercel-doctor-rotateMacKey$/, /^npx osls deploy/],
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
