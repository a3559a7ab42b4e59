import { join, resolve } from 'node:path';
import { CloudWatchLogsClient, CreateLogGroupCommand, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FalcoAlert } from '../../../shared/falco/alert.ts';
import { alertToJson } from '../../../shared/falco/engine/index.ts';
import { loadDetection, openEngine } from '../../../shared/flows/detection.ts';
import { HEARTBEAT_LOG_STREAM } from '../../../shared/flows/heartbeat-event.ts';
import { delivery } from '../../support/cloudwatch.ts';
import { FalcoStandIn } from '../../support/falco-stand-in.ts';
import { lambdaContext } from '../../support/lambda-context.ts';
import {
  createBucket,
  createTable,
  MOTO_ACCOUNT,
  motoClientOptions,
  motoEndpoint,
  motoEnvironment,
  uniqueName,
} from '../../support/moto.ts';

const root = resolve(import.meta.dirname, '../../..');
const rules = [join(root, 'rules/falco')];
const appendOutput = join(root, 'rules/append-output.yaml');
const { engine } = openEngine({ rules, appendOutput }, 'falco');

type Handler = (event: unknown, context: Context) => Promise<unknown>;

/** A remote Falco whose rules the heartbeat tells. The stand-in takes what is sent; our engine says what Falco would have made of it. */
describe.skipIf(!motoEndpoint)('the pre-filter behind the heartbeat, through real service APIs', () => {
  const logGroup = '/aws/eks/gated/cluster';
  const logs = new CloudWatchLogsClient(motoClientOptions);
  let falco: FalcoStandIn;
  let beat: Handler;
  let auditStream: Handler;
  let respond: Handler;
  let serial = 0;

  beforeAll(async () => {
    // The clock alone: it is set forward by hand, while sockets and timers go on.
    vi.useFakeTimers({ toFake: ['Date'] });
    falco = await FalcoStandIn.start();
    const bucket = await createBucket('own');
    const secret = uniqueName('mac-key');
    await new SecretsManagerClient(motoClientOptions).send(new CreateSecretCommand({ Name: secret, SecretString: 'k'.repeat(64) }));
    await logs.send(new CreateLogGroupCommand({ logGroupName: logGroup }));
    Object.assign(process.env, {
      TIERCEL_STAGE: 'test',
      MODE: 'shadow',
      HEARTBEATS: JSON.stringify([{ cluster: 'gated', logGroup, region: motoClientOptions.region }]),
      HEARTBEAT_TABLE: await createTable('HeartbeatTable'),
      ARCHIVE_BUCKET: bucket,
      CLUSTERS: JSON.stringify([{ name: 'gated', account: MOTO_ACCOUNT, region: motoClientOptions.region, logGroup }]),
      DETECTION: 'falco',
      FALCO_URL: falco.url,
      FALCO_RULES: rules.join(),
      FALCO_RULES_DIGEST: loadDetection({ rules }).digest,
      APPEND_OUTPUT: appendOutput,
      POLICY_PATH: join(root, 'rules/respond'),
      SPOOL_BUCKET: bucket,
      QUARANTINE_BUCKET: bucket,
      IDEMPOTENCY_TABLE: await createTable('IdempotencyTable'),
      JOURNAL_TABLE: await createTable('JournalTable'),
      MAC_KEY_SECRET_ID: secret,
      ...motoEnvironment,
    });
    beat = (await import('../../../functions/heartbeat/handler.ts')).handler as unknown as Handler;
    auditStream = (await import('../../../functions/audit-stream/handler.ts')).handler as unknown as Handler;
    process.env.CLUSTERS = '[]';
    respond = (await import('../../../functions/respond/handler.ts')).handler as unknown as Handler;
  });
  afterAll(async () => {
    vi.useRealTimers();
    await falco.stop();
  });

  const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

  /** Whether audit-stream sends Falco an event that no rule of the pack matches. */
  async function sendsEverything(): Promise<boolean> {
    const before = falco.events.length;
    const at = new Date().toISOString();
    const event = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'Metadata',
      auditID: `dull-${serial++}`,
      stage: 'RequestReceived',
      requestURI: '/healthz',
      verb: 'get',
      user: { username: 'system:node:a', groups: ['system:nodes', 'system:authenticated'] },
      requestReceivedTimestamp: at,
      stageTimestamp: at,
    };
    await auditStream(delivery([JSON.stringify(event)], { logGroup, owner: MOTO_ACCOUNT, timestampMs: Date.now() }), lambdaContext());
    return falco.events.length > before;
  }

  /** A round: sent, delivered, evaluated by a Falco that says it runs `digest`, answered. */
  async function roundTrip(digest?: string): Promise<void> {
    await beat({}, lambdaContext());
    const { events = [] } = await logs.send(
      new GetLogEventsCommand({ logGroupName: logGroup, logStreamName: HEARTBEAT_LOG_STREAM, startFromHead: true }),
    );
    await auditStream(
      delivery([events.at(-1)!.message!], { logGroup, logStream: HEARTBEAT_LOG_STREAM, owner: MOTO_ACCOUNT, timestampMs: Date.now() }),
      lambdaContext(),
    );
    const verdict = engine.evaluate(Buffer.from(falco.events.at(-1)!));
    const alerts: readonly FalcoAlert[] = verdict.kind === 'evaluated' ? verdict.alerts : [];
    expect(alerts.map(({ rule }) => rule)).toEqual(['Tiercel Heartbeat']);
    const alert = digest === undefined ? alerts[0]! : { ...alerts[0]!, tags: ['heartbeat', `pack-${digest}`] };
    const answer = await respond(JSON.parse(alertToJson(alert)), lambdaContext());
    expect(answer).toMatchObject({ alerts: { heartbeat: 1 } });
  }

  it('sends everything until the first beat came back, then what a rule could match', async () => {
    expect(await sendsEverything()).toBe(true);
    await roundTrip();
    pass(61_000);
    expect(await sendsEverything()).toBe(false);
  });

  it('sends everything again once Falco says that it runs other rules', async () => {
    await roundTrip('0'.repeat(64));
    pass(61_000);
    expect(await sendsEverything()).toBe(true);
    // Each asks one replica: three right ones in a row.
    const after: boolean[] = [];
    for (let beats = 0; beats < 3; beats++) {
      await roundTrip();
      pass(61_000);
      after.push(await sendsEverything());
    }
    expect(after).toEqual([true, true, false]);
  });

  it('sends everything again once no beat comes back', async () => {
    pass(14 * 60_000);
    expect(await sendsEverything()).toBe(true);
  });
});
