import * as z from 'zod';

/** What the files in infra/ use of each kind, and no more: an unknown or misspelt member fails. Sources: Kubernetes API reference 1.33, cert-manager v1, kubeadm v1beta4. */
const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/);
const texts = z.record(z.string(), z.string());
const metadata = z.strictObject({ name, namespace: name.optional(), labels: texts.optional(), annotations: texts.optional() });
const selector = z.strictObject({ matchLabels: texts });
const port = z.int().min(1).max(65_535);
const cidr = z.cidrv4();
const object = <Kind extends string, Shape extends z.ZodRawShape>(apiVersion: string, kind: Kind, shape: Shape) =>
  z.strictObject({ apiVersion: z.literal(apiVersion), kind: z.literal(kind), metadata, ...shape });

const peers = z.array(
  z.union([
    z.strictObject({ ipBlock: z.strictObject({ cidr }) }),
    z.strictObject({ podSelector: selector }),
    z.strictObject({ namespaceSelector: selector }),
  ]),
);
const policyPorts = z.array(z.strictObject({ protocol: z.enum(['TCP', 'UDP']), port }));

const resources = z.strictObject({ requests: texts.optional(), limits: texts.optional() });
const securityContext = z.strictObject({
  runAsUser: z.int().optional(),
  allowPrivilegeEscalation: z.literal(false),
  readOnlyRootFilesystem: z.literal(true),
  capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
});
const podTemplate = z.strictObject({
  metadata: z.strictObject({ labels: texts }),
  spec: z.strictObject({
    automountServiceAccountToken: z.boolean().optional(),
    nodeSelector: texts.optional(),
    tolerations: z.array(z.strictObject({ key: z.string(), operator: z.enum(['Exists', 'Equal']), effect: z.string() })).optional(),
    priorityClassName: z.string().optional(),
    terminationGracePeriodSeconds: z.int().optional(),
    containers: z.array(
      z.strictObject({
        name,
        image: z.string(),
        command: z.array(z.string()),
        args: z.array(z.string()),
        resources,
        securityContext,
        volumeMounts: z.array(z.strictObject({ name, mountPath: z.string().startsWith('/'), readOnly: z.boolean().optional() })),
      }),
    ),
    volumes: z.array(
      z.union([
        z.strictObject({
          name,
          hostPath: z.strictObject({ path: z.string().startsWith('/'), type: z.enum(['Directory', 'DirectoryOrCreate']) }),
        }),
        z.strictObject({ name, configMap: z.strictObject({ name }) }),
      ]),
    ),
  }),
});

const rbacRule = z.union([
  z.strictObject({
    apiGroups: z.array(z.string()),
    resources: z.array(z.string()),
    verbs: z.array(z.string()),
    resourceNames: z.array(z.string()).optional(),
  }),
  z.strictObject({ nonResourceURLs: z.array(z.string()), verbs: z.array(z.string()) }),
]);
const roleRef = z.strictObject({
  apiGroup: z.literal('rbac.authorization.k8s.io'),
  kind: z.enum(['ClusterRole', 'Role']),
  name: z.string(),
});
const subjects = z.array(
  z.strictObject({ kind: z.enum(['Group', 'User']), name: z.string(), apiGroup: z.literal('rbac.authorization.k8s.io') }),
);
/** Names in RBAC may hold colons. */
const rbac = <Shape extends z.ZodRawShape>(kind: string, shape: Shape) =>
  z.strictObject({
    apiVersion: z.literal('rbac.authorization.k8s.io/v1'),
    kind: z.literal(kind),
    metadata: metadata.extend({ name: z.string() }),
    ...shape,
  });

const issuerRef = z.strictObject({ name, kind: z.literal('Issuer') });
const auditLevel = z.enum(['None', 'Metadata', 'Request', 'RequestResponse']);
const strings = z.array(z.string()).min(1);

/** By `apiVersion/kind`. */
export const KINDS: Readonly<Record<string, z.ZodType>> = {
  'v1/Namespace': object('v1', 'Namespace', {}),
  'v1/Service': object('v1', 'Service', {
    spec: z.strictObject({
      type: z.literal('LoadBalancer'),
      loadBalancerClass: z.string(),
      loadBalancerSourceRanges: z.array(cidr).min(1),
      selector: texts,
      ports: z.array(z.strictObject({ name, port, targetPort: port, protocol: z.literal('TCP') })),
    }),
  }),
  'policy/v1/PodDisruptionBudget': object('policy/v1', 'PodDisruptionBudget', {
    spec: z.strictObject({ maxUnavailable: z.int().min(1), selector }),
  }),
  'networking.k8s.io/v1/NetworkPolicy': object('networking.k8s.io/v1', 'NetworkPolicy', {
    spec: z.strictObject({
      podSelector: selector,
      policyTypes: z.array(z.enum(['Ingress', 'Egress'])),
      ingress: z.array(z.strictObject({ from: peers.min(1), ports: policyPorts.min(1) })),
      egress: z.array(z.strictObject({ to: peers.min(1), ports: policyPorts.min(1) })),
    }),
  }),
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy': object('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy', {
    spec: z.strictObject({
      failurePolicy: z.enum(['Fail', 'Ignore']),
      matchConstraints: z.strictObject({
        resourceRules: z.array(
          z.strictObject({
            apiGroups: strings,
            apiVersions: strings,
            operations: z.array(z.enum(['CREATE', 'UPDATE', 'DELETE', 'CONNECT'])).min(1),
            resources: strings,
          }),
        ),
      }),
      validations: z.array(z.strictObject({ expression: z.string(), message: z.string() })).min(1),
    }),
  }),
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding': object(
    'admissionregistration.k8s.io/v1',
    'ValidatingAdmissionPolicyBinding',
    { spec: z.strictObject({ policyName: name, validationActions: z.array(z.enum(['Deny', 'Warn', 'Audit'])).min(1) }) },
  ),
  'elbv2.k8s.aws/v1beta1/TargetGroupBinding': object('elbv2.k8s.aws/v1beta1', 'TargetGroupBinding', {
    spec: z.strictObject({
      serviceRef: z.strictObject({ name, port }),
      targetGroupARN: z.string().startsWith('arn:aws:elasticloadbalancing:'),
      targetType: z.literal('ip'),
      networking: z.strictObject({
        ingress: z.array(
          z.strictObject({
            from: z.array(z.strictObject({ securityGroup: z.strictObject({ groupID: z.string().startsWith('sg-') }) })),
            ports: policyPorts,
          }),
        ),
      }),
    }),
  }),
  'cert-manager.io/v1/Issuer': object('cert-manager.io/v1', 'Issuer', {
    spec: z.union([z.strictObject({ selfSigned: z.strictObject({}) }), z.strictObject({ ca: z.strictObject({ secretName: name }) })]),
  }),
  'cert-manager.io/v1/Certificate': object('cert-manager.io/v1', 'Certificate', {
    spec: z.strictObject({
      secretName: name,
      isCA: z.boolean().optional(),
      commonName: z.string().optional(),
      duration: z.string().regex(/^\d+h$/),
      renewBefore: z
        .string()
        .regex(/^\d+h$/)
        .optional(),
      dnsNames: z.array(name).optional(),
      privateKey: z.strictObject({ algorithm: z.literal('ECDSA'), size: z.literal(256), rotationPolicy: z.enum(['Always', 'Never']) }),
      usages: z.array(z.enum(['digital signature', 'server auth'])).optional(),
      additionalOutputFormats: z.array(z.strictObject({ type: z.literal('CombinedPEM') })).optional(),
      issuerRef,
    }),
  }),
  'apps/v1/DaemonSet': object('apps/v1', 'DaemonSet', {
    spec: z.strictObject({ selector, updateStrategy: z.strictObject({ type: z.literal('RollingUpdate') }), template: podTemplate }),
  }),
  'rbac.authorization.k8s.io/v1/ClusterRole': rbac('ClusterRole', { rules: z.array(rbacRule) }),
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': rbac('ClusterRoleBinding', { roleRef, subjects }),
  'rbac.authorization.k8s.io/v1/Role': rbac('Role', { rules: z.array(rbacRule) }),
  'rbac.authorization.k8s.io/v1/RoleBinding': rbac('RoleBinding', { roleRef, subjects }),
  'audit.k8s.io/v1/Policy': z.strictObject({
    apiVersion: z.literal('audit.k8s.io/v1'),
    kind: z.literal('Policy'),
    omitStages: z.array(z.enum(['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'])),
    rules: z.array(
      z.strictObject({
        level: auditLevel,
        users: strings.optional(),
        userGroups: strings.optional(),
        verbs: strings.optional(),
        namespaces: strings.optional(),
        nonResourceURLs: strings.optional(),
        resources: z.array(z.strictObject({ group: z.string(), resources: strings.optional() })).optional(),
      }),
    ),
  }),
  'v1/Config': z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('Config'),
    clusters: z.array(
      z.strictObject({ name, cluster: z.strictObject({ server: z.url({ protocol: /^https$/ }), 'certificate-authority': z.string() }) }),
    ),
    users: z.array(z.strictObject({ name, user: z.strictObject({}) })),
    contexts: z.array(z.strictObject({ name, context: z.strictObject({ cluster: name, user: name }) })),
    'current-context': name,
  }),
  'kubeadm.k8s.io/v1beta4/ClusterConfiguration': z.strictObject({
    apiVersion: z.string(),
    kind: z.string(),
    apiServer: z.strictObject({
      extraArgs: z.array(z.strictObject({ name: z.string().startsWith('audit-'), value: z.string() })),
      extraVolumes: z.array(
        z.strictObject({ name, hostPath: z.string(), mountPath: z.string(), readOnly: z.boolean().optional(), pathType: z.string() }),
      ),
    }),
  }),
  'kops.k8s.io/v1alpha2/Cluster': object('kops.k8s.io/v1alpha2', 'Cluster', {
    spec: z.strictObject({
      kubeAPIServer: z.strictObject({
        auditPolicyFile: z.string(),
        auditLogPath: z.string(),
        auditLogMaxSize: z.int(),
        auditLogMaxBackups: z.int(),
      }),
      fileAssets: z.array(z.strictObject({ name, path: z.string(), roles: z.array(z.literal('ControlPlane')), content: z.string() })),
    }),
  }),
};

const spread = z.strictObject({
  topologyKey: z.enum(['topology.kubernetes.io/zone', 'kubernetes.io/hostname']),
  maxSkew: z.int().min(1),
  whenUnsatisfiable: z.enum(['ScheduleAnyway', 'DoNotSchedule']),
  labelSelector: selector,
  matchLabelKeys: z.tuple([z.literal('pod-template-hash')]),
});

/** Files that are no Kubernetes objects, by path below infra/. */
export const FILES: Readonly<Record<string, z.ZodType>> = {
  'kubernetes/falco-spread.patch.yaml': z.strictObject({
    spec: z.strictObject({
      template: z.strictObject({ spec: z.strictObject({ topologySpreadConstraints: z.array(spread).min(1) }) }),
    }),
  }),
  'firelens/eks.yaml': z.strictObject({
    image: z.strictObject({ tag: z.string().regex(/^\d+\.\d+\.\d+$/) }),
    serviceAccount: z.strictObject({ create: z.boolean(), name, annotations: texts }),
    input: z.strictObject({
      enabled: z.literal(true),
      tag: z.string(),
      path: z.string().startsWith('/var/log/containers/'),
      db: z.string(),
      multilineParser: z.string(),
      memBufLimit: z.string(),
      skipLongLines: z.enum(['On', 'Off']),
      refreshInterval: z.int(),
    }),
    filter: z.strictObject({
      enabled: z.literal(true),
      match: z.string(),
      mergeLog: z.enum(['On', 'Off']),
      keepLog: z.enum(['On', 'Off']),
      k8sLoggingParser: z.enum(['On', 'Off']),
      k8sLoggingExclude: z.enum(['On', 'Off']),
      bufferSize: z.string(),
      extraFilters: z.string(),
    }),
    additionalFilters: z.string(),
    cloudWatchLogs: z.strictObject({
      enabled: z.literal(true),
      match: z.string(),
      region: z.string(),
      logGroupName: z.literal('falco'),
      // A template would win over the name of the group.
      logGroupTemplate: z.literal(''),
      logStreamTemplate: z.literal(''),
      logStreamPrefix: z.string(),
      autoCreateGroup: z.literal(false),
      extraOutputs: z.string().regex(/^retry_limit \d+\n$/),
    }),
  }),
  'firelens/queries.yaml': z.strictObject({
    queries: z
      .array(z.strictObject({ name: z.string(), query: z.string().regex(/^(fields|parse|filter|stats)[\s\S]*\| (stats|display|limit)/) }))
      .min(1),
  }),
};

const statement = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.literal('Allow'),
  Principal: z.record(z.string(), z.string()).optional(),
  // Least privilege: every action is named.
  Action: z
    .union([z.string(), z.array(z.string())])
    .refine((actions) => ![actions].flat().some((action) => action.includes('*')), 'an action with *'),
  Resource: z
    .string()
    .refine((resource) => resource !== '*', 'every resource')
    .optional(),
  Condition: z.record(z.string(), texts).optional(),
});
export const iamPolicy = z.strictObject({ Version: z.literal('2012-10-17'), Statement: z.array(statement).min(1) });

/** What Amazon ECS lets a task add (API reference, KernelCapabilities): neither BPF nor PERFMON. */
const ecsCapability = z.enum(
  `ALL AUDIT_CONTROL AUDIT_WRITE BLOCK_SUSPEND CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN
  MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE
  SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG SYSLOG WAKE_ALARM`.split(/\s+/),
);

export const taskDefinition = z.looseObject({
  family: z.string(),
  networkMode: z.enum(['bridge', 'awsvpc']),
  containerDefinitions: z.array(
    z.looseObject({
      name: z.string(),
      linuxParameters: z
        .strictObject({ capabilities: z.strictObject({ add: z.array(ecsCapability), drop: z.tuple([z.literal('ALL')]) }) })
        .optional(),
      logConfiguration: z.strictObject({ logDriver: z.enum(['awslogs', 'awsfirelens']), options: texts.optional() }),
      firelensConfiguration: z
        .strictObject({ type: z.literal('fluentbit'), options: texts.and(z.looseObject({ 'enable-ecs-log-metadata': z.literal('true') })) })
        .optional(),
    }),
  ),
});
