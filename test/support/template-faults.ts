/** What neither cfn-lint nor our Guard rules see in a packaged template: the order in which things are made, and what AWS allows of each. */
export interface Template {
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Outputs?: Readonly<Record<string, object>>;
}

interface TemplateResource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: a template is whatever CloudFormation knows
  readonly Properties?: Record<string, any>;
  readonly DependsOn?: string | readonly string[];
}

/** One line for each fault. */
export function templateFaults(template: Template): string[] {
  return [
    ...sizeFaults(template),
    ...Object.keys(template.Resources).flatMap((id) => [...nameFaults(id, template), ...orderFaults(id, template)]),
  ];
}

/** Longest names, by type and property. */
const NAMES: Readonly<Record<string, readonly [property: string, most: number]>> = {
  'AWS::CloudWatch::Alarm': ['AlarmName', 255],
  'AWS::CloudWatch::Dashboard': ['DashboardName', 255],
  'AWS::DynamoDB::Table': ['TableName', 255],
  'AWS::ElasticLoadBalancingV2::LoadBalancer': ['Name', 32],
  'AWS::ElasticLoadBalancingV2::TargetGroup': ['Name', 32],
  'AWS::Events::Rule': ['Name', 64],
  'AWS::IAM::Role': ['RoleName', 64],
  'AWS::KMS::Alias': ['AliasName', 256],
  'AWS::KinesisFirehose::DeliveryStream': ['DeliveryStreamName', 64],
  'AWS::Lambda::Function': ['FunctionName', 64],
  'AWS::Logs::LogGroup': ['LogGroupName', 512],
  'AWS::Logs::QueryDefinition': ['Name', 255],
  'AWS::S3::Bucket': ['BucketName', 63],
  'AWS::SQS::Queue': ['QueueName', 80],
  'AWS::Scheduler::ScheduleGroup': ['Name', 64],
  'AWS::SecretsManager::Secret': ['Name', 512],
};

function nameFaults(id: string, { Resources }: Template): string[] {
  const { Type, Properties } = Resources[id]!;
  const [property, most] = NAMES[Type] ?? ['', 0];
  const name = Properties?.[property];
  return [
    ...(id.length > 255 ? [`${id}: a logical id has at most 255 characters`] : []),
    ...(typeof name === 'string' && name.length > most ? [`${id}: ${property} has at most ${most} characters, got ${name.length}`] : []),
  ];
}

/** What has to be there before something can be made, or it would be refused, or lose what comes in between. */
function orderFaults(id: string, { Resources }: Template): string[] {
  const { Type, Properties = {}, DependsOn = [] } = Resources[id]!;
  const waitsFor = (type: string, fits: (properties: NonNullable<TemplateResource['Properties']>) => boolean) =>
    [DependsOn].flat().some((other) => Resources[other]?.Type === type && fits(Resources[other].Properties ?? {}));
  const mayBeCalledBy = (principal: string, functionId: unknown) =>
    waitsFor('AWS::Lambda::Permission', ({ Principal, FunctionName }) => Principal === principal && targetOf(FunctionName) === functionId);
  const hasRights = (role: unknown) =>
    waitsFor('AWS::IAM::Policy', ({ Roles }) => Roles.some((each: unknown) => targetOf(each) === targetOf(role)));
  const fault = (holds: boolean, what: string) => (holds ? [] : [`${id} (${Type}) does not wait for ${what}`]);

  if (Type === 'AWS::Logs::SubscriptionFilter') {
    return Properties.RoleArn === undefined
      ? fault(mayBeCalledBy('logs.amazonaws.com', targetOf(Properties.DestinationArn)), 'the permission to call its function')
      : fault(hasRights(Properties.RoleArn), "its role's policy");
  }
  if (Type === 'AWS::SNS::Subscription')
    return fault(mayBeCalledBy('sns.amazonaws.com', targetOf(Properties.Endpoint)), 'the permission to call its function');
  if (Type === 'AWS::SecretsManager::RotationSchedule')
    return fault(
      mayBeCalledBy('secretsmanager.amazonaws.com', targetOf(Properties.RotationLambdaARN)),
      'the permission to call its function',
    );
  if (Type === 'AWS::KinesisFirehose::DeliveryStream')
    return fault(hasRights(Properties.ExtendedS3DestinationConfiguration.RoleARN), "its role's policy");
  const queues: { Queue: unknown }[] = (Type === 'AWS::S3::Bucket' && Properties.NotificationConfiguration?.QueueConfigurations) || [];
  return queues.flatMap(({ Queue }) =>
    fault(
      waitsFor('AWS::SQS::QueuePolicy', ({ Queues }) => Queues.some((each: unknown) => targetOf(each) === targetOf(Queue))),
      'the policy of the queue that it announces to',
    ),
  );
}

function sizeFaults(template: Template): string[] {
  const { Resources, Outputs = {} } = template;
  const all = Object.entries(Resources).map(([id, { Type, Properties = {} }]) => ({ id, Type, Properties }));
  const ofType = (type: string) => all.filter(({ Type }) => Type === type);
  const limit = (what: string, most: number, size: number) => (size > most ? [`${what}: at most ${most}, got ${size}`] : []);
  const policies = ofType('AWS::IAM::Policy');
  return [
    ...limit('bytes of the template', 1_000_000, Buffer.byteLength(JSON.stringify(template))),
    ...limit('resources', 500, all.length),
    ...limit('outputs', 200, Object.keys(Outputs).length),
    ...ofType('AWS::IAM::Role').flatMap(({ id, Properties }) => {
      const attached = policies.filter((policy) => policy.Properties.Roles.some((role: unknown) => targetOf(role) === id));
      const documents = [...(Properties.Policies ?? []), ...attached.map((policy) => policy.Properties)];
      return limit(
        `characters of ${id}'s policies`,
        10_240,
        documents.reduce((sum, { PolicyDocument }) => sum + lengthOf(PolicyDocument), 0),
      );
    }),
    ...ofType('AWS::Lambda::Function').flatMap(({ id, Properties }) => {
      const callers = ofType('AWS::Lambda::Permission').filter((permission) => targetOf(permission.Properties.FunctionName) === id);
      // What Lambda writes around the source and the function's ARN.
      const policy = callers.reduce((sum, caller) => sum + lengthOf(caller.Properties.SourceArn) + caller.id.length + 400, 0);
      return [
        ...limit(`bytes of ${id}'s variables`, 4096, lengthOf(Properties.Environment?.Variables ?? {})),
        ...limit(`characters of who may call ${id}`, 20_480, policy),
      ];
    }),
    ...ofType('AWS::EC2::VPCEndpoint').flatMap(({ id, Properties }) =>
      limit(`characters of ${id}'s policy`, 20_480, lengthOf(Properties.PolicyDocument ?? {})),
    ),
    ...ofType('AWS::EC2::SecurityGroup').flatMap(({ id, Properties }) =>
      ['Ingress', 'Egress'].flatMap((way) => {
        const apart = ofType(`AWS::EC2::SecurityGroup${way}`).filter((rule) => targetOf(rule.Properties.GroupId) === id);
        return limit(`${way} rules of ${id}`, 60, (Properties[`SecurityGroup${way}`] ?? []).length + apart.length);
      }),
    ),
  ];
}

/** Logical id that `Ref` or `Fn::GetAtt` names. */
function targetOf(value: unknown): string | undefined {
  const { Ref, 'Fn::GetAtt': attribute } = (value ?? {}) as { Ref?: string; 'Fn::GetAtt'?: readonly string[] };
  return Ref ?? attribute?.[0];
}

/** As JSON, with what only CloudFormation knows as long as an ARN or an address gets. */
function lengthOf(value: unknown): number {
  const unknown = 'x'.repeat(100);
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (targetOf(part) !== undefined) return targetOf(part) === 'AWS::NoValue' ? '' : unknown;
    const sub = (part as { 'Fn::Sub'?: unknown } | null)?.['Fn::Sub'];
    return typeof sub === 'string' ? sub.replace(/\$\{[^!}][^}]*\}/g, unknown.slice(0, 60)) : Array.isArray(sub) ? unknown : part;
  });
  return text.length;
}
