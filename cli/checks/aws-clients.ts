import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EKSClient } from '@aws-sdk/client-eks';
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';
import type { AwsCredentialIdentity } from '@smithy/types';
import { answeredWithin } from '../../shared/platform/aws/answered-within.ts';
import { type AwsJson, createAwsJson } from './aws-json.ts';

/** Clients with the operator's credentials. EKS is asked where the cluster is, everything else in the stage's region. */
export interface AwsClients {
  readonly cloudwatch: CloudWatchClient;
  readonly logs: CloudWatchLogsClient;
  readonly dynamodb: DynamoDBClient;
  readonly elb: ElasticLoadBalancingV2Client;
  readonly events: EventBridgeClient;
  readonly lambda: LambdaClient;
  readonly s3: S3Client;
  readonly scheduler: SchedulerClient;
  readonly secrets: SecretsManagerClient;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  readonly sts: STSClient;
  readonly eks: (region: string) => EKSClient;
  readonly json: AwsJson;
}

/** Whatever is common to all clients' options. */
export interface ClientOptions {
  readonly endpoint?: string;
  readonly credentials?: AwsCredentialIdentity;
}

/** A service that does not answer must not hold up the others: short time-outs, one more try. */
const TIMEOUT_MS = 8_000;
const IMPATIENT = { maxAttempts: 2, ...answeredWithin(TIMEOUT_MS) };

export function createAwsClients(region: string, options: ClientOptions = {}): AwsClients {
  const shared = { ...IMPATIENT, region, ...options };
  const sts = new STSClient(shared);
  return {
    cloudwatch: new CloudWatchClient(shared),
    logs: new CloudWatchLogsClient(shared),
    dynamodb: new DynamoDBClient(shared),
    elb: new ElasticLoadBalancingV2Client(shared),
    events: new EventBridgeClient(shared),
    lambda: new LambdaClient(shared),
    s3: new S3Client({ ...shared, forcePathStyle: options.endpoint !== undefined }),
    scheduler: new SchedulerClient(shared),
    secrets: new SecretsManagerClient(shared),
    sns: new SNSClient(shared),
    sqs: new SQSClient(shared),
    sts,
    eks: (where) => new EKSClient({ ...shared, region: where }),
    json: createAwsJson({
      region,
      credentials: sts.config.credentials,
      timeoutMs: TIMEOUT_MS,
      ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    }),
  };
}
