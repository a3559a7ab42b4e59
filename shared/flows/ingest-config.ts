import * as z from 'zod';
import { type Environment, jsonList, type SettingProblem } from '../platform/config.ts';

/** What both ingest functions read from their environment. Each adds its own on top. */
export const ingestSettings = {
  TIERCEL_STAGE: z.string({ error: 'expected the name of the stage' }).min(1),
  /** `falco`: push to Falco's webhook. `embedded`: evaluate the rules here and send alerts to the sink. */
  DETECTION: z.enum(['falco', 'embedded'], { error: 'expected `falco` or `embedded`' }).default('falco'),
  /** Falco's webhook, for example `https://falco.internal:9765/k8s-audit`. */
  FALCO_URL: z.string().optional(),
  /** Authorities that may have signed Falco's certificate, PEM. */
  FALCO_CA_PEM: z.string().optional(),
  /** Secrets Manager secret with `{"certPem": …, "keyPem": …}`, for a proxy that asks for a client certificate. */
  FALCO_CLIENT_SECRET_ID: z.string().optional(),
  FALCO_MAX_BODY_BYTES: integer(1024).optional(),
  FALCO_CONCURRENCY: integer(1).optional(),
  FALCO_REQUEST_TIMEOUT_MS: integer(100).optional(),
  /** Falco's `maxEventSize`, bytes. Larger events are reduced, because Falco would drop them without a word. */
  FALCO_MAX_EVENT_BYTES: integer(16_384).default(262_144),
  /** Rule files or folders, separated by commas: what the embedded engine evaluates. */
  RULES: z.string().default('rules/falco'),
  /** The file with `append_output`: what every embedded alert carries. */
  APPEND_OUTPUT: z.string().default('rules/append-output.yaml'),
  /**
   * Rule files Falco runs, separated by commas, in its order: set it, and their digest, to send Falco only what one of them could match.
   * While new rules are rolled out, both: `old,files;new,files`.
   */
  FALCO_RULES: z.string().optional(),
  /** Digest of those rules (file `digest` of `tiercel rules publish`), or `old;new`. Another one turns the pre-filter off. */
  FALCO_RULES_DIGEST: z.string().optional(),
  /** Where the heartbeat says what Falco really runs; without it the pre-filter stays off. */
  HEARTBEAT_TABLE: z.string().optional(),
  /** Where embedded alerts go: `stdout`, `sqs:` and the URL of respond's queue, or Falcosidekick's URL. */
  ALERT_SINK: z
    .string()
    .regex(/^(stdout|(sqs:)?https?:\/\/\S+)$/, 'expected `stdout`, `sqs:` and the URL of a queue, or the URL of Falcosidekick')
    .default('stdout'),
  QUARANTINE_BUCKET: z.string().optional(),
  QUARANTINE_PREFIX: z.string().regex(/\/$/, 'expected a prefix that ends in a slash').default('quarantine/'),
  IDEMPOTENCY_TABLE: z.string().optional(),
  /** Secrets Manager secret with the key of `tiercel.dev/mac`; without one events carry no MAC, and respond in `enforce` refuses their alerts. */
  MAC_KEY_SECRET_ID: z.string().optional(),
  /** Clusters whose name does not follow from the log group, or whose objects lie under a prefix: JSON. */
  CLUSTERS: jsonList(
    z.strictObject({
      name: z.string(),
      account: z.string().optional(),
      region: z.string().optional(),
      logGroup: z.string().optional(),
      prefix: z.string().optional(),
    }),
    'expected JSON: [{"name": …, "account": …, "region": …, "logGroup"?: …, "prefix"?: …}]',
  ),
  /** Stage `local` only: claims in memory, spool and quarantine in this folder, no AWS. */
  STATE_DIR: z.string().optional(),
  AWS_REGION: z.string().optional(),
  AWS_LAMBDA_LOG_GROUP_NAME: z.string().optional(),
};

/** The settings that only make sense, or only fail, together. `stores` are those that AWS must provide unless STATE_DIR stands in for it. */
export function checkTogether(set: Environment, stores: readonly string[]): SettingProblem[] {
  const problems: SettingProblem[] = [];
  if (set.STATE_DIR === undefined) {
    for (const name of stores)
      if (set[name] === undefined) problems.push({ name, message: 'must be set (or STATE_DIR, in the stage `local`)' });
  } else if (set.TIERCEL_STAGE !== 'local') {
    problems.push({ name: 'STATE_DIR', message: 'is for the stage `local` only: what it keeps is lost with the machine' });
  }
  if ((set.DETECTION ?? 'falco') === 'falco' && set.FALCO_URL === undefined) {
    problems.push({
      name: 'FALCO_URL',
      message: 'must be set when DETECTION is `falco`, for example https://falco.internal:9765/k8s-audit',
    });
  }
  return problems;
}

/** A whole number in an environment variable. */
export function integer(minimum: number) {
  return z
    .string()
    .regex(/^\d+$/, `expected a whole number of at least ${minimum}`)
    .transform(Number)
    .refine((value) => value >= minimum, `expected a whole number of at least ${minimum}`);
}
