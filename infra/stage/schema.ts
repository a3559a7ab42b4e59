import * as z from 'zod';
import { channelSchema } from '../../shared/platform/channel-settings.ts';
import { channelProblems } from './channels.ts';
import { clusterProblems } from './cluster-problems.ts';
import { concurrencySchema } from './concurrency.ts';
import { loadBalancer, networkProblems, vpc } from './network-schema.ts';

const region = z
  .string()
  .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'expected an AWS region such as eu-central-1')
  .regex(
    /^(?!cn-|[a-z]{2}-iso)/,
    'expected a region of the partitions aws or aws-us-gov: elsewhere hosts and service principals have other names',
  );
const account = z.string().regex(/^\d{12}$/, 'expected a 12-digit AWS account id, in quotes (a leading zero would be lost)');
const roleArn = z.string().regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, 'expected the ARN of an IAM role');
const topicArn = z.string().regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+$/, 'expected the ARN of an SNS topic (no FIFO topic)');
const keyArn = z
  .string()
  .regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, 'expected the ARN of a KMS key (of the key, not of an alias)');
const logGroup = z.string().regex(/^[\w./#-]{1,512}$/, 'expected the name of a log group (not its ARN)');

/** The retentions CloudWatch Logs knows, **days**. */
const RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653] as const;

const clusterName = z.string().regex(/^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/, 'expected an EKS cluster name');

/**
 * One watched cluster and the one road its audit events take.
 *
 * - `stream`: CloudWatch Logs calls audit-stream; seconds of delay, no history of our own.
 * - `archive`: Firehose writes objects, audit-archive reads them; a minute or more of delay, history in S3.
 * - `stream+store`: `stream`, and Firehose keeps the history, which nobody reads unless asked (`tiercel evaluate`, `replay`).
 */
const cluster = z.strictObject({
  /** What events and alerts call it; unique in the stage. */
  name: clusterName,
  /** What EKS calls it. @default the name */
  eksName: clusterName.optional(),
  /** @default the stage's account */
  account: account.optional(),
  /** @default the stage's region */
  region: region.optional(),
  path: z.enum(['stream', 'archive', 'stream+store']).default('stream'),
  /** @default /aws/eks/<eksName>/cluster */
  logGroup: logGroup.optional(),
  /**
   * With `path: archive`, how long Firehose gathers events before it writes an object, **seconds**. For a cluster elsewhere, what its Firehose
   * there is set to.
   */
  firehoseBufferSeconds: z.int().min(0).max(900).default(60),
  /** Role of the Firehose that archives a cluster of another account: it may write below that account's prefix. */
  archiveWriterArn: roleArn.optional(),
  /** Role that respond assumes for a cluster of another account. Without it respond plans for that cluster, but cannot look or act. */
  respondRoleArn: roleArn.optional(),
  /** Makes respond's EKS access entry, if the cluster is of the stage's account and region. Not possible with authentication mode CONFIG_MAP. */
  accessEntry: z.boolean().default(true),
  /** Writes a synthetic event into its log group every five minutes and expects it back as an alert (docs/operate/heartbeat.md). */
  heartbeat: z.boolean().default(true),
});

const rulesFiles = z.array(z.string().regex(/^[^,;]+$/, 'expected a file or folder, without comma or semicolon')).min(1);
const rulesDigest = z.string().regex(/^[0-9a-f]{64}$/, 'expected the digest of a publication, 64 hexadecimal digits');

/** The Falco fleet of `detection: falco`. Numbers that are left out have the defaults of the functions (docs of their configuration). */
const falco = z
  .strictObject({
    /** Falco's k8saudit webhook, e.g. https://falco.example.internal:9765/k8s-audit */
    url: z.url({ protocol: /^https?$/, error: 'expected an http or https URL', abort: true }),
    /** Plain http lets anyone on the way read and forge audit events; it has to be asked for. */
    allowPlainHttp: z.boolean().default(false),
    /** Authorities that may have signed Falco's certificate, PEM. @default the runtime's own */
    caPem: z.string().startsWith('-----BEGIN', 'expected PEM text').optional(),
    /** Secrets Manager secret with `{"certPem": …, "keyPem": …}`, for a proxy that asks for a client certificate. */
    clientSecretId: z.string().min(1).optional(),
    /** Makes the internal load balancer in front of Falco. @default the one behind `url` is yours */
    loadBalancer: loadBalancer.optional(),
    maxBodyBytes: z.int().min(1024).optional(),
    /** Bodies under way at the same time, per invocation. */
    concurrency: z.int().min(1).optional(),
    requestTimeoutMs: z.int().min(100).optional(),
    /** Falco's `maxEventSize`, **bytes**. */
    maxEventBytes: z.int().min(16_384).optional(),
    /**
     * The rule files Falco runs, in its order, and their digest (file `digest` of `tiercel rules publish`): set both to send only what could
     * match, while the heartbeat says that Falco runs them. They lie in `rules/falco` or `rules/rollout`, which are packaged.
     */
    rules: rulesFiles.optional(),
    rulesDigest: rulesDigest.optional(),
    /** While new rules are rolled out: Falco runs the rules above or these, and what either could match is sent. */
    rollout: z.strictObject({ rules: rulesFiles, rulesDigest }).optional(),
  })
  .superRefine((fleet, context) => {
    if (fleet.url.startsWith('http:') && !fleet.allowPlainHttp) {
      context.addIssue({ code: 'custom', path: ['url'], message: 'expected https; plain http has to be allowed by allowPlainHttp: true' });
    }
    if (/^$|\/$/.test(new URL(fleet.url).pathname)) {
      context.addIssue({
        code: 'custom',
        path: ['url'],
        message:
          'expected the path of the webhook, /k8s-audit unless Falco says otherwise: without it, and with a slash behind it, Falco answers 404',
      });
    }
    if ((fleet.rules === undefined) !== (fleet.rulesDigest === undefined)) {
      context.addIssue({
        code: 'custom',
        path: ['rules'],
        message: 'expected rules and rulesDigest together: the digest proves that Falco runs these rules',
      });
    }
    if (fleet.rollout !== undefined && fleet.rules === undefined) {
      context.addIssue({ code: 'custom', path: ['rollout'], message: 'expected rules and rulesDigest as well: those that are replaced' });
    }
  });

/** What an operator writes in `infra/stages/<stage>.yml`. Unknown keys are errors: a misspelt setting must not pass for a set one. */
export const stageSchema = z
  .strictObject({
    /** The account that is deployed into. Written down so that every name is known before deployment, and nothing lands elsewhere unnoticed. */
    account,
    region,
    clusters: z.array(cluster).default([]),
    /** Who judges the events: a Falco fleet, or the engine inside the functions. */
    detection: z.enum(['falco', 'embedded']),
    falco: falco.optional(),
    /** Whether the clusters get a heartbeat. Without it nobody notices a road that leads nowhere, and no event is selected away for Falco. */
    heartbeat: z.boolean().default(true),
    /** What respond may do at most; a policy can only lower it. */
    mode: z.enum(['off', 'shadow', 'enforce']).default('shadow'),
    vpc: vpc.optional(),
    /** Whether respond runs in the VPC too: only for clusters whose endpoint is private. */
    respondInVpc: z.boolean().default(false),
    /** Log groups that carry Falco's own alerts (FireLens); respond reads them. Input only. */
    alertLogGroups: z.array(logGroup).default([]),
    /** An SNS topic that Falcosidekick publishes to. */
    alertTopicArn: topicArn.optional(),
    /** An SNS topic that alarms are sent to. Without it they ring in CloudWatch only. */
    alarmTopicArn: topicArn.optional(),
    /** An existing KMS key for tables, buckets and logs. @default a key of the stage's own, rotated every year */
    dataKeyArn: keyArn.optional(),
    /** The MAC key is replaced this often, **days**. */
    macKeyRotationDays: z.int().min(1).max(1000).default(30),
    /**
     * An existing bucket for the archive, in the stage's region. It is used as it is; its owner announces its objects to our queue
     * (docs/operate/bring-your-own.md). @default a bucket of the stage's own
     */
    archiveBucket: z
      .strictObject({
        name: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected the name of a bucket'),
        /** Whose it is: only on that account's behalf S3 may announce its objects. @default the stage's account */
        account: account.optional(),
        /** The KMS key its objects are under. @default S3's own encryption */
        keyArn: keyArn.optional(),
      })
      .optional(),
    /** Function logs, **days**. */
    logRetentionDays: z.union(
      RETENTION_DAYS.map((days) => z.literal(days)),
      { error: `expected one of ${RETENTION_DAYS.join(', ')}` },
    ),
    /** Archived audit events, **days**. */
    archiveRetentionDays: z.int().min(1).default(400),
    /** Undelivered events wait this long for Falco, **days**. */
    spoolRetentionDays: z.int().min(1).max(365).default(30),
    /** Quarantined records and failed invocations, **days**. */
    quarantineRetentionDays: z.int().min(1).default(400),
    /** What respond kept of objects before they were changed, **days**. */
    evidenceRetentionDays: z.int().min(1).default(400),
    /** Who can be told what became of responses; policies name them. */
    notify: z.array(channelSchema).max(20).default([]),
    /** Tables refuse deletion. */
    deletionProtection: z.boolean().default(true),
    logLevel: z.enum(['DEBUG', 'INFO', 'WARN', 'ERROR']).default('INFO'),
    /** Traces of the functions in X-Ray: the first of each second and one in twenty of the rest, some $13 a month for each function that is always busy. */
    tracing: z.boolean().default(true),
    /**
     * Caps that protect Falco and bound the responder. @default 20 and 10 for the audit functions with `detection: falco`, 3 for respond in
     * mode `enforce`, else the account's shared pool
     */
    concurrency: concurrencySchema,
  })
  .superRefine((stage, context) => {
    const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });

    if (stage.detection === 'falco' && stage.falco === undefined) {
      problem(['falco'], 'expected the webhook (falco.url), because detection is falco; set it or choose detection: embedded');
    }
    if (stage.detection === 'embedded' && stage.falco !== undefined) {
      problem(['falco'], 'expected nothing, because detection is embedded; take it out or choose detection: falco');
    }
    if (!stage.heartbeat && stage.falco?.rules !== undefined) {
      problem(['heartbeat'], 'expected true, because falco.rules are only believed while a heartbeat says that Falco runs them');
    }
    for (const { path, message } of networkProblems(stage)) problem(path, message);
    for (const { path, message } of clusterProblems(stage)) problem(path, message);
    for (const { path, message } of channelProblems(stage)) problem(path, message);
    for (const { path, message } of placeProblems(stage)) problem(path, message);
  });

export type Stage = z.output<typeof stageSchema>;
export type StageCluster = Stage['clusters'][number];

/** What CloudFormation would only find when it makes the resource: things that AWS takes from the same region alone, or from the same account. */
function placeProblems(stage: Stage): { readonly path: string[]; readonly message: string }[] {
  const arns = {
    dataKeyArn: stage.dataKeyArn,
    'archiveBucket.keyArn': stage.archiveBucket?.keyArn,
    alarmTopicArn: stage.alarmTopicArn,
    'falco.loadBalancer.certificateArn': stage.falco?.loadBalancer?.certificateArn,
  };
  return Object.entries(arns).flatMap(([setting, arn]) => {
    const [region, account] = arn?.split(':').slice(3) ?? [stage.region, stage.account];
    const path = setting.split('.');
    if (region !== stage.region) return [{ path, message: `expected something in ${stage.region}, where it is used, got ${arn}` }];
    return setting === 'dataKeyArn' && account !== stage.account
      ? [{ path, message: `expected a key of account ${stage.account}, got ${arn}` }]
      : [];
  });
}
