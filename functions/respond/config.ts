import * as z from 'zod';
import { channelSchema } from '../../shared/platform/channel-settings.ts';
import { type Environment, jsonList, readConfig, type SettingProblem } from '../../shared/platform/config.ts';
import { MODES } from '../../shared/respond/index.ts';

const tableName = z.string().regex(/^[a-zA-Z0-9_.-]{3,255}$/, 'expected the name of a DynamoDB table');
const roleArn = z.string().regex(/^arn:[a-z-]+:iam::\d{12}:role\/.+$/, 'expected the ARN of a role, arn:aws:iam::<account>:role/<name>');

const cluster = z.strictObject({
  /** The name alerts carry (`ka.cluster.name`). */
  name: z.string().min(1),
  region: z.string().min(1),
  account: z.string().optional(),
  /** Name in EKS, where alerts carry another. */
  eksName: z.string().min(1).optional(),
  /** Role to assume for a cluster of another account. */
  roleArn: roleArn.optional(),
});

const EXPECTED_CLUSTERS = 'expected JSON: [{"name": …, "region": …, "eksName"?: …, "roleArn"?: …}]';

const EXPECTED_CHANNELS = 'expected JSON: [{"name": …, "kind": "sns" | "event-bus" | "slack" | "webhook", …}]';

/** The environment of the respond function. */
const schema = z.object({
  /** The stage this function belongs to; `local` unlocks what needs no AWS. */
  TIERCEL_STAGE: z.string('expected the name of the stage'),
  /** The most any response may do. The run-time switch (`tiercel mode`) and each policy can lower it, nothing can raise it. */
  MODE: z.enum(MODES, 'expected `off`, `shadow` or `enforce`').default('shadow'),
  /** `memory` forgets with the process, and is for stage `local` only. */
  JOURNAL: z.enum(['dynamodb', 'memory'], 'expected `dynamodb`, or `memory` in stage `local`').default('dynamodb'),
  /** The table described in shared/respond/journal/README.md. */
  JOURNAL_TABLE: tableName.optional(),
  /** How long journal entries are kept, days. */
  JOURNAL_RETENTION_DAYS: z.coerce.number('expected a number of days').int().min(1).max(3650).default(400),
  /** The table of Powertools idempotency. */
  IDEMPOTENCY_TABLE: tableName.optional(),
  /** Where beats are noted down that come back as alerts. */
  HEARTBEAT_TABLE: tableName.optional(),
  /** Digests of the rules that Falco may run, separated by semicolons: what the heartbeat should say. */
  FALCO_RULES_DIGEST: z
    .string()
    .default('')
    .transform((text) => text.split(';').filter((digest) => digest !== '')),
  /** Names of all clusters of the stage, separated by commas: those that may become a dimension of a metric. */
  WATCHED_CLUSTERS: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((name) => name !== '')),
  /** The log group that every alert is written to, a stream for each cluster. */
  ALERT_LOG_GROUP: z.string().optional(),
  /** Folder of the policy files, relative to the package's root. */
  POLICY_PATH: z.string().default('rules/respond'),
  /** Clusters that may be looked at and acted on, JSON. An alert from any other is planned without a look and never acted on. */
  CLUSTERS: jsonList(cluster, EXPECTED_CLUSTERS),
  /** Stage `local` only: a kubeconfig whose current context stands for every cluster. */
  KUBECONFIG_PATH: z.string().optional(),
  /** Secrets Manager secret with the key of `tiercel.dev/mac`, the one ingest stamps with. */
  MAC_KEY_SECRET_ID: z.string().optional(),
  /** Who respond is in its clusters: the function's role, and the user name of its access entry if that is not the default. */
  OWN_ROLE_ARN: roleArn.optional(),
  OWN_USERNAME: z.string().optional(),
  /** The bucket that evidence is kept in. Nobody is told of what is written there. */
  EVIDENCE_BUCKET: z.string().optional(),
  EVIDENCE_PREFIX: z.string().regex(/\/$/, 'expected a prefix that ends in a slash').default('evidence/'),
  /** Stage `local` only: a folder instead of the bucket. */
  EVIDENCE_FOLDER: z.string().optional(),
  /** Who can be told, JSON; policies name them. Addresses that are secrets lie in Secrets Manager, and only there. */
  NOTIFY_CHANNELS: jsonList(channelSchema, EXPECTED_CHANNELS),
  /** EventBridge Scheduler: what ends the responses of policies with a `ttl`. All three or none. */
  EXPIRY_GROUP: z.string().optional(),
  /** The role the scheduler takes to invoke this function. */
  EXPIRY_ROLE_ARN: roleArn.optional(),
  /** This function's ARN. */
  EXPIRY_TARGET_ARN: z.string().optional(),
});

export type RespondConfig = z.output<typeof schema>;

/** @throws ConfigError with every problem at once. */
export function readRespondConfig(environment: Environment = process.env): RespondConfig {
  return readConfig('respond', schema, environment, checkTogether);
}

function checkTogether(set: Environment): readonly SettingProblem[] {
  const problems: SettingProblem[] = [];
  const fault = (name: string, message: string) => problems.push({ name, message });
  const local = set.TIERCEL_STAGE === 'local';
  if (set.JOURNAL !== 'memory') {
    for (const name of ['JOURNAL_TABLE', 'IDEMPOTENCY_TABLE'])
      if (set[name] === undefined) fault(name, 'expected the name of a DynamoDB table');
  } else if (!local) fault('JOURNAL', 'expected `dynamodb`, because `memory` forgets every response; it is for TIERCEL_STAGE=local only');
  if (set.KUBECONFIG_PATH !== undefined && !local)
    fault('KUBECONFIG_PATH', 'is for TIERCEL_STAGE=local only; list EKS clusters in CLUSTERS');
  if (set.EVIDENCE_FOLDER !== undefined && !local) fault('EVIDENCE_FOLDER', 'is for TIERCEL_STAGE=local only; set EVIDENCE_BUCKET');
  if (set.MODE === 'enforce') {
    if (set.MAC_KEY_SECRET_ID === undefined)
      fault('MAC_KEY_SECRET_ID', 'must be set to enforce: without it a forged alert cannot be told from a real one');
    if (set.OWN_ROLE_ARN === undefined && set.OWN_USERNAME === undefined)
      fault('OWN_ROLE_ARN', 'must be set to enforce: respond must know its own calls');
  }
  const expiry = ['EXPIRY_GROUP', 'EXPIRY_ROLE_ARN', 'EXPIRY_TARGET_ARN'];
  if (expiry.some((name) => set[name] !== undefined)) {
    for (const name of expiry)
      if (set[name] === undefined) fault(name, `must be set together with ${expiry.filter((other) => other !== name).join(' and ')}`);
  }
  return problems;
}
