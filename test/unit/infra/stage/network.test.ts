import { describe, expect, it } from 'vitest';
import { deployment } from '../../../../infra/stage/deployment.ts';
import { parseStage } from '../../../../infra/stage/read.ts';
import { RESPOND_GROUP } from '../../../../shared/respond/index.ts';
import { actionsCalledFrom } from '../../../support/sdk-calls.ts';

const STAGE = `
account: '111111111111'
region: eu-central-1
logRetentionDays: 30
detection: falco
`;
const FALCO = `
falco:
  url: https://falco.example.internal:9443/k8s-audit
  loadBalancer: { targets: [sg-0a, 10.0.16.0/20] }
`;
const VPC = `
vpc:
  id: vpc-0a
  subnetIds: [subnet-0a, subnet-0b]
  endpoints: own
  routeTableIds: [rtb-0a]
  prefixListIds: { s3: pl-0a, dynamodb: pl-0b }
`;

const made = (text: string) => deployment({ name: 'test', ...parseStage('test.yml', text) });
const brought = (text: string) => text.replace('\n  prefixListIds: { s3: pl-0a, dynamodb: pl-0b }', '\n  securityGroupIds: [sg-0f]');

interface Group {
  readonly Properties: { readonly SecurityGroupIngress?: readonly object[]; readonly SecurityGroupEgress: readonly object[] };
}

describe('the network of a stage', () => {
  it('is all brought, unless the stage asks', () => {
    const { securityGroups, loadBalancer, endpoints, auditVpc, respondVpc } = made(
      `${STAGE}falco: { url: 'https://f/k' }\nvpc: { subnetIds: [subnet-0a, subnet-0b], securityGroupIds: [sg-0f] }`,
    );
    expect([securityGroups.Resources, loadBalancer, endpoints.Resources]).toEqual([{}, { Resources: {}, Outputs: {} }, {}]);
    expect(auditVpc).toEqual({ subnetIds: ['subnet-0a', 'subnet-0b'], securityGroupIds: ['sg-0f'] });
    expect(respondVpc).toBeUndefined();
  });

  it.each([
    ['a load balancer without a VPC', STAGE + FALCO, /vpc: expected the VPC of the load balancer/],
    [
      'a load balancer in an unnamed VPC',
      STAGE + FALCO + VPC.replace('id: vpc-0a', ''),
      /vpc\.id: expected .* falco\.loadBalancer, vpc\.endpoints: own/,
    ],
    [
      'groups without prefix lists',
      STAGE + FALCO + VPC.replace(/prefixListIds.*/, ''),
      /vpc\.prefixListIds: .*describe-managed-prefix-lists --region eu-central-1/,
    ],
    [
      'groups without a way to the endpoints',
      STAGE + FALCO + VPC.replace('endpoints: own', '').replace(/routeTableIds.*/, ''),
      /vpc\.endpointSecurityGroupIds/,
    ],
    ['groups without a way to Falco', `${STAGE}falco: { url: 'https://f/k' }${VPC}`, /vpc\.securityGroupIds: expected the groups/],
    ['gateways without endpoints', STAGE + FALCO + VPC.replace('own', 'brought'), /vpc\.routeTableIds: expected nothing/],
    ['respond in no VPC', `${STAGE}falco: { url: 'https://f/k' }\nrespondInVpc: true`, /vpc: expected the VPC, because respondInVpc/],
    ['respond without a way to clusters', `${STAGE}${FALCO}${VPC}respondInVpc: true`, /vpc\.clusterSecurityGroupIds/],
    [
      'respond in a VPC far from its cluster',
      `${STAGE}${FALCO}${VPC}  clusterSecurityGroupIds: [sg-0c]\nrespondInVpc: true\nclusters: [{ name: a }, { name: far, region: us-east-1, path: archive }]`,
      /clusters\.1\.region: expected eu-central-1: .* give far a stage there/,
    ],
    [
      'a channel that nobody can reach',
      `${STAGE}${FALCO}${VPC}  clusterSecurityGroupIds: [sg-0c]\nrespondInVpc: true\nnotify: [{ name: chat, kind: slack, secretArn: 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:chat-AbCdEf' }]`,
      /vpc\.securityGroupIds: .* channel chat/,
    ],
    [
      'a target that is neither',
      STAGE + FALCO.replace('sg-0a', 'falco') + VPC,
      /falco\.loadBalancer\.targets\.0: expected a security group id or an IPv4 range/,
    ],
    [
      'a certificate for plain http',
      `${STAGE}${FALCO.replace('https:', 'http:').replace('}', ", certificateArn: 'arn:aws:acm:eu-central-1:1:certificate/1' }\n  allowPlainHttp: true")}${VPC}`,
      /falco\.url: expected https, because falco\.loadBalancer\.certificateArn/,
    ],
    [
      'a zone for an address',
      STAGE + FALCO.replace('falco.example.internal', '10.0.0.1').replace('}', ', hostedZoneId: Z1 }') + VPC,
      /falco\.url: expected a host name/,
    ],
  ])('refuses %s', (_, text, message) => {
    expect(() => made(text)).toThrow(message);
  });
});

describe('the load balancer', () => {
  const { loadBalancer, securityGroups } = made(STAGE + FALCO + VPC);

  it('is internal, crosses zones, and listens where the functions call', () => {
    expect(loadBalancer.Resources).toMatchObject({
      FalcoLoadBalancer: {
        Properties: {
          Type: 'network',
          Scheme: 'internal',
          LoadBalancerAttributes: expect.arrayContaining([
            { Key: 'load_balancing.cross_zone.enabled', Value: 'true' },
            { Key: 'deletion_protection.enabled', Value: 'true' },
          ]),
        },
      },
      FalcoListener: { Properties: { Port: 9443, Protocol: 'TCP' } },
      FalcoTargetGroup: {
        Properties: { TargetType: 'ip', Protocol: 'TCP', Port: 9765, HealthCheckPort: '8765', HealthCheckPath: '/healthz' },
      },
    });
    expect(Object.keys(loadBalancer.Resources)).not.toContain('FalcoRecord');
    expect(loadBalancer.Outputs).toHaveProperty('FalcoTargetGroupArn');
  });

  it('rings when no Falco is healthy behind it', () => {
    const alarm = Object.values(made(STAGE + FALCO + VPC).alarms.Resources).find(({ Properties }) =>
      JSON.stringify(Properties).includes('HealthyHostCount'),
    );
    expect(alarm?.Properties).toMatchObject({ ComparisonOperator: 'LessThanThreshold', TreatMissingData: 'breaching' });
  });

  it('ends TLS with a certificate of ACM, and goes on encrypted', () => {
    const text =
      STAGE + FALCO.replace('}', ", certificateArn: 'arn:aws:acm:eu-central-1:111111111111:certificate/1', hostedZoneId: Z1 }") + VPC;
    expect(made(text).loadBalancer.Resources).toMatchObject({
      FalcoListener: { Properties: { Protocol: 'TLS', SslPolicy: expect.stringContaining('TLS13') } },
      FalcoTargetGroup: { Properties: { Protocol: 'TLS' } },
      FalcoRecord: { Properties: { HostedZoneId: 'Z1', Name: 'falco.example.internal' } },
    });
  });

  it('lets in the audit functions, and out to Falco’s two ports', () => {
    const group = securityGroups.Resources.FalcoLoadBalancerSecurityGroup as unknown as Group;
    expect(group.Properties.SecurityGroupIngress).toBeUndefined();
    expect(group.Properties.SecurityGroupEgress).toMatchObject([
      { FromPort: 9765, DestinationSecurityGroupId: 'sg-0a' },
      { FromPort: 8765, DestinationSecurityGroupId: 'sg-0a' },
      { FromPort: 9765, CidrIp: '10.0.16.0/20' },
      { FromPort: 8765, CidrIp: '10.0.16.0/20' },
    ]);
    expect(securityGroups.Resources).toMatchObject({
      AuditToFalcoLoadBalancerIngress: {
        Properties: { FromPort: 9443, SourceSecurityGroupId: { 'Fn::GetAtt': ['AuditSecurityGroup', 'GroupId'] } },
      },
    });
  });

  it('lets in groups that are brought', () => {
    const groups = made(STAGE + FALCO + brought(VPC)).securityGroups.Resources;
    expect(groups).toMatchObject({
      FalcoLoadBalancerSecurityGroup: { Properties: { SecurityGroupIngress: [{ FromPort: 9443, SourceSecurityGroupId: 'sg-0f' }] } },
      EndpointSecurityGroup: { Properties: { SecurityGroupIngress: [{ FromPort: 443, SourceSecurityGroupId: 'sg-0f' }] } },
    });
    expect(Object.keys(groups).sort()).toEqual(['EndpointSecurityGroup', 'FalcoLoadBalancerSecurityGroup']);
  });
});

describe('security groups of the functions', () => {
  const respond = `${STAGE}${FALCO}${VPC}  clusterSecurityGroupIds: [sg-0c]\nrespondInVpc: true`;

  it('let out to S3, DynamoDB, the endpoints and the load balancer, and to nothing else', () => {
    const { Resources } = made(STAGE + FALCO + VPC).securityGroups;
    const group = Resources.AuditSecurityGroup as unknown as Group;
    expect(group.Properties.SecurityGroupEgress.map((rule) => Object.values(rule).at(-1))).toEqual(['pl-0a', 'pl-0b']);
    expect(Object.keys(Resources).filter((id) => id.startsWith('AuditTo') && id.endsWith('Egress'))).toEqual([
      'AuditToEndpointEgress',
      'AuditToFalcoLoadBalancerEgress',
    ]);
    // A group without a rule of its own would let out to everywhere.
    for (const { Type, Properties } of Object.values(Resources))
      if (Type === 'AWS::EC2::SecurityGroup') expect(Properties).toHaveProperty('SecurityGroupEgress.0');
    expect(JSON.stringify(Resources)).not.toContain('0.0.0.0/0');
  });

  it('let respond out to the clusters and never to Falco', () => {
    const { Resources, Outputs } = made(respond).securityGroups;
    expect(Object.keys(Outputs).sort()).toEqual([
      'AuditSecurityGroupId',
      'EndpointSecurityGroupId',
      'FalcoLoadBalancerSecurityGroupId',
      'RespondSecurityGroupId',
    ]);
    const group = Resources.RespondSecurityGroup as unknown as Group;
    expect(group.Properties.SecurityGroupEgress.map((rule) => Object.values(rule).at(-1))).toEqual(['pl-0a', 'pl-0b', 'sg-0c']);
    expect(Object.keys(Resources).filter((id) => id.startsWith('RespondTo'))).toEqual([
      'RespondToEndpointEgress',
      'RespondToEndpointIngress',
    ]);
  });

  it('use endpoints that are there already', () => {
    const text = STAGE + FALCO + VPC.replace('endpoints: own', 'endpointSecurityGroupIds: [sg-0e]').replace(/routeTableIds.*/, '');
    const { securityGroups, endpoints, auditEndpointUrls } = made(text);
    expect(JSON.stringify(securityGroups.Resources.AuditSecurityGroup)).toContain('sg-0e');
    expect(endpoints.Resources).toEqual({});
    expect(new Set(Object.values(auditEndpointUrls))).toEqual(new Set(['']));
  });
});

describe('endpoints', () => {
  interface Policy {
    readonly Statement: readonly {
      readonly Action: readonly string[];
      readonly Resource: readonly unknown[];
      readonly Condition: object;
    }[];
  }
  const clusters =
    "\nclusters: [{ name: a }, { name: b, account: '222222222222', path: archive, archiveWriterArn: 'arn:aws:iam::222222222222:role/w', respondRoleArn: 'arn:aws:iam::222222222222:role/r' }]";
  const told =
    "\nnotify: [{ name: t, kind: sns, topicArn: 'arn:aws:sns:eu-central-1:111111111111:t' }, { name: b, kind: event-bus, busArn: 'arn:aws:events:eu-central-1:111111111111:event-bus/b' }]";
  const whole = `${STAGE}${FALCO}${VPC}  clusterSecurityGroupIds: [sg-0c]\nrespondInVpc: true${clusters}${told}`;
  const policies = (text: string) =>
    Object.values(made(text).endpoints.Resources).map(({ Properties }) => Properties as { ServiceName: string; PolicyDocument: Policy });
  const allowed = (text: string) =>
    new Set(policies(text).flatMap(({ PolicyDocument }) => PolicyDocument.Statement.flatMap(({ Action }) => Action)));

  it('are those that the functions in the VPC need', () => {
    const services = (text: string) => policies(text).map(({ ServiceName }) => ServiceName.replace('com.amazonaws.eu-central-1.', ''));
    expect(services(STAGE + FALCO + VPC)).toEqual(['s3', 'dynamodb', 'secretsmanager', 'sqs']);
    expect(services(whole)).toEqual(expect.arrayContaining(['s3', 'dynamodb', 'secretsmanager', 'sqs', 'sts', 'eks', 'scheduler']));
    // Nothing to be called for: an endpoint's policy cannot be empty.
    expect(services(whole.replace(clusters, ''))).not.toContain('eks');
  });

  it.each([
    ['audit-stream', STAGE + FALCO + VPC],
    ['audit-archive', STAGE + FALCO + VPC],
    ['respond', whole],
  ])('let through every call of %s', (folder, text) => {
    const passed = allowed(text);
    // Passing a role is a right, not a call.
    const called = [...actionsCalledFrom(`functions/${folder}/handler.ts`)].filter((action) => action !== 'iam:PassRole');
    expect(called.filter((action) => !passed.has(action))).toEqual([]);
  });

  it('reach all that the stage keeps', () => {
    const { names } = made(whole);
    const reached = JSON.stringify(policies(whole));
    const kept = Object.entries(names).filter(([what]) => /(Bucket|Table|^(archive|spool|respond)Queue)$/.test(what));
    expect(kept.length).toBeGreaterThan(8);
    for (const [, name] of kept) expect(reached).toContain(name);
  });

  it('let nobody else through, and only to what is the stage’s', () => {
    for (const { PolicyDocument } of policies(whole)) {
      for (const { Action, Resource, Condition } of PolicyDocument.Statement) {
        expect([...Action, ...Resource]).not.toContain('*');
        expect(Action.join()).not.toContain('*');
        expect(JSON.stringify(Condition)).toContain('arn:aws:iam::111111111111:role/tiercel-test-');
      }
    }
  });

  it('are called by their own addresses, so that nobody else in the VPC notices them', () => {
    const { endpoints, auditEndpointUrls, respondEndpointUrls } = made(whole);
    const interfaces = Object.values(endpoints.Resources).filter(({ Properties }) => 'SubnetIds' in (Properties as object));
    for (const { Properties } of interfaces) expect(Properties).toMatchObject({ PrivateDnsEnabled: false });
    expect(JSON.stringify(auditEndpointUrls.sqs)).toContain('SqsEndpoint');
    expect([auditEndpointUrls.eks, respondEndpointUrls.sqs]).toEqual(['', '']);
    expect(JSON.stringify(respondEndpointUrls.sts)).toContain('StsEndpoint');
  });
});

describe('access entries', () => {
  it('stand for the clusters of the stage’s own account and region, without rights of their own', () => {
    const { accessEntries } = made(
      `${STAGE}falco: { url: 'https://f/k' }\nclusters: [{ name: a, eksName: real }, { name: old, accessEntry: false }, { name: far, region: us-east-1, path: archive }]`,
    );
    expect(Object.values(accessEntries.Resources)).toEqual([
      {
        Type: 'AWS::EKS::AccessEntry',
        Properties: {
          ClusterName: 'real',
          PrincipalArn: { 'Fn::GetAtt': ['RespondRole', 'Arn'] },
          Type: 'STANDARD',
          KubernetesGroups: [RESPOND_GROUP],
        },
      },
    ]);
  });
});
