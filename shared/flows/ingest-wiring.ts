import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import type * as z from 'zod';
import { type AuditRecord, type ClusterIdentity, prepare, restamp } from '../audit/index.ts';
import { createTransport, createWebhookDestination, parseWebhookConfig } from '../falco/client/index.ts';
import type { Destination } from '../falco/destination.ts';
import { createEmbeddedDestination } from '../falco/embedded.ts';
import { type AlertSink, createFalcosidekickSink, createQueueSink, createStdoutSink } from '../falco/sink/index.ts';
import { answeredWithin } from '../platform/aws/answered-within.ts';
import { createDynamoDBOnce } from '../platform/aws/once.ts';
import { createRotatingSecret } from '../platform/aws/rotating-secret.ts';
import { createBucketStore } from '../platform/aws/s3.ts';
import { systemClock, systemRandom } from '../platform/clock.ts';
import { TiercelError } from '../platform/errors.ts';
import { HttpTransport } from '../platform/http.ts';
import { createFolderStore, type ObjectStore } from '../platform/object-store.ts';
import type { Meter } from '../platform/observe/meter.ts';
import { createMemoryOnce, type Once } from '../platform/once.ts';
import { openEngine, type RulesPack } from './detection.ts';
import { readHeartbeats } from './heartbeats-read.ts';
import type { IngestDeps } from './ingest.ts';
import type { ingestSettings } from './ingest-config.ts';
import { reportChunk } from './ingest-report.ts';
import { createSelection } from './ingest-selection.ts';
import { signingKeyOf } from './mac-keys.ts';

export type IngestConfig = z.output<z.ZodObject<typeof ingestSettings>>;

/** Where spool and quarantine lie: below `prefix` in the bucket, or in the folder that stands in for it on a laptop. */
export function storeIn(stateDir: string | undefined, s3: S3Client, bucket: string | undefined, prefix: string): ObjectStore {
  return stateDir === undefined ? createBucketStore(s3, bucket!, prefix) : createFolderStore(resolve(stateDir, prefix));
}

/**
 * Cold start of both ingest functions: configuration → clients. The result is called once per invocation, for what may change between two
 * of them (the MAC key).
 */
export function wireIngest(
  config: IngestConfig,
  {
    s3,
    rememberedSeconds,
    logger,
    meter,
  }: { s3: S3Client; rememberedSeconds: number; logger: Pick<Logger, 'info' | 'warn'>; meter: Meter },
): () => Promise<Omit<IngestDeps, 'keep'>> {
  const once = onceOf(config, rememberedSeconds);
  const quarantine = storeIn(config.STATE_DIR, s3, config.QUARANTINE_BUCKET, config.QUARANTINE_PREFIX);
  const macSecret =
    config.MAC_KEY_SECRET_ID === undefined
      ? undefined
      : createRotatingSecret(new SecretsManagerClient(answeredWithin(5_000)), config.MAC_KEY_SECRET_ID, systemClock);
  const destination = destinationOf(config, meter);
  const select = selectionOf(config, logger, meter);
  const limits = { maxEventBytes: config.FALCO_MAX_EVENT_BYTES };
  return async () => {
    const mac = macSecret ? signingKeyOf(await macSecret(), systemClock.now()) : undefined;
    return {
      clock: systemClock,
      once,
      quarantine,
      destination: await destination(),
      couldMatch: await select(),
      observe: (report) => reportChunk(report, meter, logger),
      prepare: (record) => prepare({ ...record, identity: identify(record, config) }, mac ? { mac } : {}, limits),
    };
  };
}

function onceOf(config: IngestConfig, expiresAfterSeconds: number): Once {
  if (config.STATE_DIR !== undefined) return createMemoryOnce(systemClock);
  // Both functions share the prefix: a chunk that one of them has confirmed is confirmed for the other.
  return createDynamoDBOnce({
    client: new DynamoDBClient(answeredWithin(5_000)),
    tableName: config.IDEMPOTENCY_TABLE!,
    keyPrefix: 'ingest',
    expiresAfterSeconds,
    clock: systemClock,
  });
}

function embeddedDestination(config: IngestConfig, meter: Meter): Destination {
  const { engine } = openEngine({ rules: listOf(config.RULES), appendOutput: config.APPEND_OUTPUT }, hostname());
  return createEmbeddedDestination(engine, sinkOf(config.ALERT_SINK), (alerts) => meter.record('AlertsRaised', alerts));
}

function sinkOf(address: string): AlertSink {
  if (address === 'stdout') return createStdoutSink((line) => process.stdout.write(line));
  // By default the client sends to the host in a queue's URL, past the stage's own endpoint (AWS_ENDPOINT_URL_SQS).
  if (address.startsWith('sqs:'))
    return createQueueSink(new SQSClient({ ...answeredWithin(5_000), useQueueUrlAsEndpoint: false }), address.slice('sqs:'.length));
  const transport = new HttpTransport(
    { maxSockets: 4, socketMaxAgeMs: 60_000, socketMaxIdleMs: 30_000, socketMaxRequests: 1000, connectTimeoutMs: 5000 },
    systemClock,
  );
  return createFalcosidekickSink(new URL(address), transport);
}

/** Made at the first invocation, because a client certificate is read from Secrets Manager. */
function destinationOf(config: IngestConfig, meter: Meter): () => Promise<Destination> {
  if (config.DETECTION === 'embedded') {
    // Rules that do not load stop the function at cold start.
    const destination = embeddedDestination(config, meter);
    return async () => destination;
  }
  let made: Promise<Destination> | undefined;
  const make = async (): Promise<Destination> => {
    const client = config.FALCO_CLIENT_SECRET_ID === undefined ? {} : await clientCertificate(config.FALCO_CLIENT_SECRET_ID);
    const webhook = parseWebhookConfig({
      url: config.FALCO_URL,
      ...(config.FALCO_CA_PEM === undefined ? {} : { caPem: config.FALCO_CA_PEM }),
      ...(config.FALCO_MAX_BODY_BYTES === undefined ? {} : { maxBodyBytes: config.FALCO_MAX_BODY_BYTES }),
      ...(config.FALCO_CONCURRENCY === undefined ? {} : { concurrency: config.FALCO_CONCURRENCY }),
      ...(config.FALCO_REQUEST_TIMEOUT_MS === undefined ? {} : { requestTimeoutMs: config.FALCO_REQUEST_TIMEOUT_MS }),
      ...client,
    });
    return createWebhookDestination(webhook, {
      transport: createTransport(webhook, systemClock),
      clock: systemClock,
      random: systemRandom,
      restamp,
      observe: (latencyMs) => meter.record('FalcoLatency', latencyMs),
    });
  };
  return () => {
    made ??= make().catch((error: unknown) => {
      // The next invocation tries again: the secret may be readable by then.
      made = undefined;
      throw error;
    });
    return made;
  };
}

/** The embedded engine has its own pre-filter. */
function selectionOf(config: IngestConfig, logger: Pick<Logger, 'info' | 'warn'>, meter: Meter): () => Promise<IngestDeps['couldMatch']> {
  if (config.DETECTION === 'embedded') return async () => () => true;
  const { HEARTBEAT_TABLE: tableName } = config;
  const client = new DynamoDBClient(answeredWithin(5_000));
  return createSelection({
    packs: packsOf(config),
    appendOutput: config.APPEND_OUTPUT,
    readHeartbeats: tableName === undefined ? undefined : (signal) => readHeartbeats({ client, tableName }, signal),
    clusters: config.CLUSTERS.map(({ name }) => name),
    clock: systemClock,
    logger,
    meter,
  });
}

function packsOf({ FALCO_RULES: rules, FALCO_RULES_DIGEST: digests = '' }: IngestConfig): RulesPack[] {
  const digestOf = digests.split(';');
  return rules === undefined ? [] : rules.split(';').map((pack, at) => ({ rules: listOf(pack), digest: digestOf[at]?.trim() ?? '' }));
}

function listOf(text: string): string[] {
  return text.split(',').map((path) => path.trim());
}

async function clientCertificate(secretId: string): Promise<Record<string, string>> {
  const { current } = await createRotatingSecret(new SecretsManagerClient(answeredWithin(5_000)), secretId, systemClock)();
  try {
    return JSON.parse(current.value) as Record<string, string>;
  } catch {
    // Not what JSON.parse says: it quotes the secret.
    throw new TiercelError('CLIENT_CERTIFICATE', `Expected the secret ${secretId} to hold JSON: {"certPem": …, "keyPem": …}. It does not.`);
  }
}

/** What the operator says about a cluster outweighs what its log group suggests; the function's own region serves where nothing is said. */
function identify({ origin, identity }: AuditRecord, config: IngestConfig): ClusterIdentity {
  const named =
    origin.kind === 'cloudwatch'
      ? config.CLUSTERS.find(
          ({ logGroup, account }) => logGroup === origin.logGroup && (account === undefined || account === origin.account),
        )
      : undefined;
  const region = named?.region ?? identity.region ?? (origin.kind === 'cloudwatch' ? config.AWS_REGION : undefined);
  return {
    ...identity,
    ...(named ? { cluster: named.name } : {}),
    ...(region === undefined ? {} : { region }),
  };
}
