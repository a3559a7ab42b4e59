import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Logger } from '@aws-lambda-powertools/logger';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { awsChannelClients } from '../../shared/flows/channel-clients.ts';
import { createDynamoDBHeartbeatLog } from '../../shared/flows/heartbeats-dynamodb.ts';
import { macKeysOf } from '../../shared/flows/mac-keys.ts';
import type { RespondDeps } from '../../shared/flows/respond.ts';
import { respondInMemory } from '../../shared/flows/respond-in-memory.ts';
import { answeredWithin } from '../../shared/platform/aws/answered-within.ts';
import { createLogGroup } from '../../shared/platform/aws/log-group.ts';
import { createDynamoDBOnce } from '../../shared/platform/aws/once.ts';
import { createRotatingSecret } from '../../shared/platform/aws/rotating-secret.ts';
import { createBucketStore } from '../../shared/platform/aws/s3.ts';
import { scheduleOnce } from '../../shared/platform/aws/schedule.ts';
import { systemClock as clock } from '../../shared/platform/clock.ts';
import { ConfigError } from '../../shared/platform/config.ts';
import { createFolderStore } from '../../shared/platform/object-store.ts';
import { createMeter, type FlushingMeter } from '../../shared/platform/observe/meter.ts';
import {
  actionCatalogue,
  channelsToldBy,
  commandEvent,
  createDynamoDBBudgets,
  createDynamoDBJournal,
  createDynamoDBModeSwitch,
  loadPolicies,
  openChannels,
  type PolicyFile,
  type PolicySet,
} from '../../shared/respond/index.ts';
import { reportNotice } from './acknowledge.ts';
import { wireClusters } from './clusters.ts';
import { type RespondConfig, readRespondConfig } from './config.ts';

/** SQS keeps a message for 14 days at most; two more for the time it is in flight. */
const REMEMBER_ALERTS_SECONDS = 16 * 86_400;

/** An invocation has a minute; what does not answer is asked again within it. */
const IN_TIME = answeredWithin(5_000);

export const logger = new Logger({ serviceName: 'respond' });

/** Cold start: configuration → policies → clients → what each invocation gets. @throws ConfigError, PolicyError */
export function wire(config: RespondConfig = readRespondConfig()): {
  readonly meter: FlushingMeter;
  readonly ready: () => Promise<RespondDeps>;
} {
  const meter = createMeter({ service: 'respond', stage: config.TIERCEL_STAGE, clusters: config.WATCHED_CLUSTERS });
  const set = loadPolicies(readPolicyFiles(config.POLICY_PATH), actionCatalogue);
  const { OWN_USERNAME: username } = config;
  const deps: RespondDeps = {
    ...respondInMemory(set, clock, {
      ceiling: config.MODE,
      clusters: wireClusters(config),
      principal: { roleArns: ownRoles(config), ...(username === undefined ? {} : { username }) },
    }),
    ...remember(config),
    ...expiryOf(config),
    ...alertLogOf(config),
    ...evidenceOf(config),
    ...channelsOf(config, set),
    stage: config.TIERCEL_STAGE,
    onNotice: ({ entry, notice }) => reportNotice(entry, notice, logger, meter),
    rulesDigests: config.FALCO_RULES_DIGEST,
    meter,
  };
  const secret =
    config.MAC_KEY_SECRET_ID === undefined
      ? undefined
      : createRotatingSecret(new SecretsManagerClient(IN_TIME), config.MAC_KEY_SECRET_ID, clock);
  return { meter, ready: async () => ({ ...deps, macKeys: secret ? macKeysOf(await secret()) : [] }) };
}

/** In a cluster of another account respond is the role it takes there. */
function ownRoles({ OWN_ROLE_ARN, CLUSTERS }: RespondConfig): readonly string[] {
  return [OWN_ROLE_ARN, ...CLUSTERS.map(({ roleArn }) => roleArn)].filter((arn) => arn !== undefined);
}

/** Where evidence goes: a bucket that this function may write to and never read. */
function evidenceOf({
  EVIDENCE_BUCKET: bucket,
  EVIDENCE_PREFIX: prefix,
  EVIDENCE_FOLDER: folder,
}: RespondConfig): Pick<RespondDeps, 'evidence'> {
  if (folder !== undefined) return { evidence: createFolderStore(resolve(folder)) };
  return bucket === undefined ? {} : { evidence: createBucketStore(new S3Client(answeredWithin(15_000)), bucket, prefix) };
}

/** Everybody who can be told. @throws ConfigError when a policy names a channel that there is not */
function channelsOf({ NOTIFY_CHANNELS: settings }: RespondConfig, { policies }: PolicySet): Pick<RespondDeps, 'channels'> {
  const known = new Set(settings.map(({ name }) => name));
  const problems = policies.flatMap((policy) =>
    channelsToldBy(policy)
      .filter((name) => !known.has(name))
      .map((name) => `NOTIFY_CHANNELS: policy ${policy.policy} tells ${name}, which is not among them; add it to the stage file.`),
  );
  if (problems.length > 0) throw new ConfigError('respond', problems);
  return { channels: openChannels(settings, awsChannelClients(clock)) };
}

/** One-off schedules of EventBridge Scheduler, which invoke this function again. */
function expiryOf({
  EXPIRY_GROUP: groupName,
  EXPIRY_ROLE_ARN: roleArn,
  EXPIRY_TARGET_ARN: targetArn,
}: RespondConfig): Pick<RespondDeps, 'expiry'> {
  if (!groupName || !roleArn || !targetArn) return {};
  const client = new SchedulerClient(IN_TIME);
  return {
    expiry: {
      schedule: (id, atMs) =>
        scheduleOnce(
          client,
          { groupName, roleArn, targetArn },
          // One schedule for each time: 60 characters of the 64 that a name may have.
          { name: `${id}-${Math.floor(atMs / 1000).toString(36)}`, atMs, input: commandEvent({ verb: 'expire', id, by: 'the clock' }) },
        ),
    },
  };
}

function alertLogOf({ ALERT_LOG_GROUP, WATCHED_CLUSTERS }: RespondConfig): Pick<RespondDeps, 'alertLog'> {
  if (ALERT_LOG_GROUP === undefined) return {};
  const group = createLogGroup(new CloudWatchLogsClient({ ...IN_TIME, maxAttempts: 2 }), ALERT_LOG_GROUP, clock);
  return { alertLog: { group, clusters: WATCHED_CLUSTERS } };
}

/** What must outlive the sandbox; nothing of it in stage `local`, where the process is all there is. */
function remember(config: RespondConfig): Partial<RespondDeps> {
  const { JOURNAL_TABLE: tableName, IDEMPOTENCY_TABLE, HEARTBEAT_TABLE } = config;
  if (config.JOURNAL === 'memory' || !tableName || !IDEMPOTENCY_TABLE) return {};
  const client = new DynamoDBClient(IN_TIME);
  return {
    journal: createDynamoDBJournal({ client, tableName, clock, retentionSeconds: config.JOURNAL_RETENTION_DAYS * 86_400 }),
    budgets: createDynamoDBBudgets({ client, tableName, clock }),
    modeSwitch: createDynamoDBModeSwitch({ client, tableName }),
    ...(HEARTBEAT_TABLE === undefined ? {} : { heartbeats: createDynamoDBHeartbeatLog({ client, tableName: HEARTBEAT_TABLE }) }),
    once: createDynamoDBOnce({
      client,
      tableName: IDEMPOTENCY_TABLE,
      keyPrefix: 'respond',
      expiresAfterSeconds: REMEMBER_ALERTS_SECONDS,
      clock,
    }),
  };
}

/** Lambda starts with the package's root as working directory; `*.test.yaml` files are for `tiercel policy test`. */
function readPolicyFiles(folder: string): readonly PolicyFile[] {
  return readdirSync(resolve(folder))
    .filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))
    .sort()
    .map((name) => ({ path: join(folder, name), text: readFileSync(resolve(folder, name), 'utf8') }));
}
