import type { StageNames } from './names.ts';
import { ENDPOINT_GROUP, groupId, inVpc } from './network.ts';
import type { NamedStage } from './read.ts';
import type { Resources } from './subscriptions.ts';

/** Interface endpoints a function may need, by the name that the service has in an endpoint's address. */
export const SERVICES = ['secretsmanager', 'sqs', 'sts', 'eks', 'scheduler', 'logs', 'sns', 'events'] as const;
export type Service = (typeof SERVICES)[number];

/** What the functions in the VPC call besides S3 and DynamoDB, which have gateways. A test compares it with the calls in their code. */
export const CALLED: Readonly<Record<'audit' | 'respond', readonly Service[]>> = {
  audit: ['secretsmanager', 'sqs'],
  respond: ['secretsmanager', 'sts', 'eks', 'scheduler', 'logs', 'sns', 'events'],
};

/** What an endpoint's policy has to know of the deployment. */
interface Reach {
  readonly names: StageNames;
  readonly partition: string;
  readonly clusterArns: readonly string[];
  readonly clusterRoleArns: readonly string[];
  readonly auditSecrets: readonly unknown[];
  readonly channels: { readonly topicArns: readonly string[]; readonly busArns: readonly string[]; readonly secretArns: readonly string[] };
}

/** Those that get an endpoint: called from the VPC, with something of the stage's to be called for. */
function services(stage: NamedStage, reach: Reach, callers = inVpc(stage)): Service[] {
  if (stage.vpc?.endpoints !== 'own') return [];
  const called = new Set(callers.flatMap((who) => CALLED[who]));
  return [...called].filter((service) => STATEMENTS[service](stage, reach).some(({ Resource }) => Resource.length > 0));
}

/**
 * Ways to the AWS services from a VPC, each for the functions' roles and the stage's own resources only: whoever takes over a function cannot
 * carry anything out through them to an account of their own.
 *
 * Interface endpoints leave the services' names alone (no private DNS), so nothing else in the VPC notices them; the functions are told their
 * addresses by {@link endpointUrls}. Gateways cannot be told apart like this: their route tables must serve the functions' subnets alone.
 */
export function endpoints(stage: NamedStage, reach: Reach): Resources {
  const { vpc } = stage;
  if (vpc?.endpoints !== 'own') return {};
  const gateways = vpc.routeTableIds === undefined ? [] : (['s3', 'dynamodb'] as const);
  return {
    ...Object.fromEntries(
      gateways.map((service) => [
        `${idOf(service)}Endpoint`,
        {
          Type: 'AWS::EC2::VPCEndpoint',
          Properties: {
            VpcId: vpc.id,
            ServiceName: `com.amazonaws.${stage.region}.${service}`,
            VpcEndpointType: 'Gateway',
            RouteTableIds: vpc.routeTableIds,
            PolicyDocument: policy(stage, reach, STATEMENTS[service](stage, reach)),
          },
        },
      ]),
    ),
    ...Object.fromEntries(
      services(stage, reach).map((service) => [
        `${idOf(service)}Endpoint`,
        {
          Type: 'AWS::EC2::VPCEndpoint',
          Properties: {
            VpcId: vpc.id,
            ServiceName: `com.amazonaws.${stage.region}.${service}`,
            VpcEndpointType: 'Interface',
            SubnetIds: vpc.subnetIds,
            SecurityGroupIds: [groupId(ENDPOINT_GROUP)],
            PrivateDnsEnabled: false,
            PolicyDocument: policy(stage, reach, STATEMENTS[service](stage, reach)),
          },
        },
      ]),
    ),
  };
}

/** The value of a variable that the AWS SDK reads, `AWS_ENDPOINT_URL_<SERVICE>`; empty where the service's public name leads the way. */
export type EndpointUrl = '' | { readonly 'Fn::Sub': readonly [string, object] };

export function endpointUrls(stage: NamedStage, reach: Reach, who: 'audit' | 'respond'): Readonly<Record<Service, EndpointUrl>> {
  const made = inVpc(stage).includes(who) ? services(stage, reach, [who]) : [];
  const urls = SERVICES.map((service) => [service, made.includes(service) ? addressOf(service) : '']);
  return Object.fromEntries(urls) as Record<Service, EndpointUrl>;
}

/** CloudFormation lists an endpoint's names as `<zone id>:<name>`, the regional one first. */
function addressOf(service: Service): EndpointUrl {
  const first = { 'Fn::Select': [0, { 'Fn::GetAtt': [`${idOf(service)}Endpoint`, 'DnsEntries'] }] };
  // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own spelling
  return { 'Fn::Sub': ['https://${Host}', { Host: { 'Fn::Select': [1, { 'Fn::Split': [':', first] }] } }] };
}

/** Logical ids, which last. */
function idOf(service: Service | 's3' | 'dynamodb'): string {
  const ids = {
    s3: 'S3',
    dynamodb: 'DynamoDB',
    secretsmanager: 'SecretsManager',
    sqs: 'Sqs',
    sts: 'Sts',
    eks: 'Eks',
    scheduler: 'Scheduler',
    logs: 'Logs',
    sns: 'Sns',
    events: 'Events',
  };
  return ids[service];
}

interface Statement {
  readonly Action: readonly string[];
  readonly Resource: readonly unknown[];
}

function policy({ account }: NamedStage, { names, partition }: Reach, statements: readonly Statement[]): object {
  const role = (name: string) => `arn:${partition}:iam::${account}:role/${name}`;
  return {
    Version: '2012-10-17',
    Statement: statements
      .filter(({ Resource }) => Resource.length > 0)
      .map((statement) => ({
        Effect: 'Allow',
        Principal: { AWS: '*' },
        ...statement,
        Condition: {
          ArnEquals: { 'aws:PrincipalArn': [role(names.auditStream), role(names.auditArchive), role(names.respond)] },
        },
      })),
  };
}

const STATEMENTS: Readonly<Record<Service | 's3' | 'dynamodb', (stage: NamedStage, reach: Reach) => readonly Statement[]>> = {
  s3: (_, { names, partition }) => {
    const buckets = [names.archiveBucket, names.spoolBucket, names.quarantineBucket, names.evidenceBucket].map(
      (name) => `arn:${partition}:s3:::${name}`,
    );
    return [
      { Action: ['s3:ListBucket', 's3:ListBucketVersions'], Resource: buckets },
      {
        Action: ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject', 's3:DeleteObject', 's3:DeleteObjectVersion'],
        Resource: buckets.map((bucket) => `${bucket}/*`),
      },
    ];
  },
  dynamodb: ({ region, account }, { names, partition }) => [
    {
      Action: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem', 'dynamodb:Query', 'dynamodb:Scan'],
      Resource: [names.idempotencyTable, names.checkpointTable, names.journalTable, names.heartbeatTable].map(
        (table) => `arn:${partition}:dynamodb:${region}:${account}:table/${table}`,
      ),
    },
  ],
  secretsmanager: (_, { auditSecrets, channels }) => [
    { Action: ['secretsmanager:GetSecretValue'], Resource: [...auditSecrets, ...channels.secretArns] },
  ],
  sns: (_, { channels }) => [{ Action: ['sns:Publish'], Resource: channels.topicArns }],
  events: (_, { channels }) => [{ Action: ['events:PutEvents'], Resource: channels.busArns }],
  sqs: ({ region, account }, { names, partition }) => [
    {
      Action: ['sqs:GetQueueUrl', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility', 'sqs:SendMessage'],
      Resource: [names.archiveQueue, names.spoolQueue, names.respondQueue].map(
        (queue) => `arn:${partition}:sqs:${region}:${account}:${queue}`,
      ),
    },
  ],
  sts: (_, { clusterRoleArns }) => [{ Action: ['sts:AssumeRole'], Resource: clusterRoleArns }],
  eks: (_, { clusterArns }) => [{ Action: ['eks:DescribeCluster'], Resource: clusterArns }],
  scheduler: ({ region, account }, { names, partition }) => [
    { Action: ['scheduler:CreateSchedule'], Resource: [`arn:${partition}:scheduler:${region}:${account}:schedule/${names.expiryGroup}/*`] },
  ],
  logs: ({ region, account }, { names, partition }) => [
    {
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: [`arn:${partition}:logs:${region}:${account}:log-group:${names.alertLogGroup}:*`],
    },
  ],
};
