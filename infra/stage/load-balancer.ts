import { BALANCER_GROUP, groupId, HEALTH_PORT, listenerPort } from './network.ts';
import type { NamedStage } from './read.ts';
import type { Resources } from './subscriptions.ts';

export const falcoLoadBalancerName = ({ name }: Pick<NamedStage, 'name'>) => `tiercel-${name}-falco`;

/**
 * The internal load balancer in front of Falco, for infra/kubernetes/falco-target-group.yaml, which puts Falco's pods into its target group.
 *
 * - TLS goes through it to Falco, or ends at it with a certificate of ACM and goes on encrypted.
 * - Health is what Falco's own server says: the webhook answers every GET with 405.
 * - All zones share all targets: a zone without a replica must not be a zone without Falco.
 * - Targets see the load balancer's address, not the caller's: then its security group is all that Falco's pods have to let in.
 * - A target that leaves has its connections closed after half a minute, which the functions notice and send again elsewhere.
 */
export function loadBalancer(stage: NamedStage): { Resources: Resources; Outputs: Record<string, object> } {
  const settings = stage.falco?.loadBalancer;
  const { vpc, falco } = stage;
  if (settings === undefined || falco === undefined || vpc === undefined) return { Resources: {}, Outputs: {} };
  const { subnetIds = vpc.subnetIds, targetPort, certificateArn, hostedZoneId } = settings;
  const encrypted = falco.url.startsWith('https:');
  return {
    Resources: {
      FalcoLoadBalancer: {
        Type: 'AWS::ElasticLoadBalancingV2::LoadBalancer',
        Properties: {
          Name: falcoLoadBalancerName(stage),
          Type: 'network',
          Scheme: 'internal',
          Subnets: subnetIds,
          SecurityGroups: [groupId(BALANCER_GROUP)],
          LoadBalancerAttributes: [
            { Key: 'load_balancing.cross_zone.enabled', Value: 'true' },
            { Key: 'deletion_protection.enabled', Value: String(stage.deletionProtection) },
          ],
        },
      },
      // Without a name: a change of port or protocol makes a new one, which could not have the old one's name.
      FalcoTargetGroup: {
        Type: 'AWS::ElasticLoadBalancingV2::TargetGroup',
        Properties: {
          VpcId: vpc.id,
          TargetType: 'ip',
          Port: targetPort,
          Protocol: certificateArn !== undefined && encrypted ? 'TLS' : 'TCP',
          HealthCheckProtocol: 'HTTP',
          HealthCheckPort: String(HEALTH_PORT),
          HealthCheckPath: '/healthz',
          HealthCheckIntervalSeconds: 10,
          HealthCheckTimeoutSeconds: 5,
          HealthyThresholdCount: 2,
          UnhealthyThresholdCount: 2,
          Matcher: { HttpCode: '200' },
          TargetGroupAttributes: [
            { Key: 'deregistration_delay.timeout_seconds', Value: '30' },
            { Key: 'deregistration_delay.connection_termination.enabled', Value: 'true' },
            { Key: 'preserve_client_ip.enabled', Value: 'false' },
          ],
        },
      },
      FalcoListener: {
        Type: 'AWS::ElasticLoadBalancingV2::Listener',
        Properties: {
          LoadBalancerArn: { Ref: 'FalcoLoadBalancer' },
          Port: listenerPort(stage),
          DefaultActions: [{ Type: 'forward', TargetGroupArn: { Ref: 'FalcoTargetGroup' } }],
          ...(certificateArn === undefined
            ? { Protocol: 'TCP' }
            : {
                Protocol: 'TLS',
                Certificates: [{ CertificateArn: certificateArn }],
                SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-Res-2021-06',
              }),
        },
      },
      ...(hostedZoneId === undefined ? {} : record(new URL(falco.url).hostname, hostedZoneId)),
    },
    Outputs: {
      FalcoTargetGroupArn: { Description: 'For infra/kubernetes/falco-target-group.yaml', Value: { Ref: 'FalcoTargetGroup' } },
      FalcoLoadBalancerDnsName: {
        Description: 'What the host of falco.url stands for',
        Value: { 'Fn::GetAtt': ['FalcoLoadBalancer', 'DNSName'] },
      },
    },
  };
}

/** Without a look at health: when no target is healthy, a refused connection says more than a name that is gone. */
function record(hostname: string, hostedZoneId: string): Resources {
  return {
    FalcoRecord: {
      Type: 'AWS::Route53::RecordSet',
      Properties: {
        HostedZoneId: hostedZoneId,
        Name: hostname,
        Type: 'A',
        AliasTarget: {
          DNSName: { 'Fn::GetAtt': ['FalcoLoadBalancer', 'DNSName'] },
          HostedZoneId: { 'Fn::GetAtt': ['FalcoLoadBalancer', 'CanonicalHostedZoneID'] },
          EvaluateTargetHealth: false,
        },
      },
    },
  };
}
