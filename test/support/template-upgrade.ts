import { isDeepStrictEqual } from 'node:util';

interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}
/** Logical id → what an upgrade must not change about it. */
export type LastingResources = Readonly<Record<string, Resource>>;

/**
 * Types whose resources hold something, are known to somebody by name, or lose events while they are away; and their properties that
 * CloudFormation cannot change in place ("Update requires: Replacement", or a refusal, in its template reference).
 */
const REPLACING: Readonly<Record<string, readonly string[]>> = {
  'AWS::DynamoDB::Table': ['TableName', 'KeySchema', 'KeyAttributes', 'LocalSecondaryIndexes', 'ImportSourceSpecification'],
  'AWS::EC2::SecurityGroup': ['GroupName', 'GroupDescription', 'VpcId'],
  'AWS::EC2::VPCEndpoint': ['ServiceName', 'VpcEndpointType', 'VpcId'],
  'AWS::EKS::AccessEntry': ['ClusterName', 'PrincipalArn', 'Type'],
  'AWS::ElasticLoadBalancingV2::LoadBalancer': ['Name', 'Scheme', 'Type'],
  'AWS::ElasticLoadBalancingV2::TargetGroup': ['Name', 'Port', 'Protocol', 'ProtocolVersion', 'TargetType', 'VpcId', 'IpAddressType'],
  'AWS::IAM::Role': ['RoleName', 'Path'],
  'AWS::KMS::Alias': ['AliasName'],
  'AWS::KMS::Key': ['KeySpec', 'KeyUsage', 'MultiRegion', 'Origin'],
  'AWS::KinesisFirehose::DeliveryStream': ['DeliveryStreamName', 'DeliveryStreamType'],
  'AWS::Lambda::EventSourceMapping': ['EventSourceArn'],
  'AWS::Lambda::Function': ['FunctionName', 'PackageType'],
  'AWS::Logs::LogGroup': ['LogGroupName', 'LogGroupClass'],
  'AWS::Logs::SubscriptionFilter': ['LogGroupName', 'FilterName'],
  'AWS::S3::Bucket': ['BucketName', 'BucketNamespace', 'ObjectLockEnabled'],
  'AWS::SQS::Queue': ['QueueName', 'FifoQueue'],
  'AWS::Scheduler::ScheduleGroup': ['Name'],
  'AWS::SecretsManager::Secret': ['Name'],
};

/** Types that must outlive their stack. */
export const RETAINED: readonly string[] = ['AWS::DynamoDB::Table', 'AWS::S3::Bucket', 'AWS::KMS::Key', 'AWS::SecretsManager::Secret'];

/** The lasting resources of a template, reduced to what {@link upgradeFaults} looks at, by logical id. The framework's own bucket is its business. */
export function lastingResources(resources: Readonly<Record<string, Resource>>): LastingResources {
  const lasting = Object.entries(resources)
    .filter(([id, { Type }]) => Type in REPLACING && id !== 'ServerlessDeploymentBucket')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    lasting.map(([id, { Type, DeletionPolicy, UpdateReplacePolicy, Properties = {} }]) => {
      const all = Type === 'AWS::DynamoDB::Table' ? { ...Properties, KeyAttributes: keyAttributes(Properties) } : Properties;
      const kept = Object.entries(all).filter(([name]) => REPLACING[Type]!.includes(name));
      return [
        id,
        {
          Type,
          ...(DeletionPolicy === undefined ? {} : { DeletionPolicy }),
          ...(UpdateReplacePolicy === undefined ? {} : { UpdateReplacePolicy }),
          Properties: Object.fromEntries(kept),
        },
      ];
    }),
  );
}

/** Definitions of the attributes in a table's own key; those of its indexes may come and go. */
function keyAttributes({ KeySchema = [], AttributeDefinitions = [] }: Readonly<Record<string, unknown>>): unknown {
  const names = (KeySchema as { AttributeName: string }[]).map(({ AttributeName }) => AttributeName);
  return (AttributeDefinitions as { AttributeName: string }[]).filter(({ AttributeName }) => names.includes(AttributeName));
}

/** What deploying `after` over `before` would replace, remove or expose to removal, one line each, by logical id. New resources are no fault. */
export function upgradeFaults(before: LastingResources, after: LastingResources): string[] {
  return Object.entries(before).flatMap(([id, was]) => {
    const is = after[id];
    const resource = `${id} (${was.Type})`;
    if (is === undefined) return [`${resource} would be removed`];
    if (is.Type !== was.Type) return [`${resource} would be replaced: it becomes ${is.Type}`];
    const replaced = REPLACING[was.Type]!.filter((name) => !isDeepStrictEqual(was.Properties?.[name], is.Properties?.[name])).map(
      (name) =>
        `${resource} would be replaced: ${name} was ${JSON.stringify(was.Properties?.[name])}, is ${JSON.stringify(is.Properties?.[name])}`,
    );
    const exposed = (['DeletionPolicy', 'UpdateReplacePolicy'] as const)
      .filter((name) => was[name]?.startsWith('Retain') && !is[name]?.startsWith('Retain'))
      .map((name) => `${resource} would no longer be kept: ${name} was ${was[name]}`);
    return [...replaced, ...exposed];
  });
}
