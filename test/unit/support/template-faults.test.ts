import { describe, expect, it } from 'vitest';
import { type Template, templateFaults } from '../../support/template-faults.ts';

const arn = (id: string) => ({ 'Fn::GetAtt': [id, 'Arn'] });
const permission = (Principal: string) => ({
  Type: 'AWS::Lambda::Permission',
  Properties: { Principal, FunctionName: arn('F'), SourceArn: 'arn:aws:x' },
});
const policy = (size = 0) => ({
  Type: 'AWS::IAM::Policy',
  Properties: { Roles: [{ Ref: 'R' }], PolicyDocument: { Statement: ['x'.repeat(size)] } },
});
const rules = (count: number) => Array.from({ length: count }, () => ({}));

const WHOLE: Template['Resources'] = {
  F: { Type: 'AWS::Lambda::Function', Properties: { FunctionName: 'f', Environment: { Variables: { A: 'a' } } } },
  R: { Type: 'AWS::IAM::Role', Properties: { RoleName: 'r', Policies: [] } },
  LogsMayCall: permission('logs.amazonaws.com'),
  TopicMayCall: permission('sns.amazonaws.com'),
  SecretMayCall: permission('secretsmanager.amazonaws.com'),
  Rights: policy(),
  Q: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'q' } },
  QueuePolicy: { Type: 'AWS::SQS::QueuePolicy', Properties: { Queues: [{ Ref: 'Q' }] } },
  Subscription: { Type: 'AWS::Logs::SubscriptionFilter', DependsOn: 'LogsMayCall', Properties: { DestinationArn: arn('F') } },
  Archive: {
    Type: 'AWS::Logs::SubscriptionFilter',
    DependsOn: ['Rights'],
    Properties: { DestinationArn: arn('Firehose'), RoleArn: arn('R') },
  },
  Firehose: {
    Type: 'AWS::KinesisFirehose::DeliveryStream',
    DependsOn: 'Rights',
    Properties: { DeliveryStreamName: 's', ExtendedS3DestinationConfiguration: { RoleARN: arn('R') } },
  },
  Topic: { Type: 'AWS::SNS::Subscription', DependsOn: 'TopicMayCall', Properties: { Endpoint: arn('F') } },
  Rotation: { Type: 'AWS::SecretsManager::RotationSchedule', DependsOn: 'SecretMayCall', Properties: { RotationLambdaARN: arn('F') } },
  Bucket: {
    Type: 'AWS::S3::Bucket',
    DependsOn: 'QueuePolicy',
    Properties: { BucketName: 'b', NotificationConfiguration: { QueueConfigurations: [{ Queue: arn('Q') }] } },
  },
  Group: { Type: 'AWS::EC2::SecurityGroup', Properties: { SecurityGroupIngress: rules(30), SecurityGroupEgress: rules(1) } },
  Endpoint: { Type: 'AWS::EC2::VPCEndpoint', Properties: { PolicyDocument: {} } },
};

const faultsWith = (changed: Template['Resources']) => templateFaults({ Resources: { ...WHOLE, ...changed } });
const without = (id: string) => ({ [id]: { ...WHOLE[id]!, DependsOn: [] } });
const named = (Type: string, property: string, length: number) => ({ X: { Type, Properties: { [property]: 'x'.repeat(length) } } });

describe('what is wrong with a template', () => {
  it('is nothing where all is in order', () => {
    expect(templateFaults({ Resources: WHOLE })).toEqual([]);
  });

  it.each([
    ['Subscription', 'the permission to call its function'],
    ['Archive', "its role's policy"],
    ['Firehose', "its role's policy"],
    ['Topic', 'the permission to call its function'],
    ['Rotation', 'the permission to call its function'],
    ['Bucket', 'the policy of the queue that it announces to'],
  ])('is that %s waits for nothing', (id, what) => {
    expect(faultsWith(without(id))).toEqual([`${id} (${WHOLE[id]!.Type}) does not wait for ${what}`]);
  });

  it('is that a subscription waits for another function’s permission', () => {
    const other = {
      LogsMayCall: { ...permission('logs.amazonaws.com'), Properties: { Principal: 'logs.amazonaws.com', FunctionName: arn('G') } },
    };
    expect(faultsWith(other)).toEqual([expect.stringContaining('Subscription')]);
  });

  it.each([
    ['a balancer’s name', named('AWS::ElasticLoadBalancingV2::LoadBalancer', 'Name', 33), /X: Name has at most 32/],
    ['a role’s name', named('AWS::IAM::Role', 'RoleName', 65), /X: RoleName has at most 64/],
    ['a bucket’s name', named('AWS::S3::Bucket', 'BucketName', 64), /X: BucketName has at most 63/],
    ['a logical id', { ['x'.repeat(256)]: { Type: 'AWS::SQS::Queue' } }, /a logical id has at most 255/],
    ['a role’s policies', { Rights: policy(6000), More: policy(6000) }, /characters of R's policies: at most 10240/],
    [
      'variables',
      { F: { Type: 'AWS::Lambda::Function', Properties: { Environment: { Variables: { A: '"'.repeat(2100) } } } } },
      /bytes of F's variables: at most 4096/,
    ],
    [
      'callers',
      Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`May${at}`, permission('logs.amazonaws.com')])),
      /characters of who may call F: at most 20480/,
    ],
    [
      'rules of a group',
      { Group: { Type: 'AWS::EC2::SecurityGroup', Properties: { SecurityGroupIngress: rules(61) } } },
      /Ingress rules of Group: at most 60/,
    ],
    [
      'an endpoint’s policy',
      { Endpoint: { Type: 'AWS::EC2::VPCEndpoint', Properties: { PolicyDocument: 'x'.repeat(21_000) } } },
      /characters of Endpoint's policy/,
    ],
    [
      'resources',
      Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`Q${at}`, { Type: 'AWS::SQS::Queue' }])),
      /resources: at most 500/,
    ],
    ['the template', { F: { Type: 'AWS::SQS::Queue', Properties: { Tags: 'x'.repeat(1_000_001) } } }, /bytes of the template/],
  ])('is that %s is too long or too many', (_, changed, fault) => {
    expect(faultsWith(changed as Template['Resources'])).toContainEqual(expect.stringMatching(fault));
  });

  it('counts outputs, too', () => {
    const Outputs = Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`O${at}`, {}]));
    expect(templateFaults({ Resources: WHOLE, Outputs })).toEqual(['outputs: at most 200, got 201']);
  });
});
