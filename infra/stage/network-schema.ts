import * as z from 'zod';
import type { Stage } from './schema.ts';

const id = (prefix: string, what: string) => z.string().regex(new RegExp(`^${prefix}-[0-9a-f]+$`), `expected ${what}`);
const securityGroup = id('sg', 'a security group id');
const subnets = z.array(id('subnet', 'a subnet id')).min(2, 'expected subnets in two zones or more');

/** Where functions run that have to reach what is not public. What is listed here is used, never changed. */
export const vpc = z.strictObject({
  /** Needed for whatever is made in it: load balancer, security groups, endpoints. */
  id: id('vpc', 'a VPC id').optional(),
  subnetIds: subnets,
  /** Groups of the functions. @default groups of the stage's own, which let out to the load balancer and the endpoints only */
  securityGroupIds: z.array(securityGroup).min(1).optional(),
  /** `own` makes the endpoints that the functions need, for their use alone; `brought`: the way to the AWS services is there. */
  endpoints: z.enum(['own', 'brought']).default('brought'),
  /**
   * With `endpoints: own`, the route tables that get gateways to S3 and DynamoDB. They must be those of subnets that nothing else runs in: the
   * gateways let nothing through but the stage's buckets and tables. @default the gateways are there already
   */
  routeTableIds: z.array(id('rtb', 'a route table id')).min(1).optional(),
  /** The region's prefix lists of S3 and DynamoDB, for security groups of the stage's own. */
  prefixListIds: z.strictObject({ s3: id('pl', 'a prefix list id'), dynamodb: id('pl', 'a prefix list id') }).optional(),
  /** Groups of interface endpoints that are there already, for security groups of the stage's own. */
  endpointSecurityGroupIds: z.array(securityGroup).min(1).optional(),
  /** Groups of private cluster endpoints, for `respondInVpc` with security groups of the stage's own. */
  clusterSecurityGroupIds: z.array(securityGroup).min(1).optional(),
});

/** The internal load balancer in front of Falco. It listens at the port of `falco.url`, whose host is its name. */
export const loadBalancer = z.strictObject({
  /** @default the functions' subnets */
  subnetIds: subnets.optional(),
  /** Who Falco's pods are: their security groups (of an EKS cluster, usually its cluster security group) or IPv4 ranges. */
  targets: z
    .array(z.union([securityGroup, z.cidrv4()], { error: 'expected a security group id or an IPv4 range such as 10.0.16.0/20' }))
    .min(1),
  /** Port of the webhook in Falco's pods. */
  targetPort: z.int().min(1).max(65_535).default(9765),
  /** A certificate of ACM for the host of `falco.url`. @default TLS goes through to Falco, which has the certificate */
  certificateArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:acm:/, 'expected the ARN of an ACM certificate')
    .optional(),
  /** A private hosted zone of Route 53 that gets the name. @default the name is yours to make */
  hostedZoneId: z
    .string()
    .regex(/^Z[A-Z0-9]+$/, 'expected the id of a hosted zone')
    .optional(),
});

/** What does not fit together in a stage's network. */
export function networkProblems(stage: Stage): { readonly path: string[]; readonly message: string }[] {
  const problems: { path: string[]; message: string }[] = [];
  const expect = (holds: boolean, path: string, message: string) => {
    if (!holds) problems.push({ path: path.split('.'), message });
  };
  const { vpc, falco, detection, respondInVpc } = stage;
  const balanced = falco?.loadBalancer !== undefined;

  expect(!respondInVpc || vpc !== undefined, 'vpc', 'expected the VPC, because respondInVpc is true');
  expect(!balanced || vpc !== undefined, 'vpc', 'expected the VPC of the load balancer, because falco.loadBalancer is set');
  if (balanced) {
    const { protocol, hostname } = new URL(falco.url);
    expect(
      falco.loadBalancer?.certificateArn === undefined || protocol === 'https:',
      'falco.url',
      'expected https, because falco.loadBalancer.certificateArn is set',
    );
    expect(
      falco.loadBalancer?.hostedZoneId === undefined || /[a-z]/i.test(hostname),
      'falco.url',
      'expected a host name, because falco.loadBalancer.hostedZoneId is set',
    );
  }
  if (vpc === undefined) return problems;

  const ownGroups = vpc.securityGroupIds === undefined;
  const ownEndpoints = vpc.endpoints === 'own';
  const made = [
    ...(balanced ? ['falco.loadBalancer'] : []),
    ...(ownEndpoints ? ['vpc.endpoints: own'] : []),
    ...(ownGroups ? ['security groups of its own (no vpc.securityGroupIds)'] : []),
  ];
  expect(made.length === 0 || vpc.id !== undefined, 'vpc.id', `expected the VPC's id, because the stage has ${made.join(', ')}`);
  expect(
    ownEndpoints || vpc.routeTableIds === undefined,
    'vpc.routeTableIds',
    'expected nothing, because vpc.endpoints is brought: no gateways are made',
  );
  for (const [index, { name, account, region, respondRoleArn }] of stage.clusters.entries()) {
    const reached = (account ?? stage.account) === stage.account || respondRoleArn !== undefined;
    expect(
      !respondInVpc || !ownEndpoints || !reached || (region ?? stage.region) === stage.region,
      `clusters.${index}.region`,
      `expected ${stage.region}: with respondInVpc and vpc.endpoints: own, respond reaches the EKS API of no other region; give ${name} a stage there`,
    );
  }
  if (!ownGroups) return problems;

  expect(
    detection === 'embedded' || balanced,
    'vpc.securityGroupIds',
    'expected the groups of the functions: only to falco.loadBalancer can the stage open the way itself',
  );
  expect(
    vpc.prefixListIds !== undefined,
    'vpc.prefixListIds',
    `expected { s3: pl-…, dynamodb: pl-… }, where the functions' security group lets out to; ask with: aws ec2 describe-managed-prefix-lists --region ${stage.region} --filters Name=prefix-list-name,Values=com.amazonaws.${stage.region}.s3,com.amazonaws.${stage.region}.dynamodb`,
  );
  expect(
    ownEndpoints || vpc.endpointSecurityGroupIds !== undefined,
    'vpc.endpointSecurityGroupIds',
    'expected the groups of your interface endpoints, where the functions’ security group lets out to; or vpc.endpoints: own',
  );
  expect(
    !respondInVpc || vpc.clusterSecurityGroupIds !== undefined,
    'vpc.clusterSecurityGroupIds',
    'expected the groups of the clusters’ private endpoints, because respondInVpc is true',
  );
  const outside = stage.notify.find(({ kind }) => kind === 'slack' || kind === 'webhook');
  expect(
    !respondInVpc || outside === undefined,
    'vpc.securityGroupIds',
    `expected groups that let out to the address of channel ${outside?.name}: those of the stage let out to AWS and to the clusters only`,
  );
  return problems;
}
