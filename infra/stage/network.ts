import type { NamedStage } from './read.ts';
import type { Resources } from './subscriptions.ts';

/** A function's place in the VPC, as `function.yml` wants it. */
export interface FunctionVpc {
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly (string | { readonly 'Fn::GetAtt': readonly [string, string] })[];
}

/** Logical ids of the groups that the functions get when the stage brings none. respond has its own: it must not reach Falco's webhook. */
export const FUNCTION_GROUPS = { audit: 'AuditSecurityGroup', respond: 'RespondSecurityGroup' } as const;
type Who = keyof typeof FUNCTION_GROUPS;

export const ENDPOINT_GROUP = 'EndpointSecurityGroup';
export const BALANCER_GROUP = 'FalcoLoadBalancerSecurityGroup';

export const groupId = (id: string) => ({ 'Fn::GetAtt': [id, 'GroupId'] }) as const;

/** Who runs in the VPC: the audit functions wherever there is one, respond only when asked to. */
export function inVpc(stage: NamedStage): Who[] {
  if (stage.vpc === undefined) return [];
  return stage.respondInVpc ? ['audit', 'respond'] : ['audit'];
}

export function functionVpc(stage: NamedStage, who: Who): FunctionVpc | undefined {
  if (stage.vpc === undefined || !inVpc(stage).includes(who)) return undefined;
  const { subnetIds, securityGroupIds } = stage.vpc;
  return { subnetIds, securityGroupIds: securityGroupIds ?? [groupId(FUNCTION_GROUPS[who])] };
}

/**
 * Security groups that let through what is needed and nothing else. Without an egress rule of its own a group lets out to everywhere, so each
 * has one; rules between two of our groups are resources of their own, because the groups could not be made in a circle.
 * Amazon's DNS resolver needs no rule: security groups do not apply to it.
 */
export function securityGroups(stage: NamedStage): Resources {
  const { vpc } = stage;
  if (vpc?.id === undefined) return {};
  const ownGroups = vpc.securityGroupIds === undefined;
  const functions = ownGroups ? inVpc(stage) : [];
  const balancer = stage.falco?.loadBalancer;
  const ownEndpoints = vpc.endpoints === 'own';
  return {
    ...Object.assign({}, ...functions.map((who) => functionGroup(stage, who))),
    ...(balancer === undefined ? {} : balancerGroup(stage, balancer)),
    ...(ownEndpoints ? endpointGroup(stage) : {}),
    ...Object.assign(
      {},
      ...(ownEndpoints ? functions : []).map((who) => way(FUNCTION_GROUPS[who], ENDPOINT_GROUP, HTTPS, 'the endpoints of AWS services')),
    ),
    ...(balancer !== undefined && ownGroups ? way(FUNCTION_GROUPS.audit, BALANCER_GROUP, listenerPort(stage), 'webhook of Falco') : {}),
  };
}

/** Names of our groups for those who let them in: Falco's pods, private cluster endpoints, brought endpoints. */
export function securityGroupOutputs(stage: NamedStage): Readonly<Record<string, object>> {
  const groups = Object.entries(securityGroups(stage)).filter(([, { Type }]) => Type === 'AWS::EC2::SecurityGroup');
  return Object.fromEntries(
    groups.map(([id, { Properties }]) => [
      `${id}Id`,
      { Description: (Properties as { GroupDescription: string }).GroupDescription, Value: groupId(id) },
    ]),
  );
}

/** Where the load balancer listens: the port that `falco.url` names. */
export function listenerPort({ falco }: Pick<NamedStage, 'falco'>): number {
  const { port, protocol } = new URL(falco!.url);
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}

const HTTPS = 443;
/** Falco's own server, which the load balancer asks for its health. */
export const HEALTH_PORT = 8765;

/** EC2 takes no apostrophes in descriptions. */
const tcp = (port: number, description: string) => ({ IpProtocol: 'tcp', FromPort: port, ToPort: port, Description: description });

function group(stage: NamedStage, id: string, description: string, rules: object): Resources {
  return {
    [id]: {
      Type: 'AWS::EC2::SecurityGroup',
      Properties: { GroupDescription: `Tiercel ${stage.name}, ${description}`, VpcId: stage.vpc?.id, ...rules },
    },
  };
}

function functionGroup(stage: NamedStage, who: Who): Resources {
  const { prefixListIds, endpoints, endpointSecurityGroupIds = [], clusterSecurityGroupIds = [] } = stage.vpc!;
  const to = (groups: readonly string[], what: string) => groups.map((id) => ({ ...tcp(HTTPS, what), DestinationSecurityGroupId: id }));
  return group(stage, FUNCTION_GROUPS[who], who === 'audit' ? 'audit functions' : 'respond', {
    SecurityGroupEgress: [
      { ...tcp(HTTPS, 'S3'), DestinationPrefixListId: prefixListIds?.s3 },
      { ...tcp(HTTPS, 'DynamoDB'), DestinationPrefixListId: prefixListIds?.dynamodb },
      ...(endpoints === 'brought' ? to(endpointSecurityGroupIds, 'the endpoints of AWS services') : []),
      ...(who === 'respond' ? to(clusterSecurityGroupIds, 'private endpoints of clusters') : []),
    ],
  });
}

/** The webhook has no authentication: who may open a connection to it is decided here. */
function balancerGroup(
  stage: NamedStage,
  { targets, targetPort }: NonNullable<NonNullable<NamedStage['falco']>['loadBalancer']>,
): Resources {
  const target = (id: string) => (id.startsWith('sg-') ? { DestinationSecurityGroupId: id } : { CidrIp: id });
  return group(stage, BALANCER_GROUP, 'load balancer in front of Falco', {
    ...(stage.vpc?.securityGroupIds === undefined
      ? {}
      : {
          SecurityGroupIngress: stage.vpc.securityGroupIds.map((id) => ({
            ...tcp(listenerPort(stage), 'the audit functions'),
            SourceSecurityGroupId: id,
          })),
        }),
    SecurityGroupEgress: targets.flatMap((id) => [
      { ...tcp(targetPort, 'webhook of Falco'), ...target(id) },
      { ...tcp(HEALTH_PORT, 'health of Falco'), ...target(id) },
    ]),
  });
}

function endpointGroup(stage: NamedStage): Resources {
  const ingress = (stage.vpc?.securityGroupIds ?? []).map((id) => ({ ...tcp(HTTPS, 'the functions'), SourceSecurityGroupId: id }));
  return group(stage, ENDPOINT_GROUP, 'endpoints of AWS services', {
    ...(ingress.length > 0 ? { SecurityGroupIngress: ingress } : {}),
    // An endpoint opens no connections.
    SecurityGroupEgress: [{ ...tcp(HTTPS, 'nowhere'), CidrIp: '127.0.0.1/32' }],
  });
}

/** Out of one of our groups and into another, at one port. */
function way(from: string, to: string, port: number, what: string): Resources {
  const name = `${from.replace('SecurityGroup', '')}To${to.replace('SecurityGroup', '')}`;
  return {
    [`${name}Egress`]: {
      Type: 'AWS::EC2::SecurityGroupEgress',
      Properties: { GroupId: groupId(from), ...tcp(port, what), DestinationSecurityGroupId: groupId(to) },
    },
    [`${name}Ingress`]: {
      Type: 'AWS::EC2::SecurityGroupIngress',
      Properties: { GroupId: groupId(to), ...tcp(port, what), SourceSecurityGroupId: groupId(from) },
    },
  };
}
