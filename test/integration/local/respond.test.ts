import type { Context } from 'aws-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RespondResult } from '../../../functions/respond/acknowledge.ts';
import { systemClock } from '../../../shared/platform/clock.ts';
import { commandEvent, createDynamoDBJournal, createDynamoDBModeSwitch } from '../../../shared/respond/index.ts';
import { alertText, bindingAlert } from '../../support/alerts.ts';
import { startDynalite } from '../../support/dynalite.ts';
import { createRespondTables } from '../../support/respond-tables.ts';

const names = { journal: 'journal', idempotency: 'once' };
const context = { awsRequestId: 'r', functionName: 'respond', getRemainingTimeInMillis: () => 30_000 } as unknown as Context;

let dynamodb: Awaited<ReturnType<typeof startDynalite>>;

/** The function as Lambda starts it: a fresh module, configured by nothing but the environment. */
async function coldStart(environment: Record<string, string> = {}): Promise<(event: unknown) => Promise<RespondResult>> {
  const settings = {
    TIERCEL_STAGE: 'test',
    // Vitest has a MODE of its own.
    MODE: 'shadow',
    JOURNAL_TABLE: names.journal,
    IDEMPOTENCY_TABLE: names.idempotency,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    ...environment,
  };
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
  vi.resetModules();
  const { handler } = await import('../../../functions/respond/handler.ts');
  return (event) => handler(event as never, context) as Promise<RespondResult>;
}

/** Happens now, so that it is fresh. */
function nowAlert(name: string, code = '201'): string {
  const now = new Date().toISOString();
  const fields = { 'ka.target.name': name, 'tiercel.uid': `uid-${name}`, 'ka.response.code': code, 'tiercel.received': now };
  return alertText(bindingAlert(fields, { time: now }));
}
const sqs = (...bodies: string[]) => ({ Records: bodies.map((body, at) => ({ eventSource: 'aws:sqs', messageId: `m${at}`, body })) });

beforeAll(async () => {
  dynamodb = await startDynalite();
  await createRespondTables(dynamodb.client, names);
});
afterAll(() => dynamodb.stop());
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the respond function', () => {
  let respond: Awaited<ReturnType<typeof coldStart>>;
  beforeEach(async () => {
    respond = await coldStart();
  });

  it('plans the shipped policy for an alert and writes it down', async () => {
    const result = await respond(JSON.parse(nowAlert('pwn-a')));
    expect(result).toMatchObject({
      batchItemFailures: [],
      alerts: { answered: 1, duplicate: 0 },
      responses: [{ status: 'planned', policy: 'remove-cluster-admin-binding', refusedBy: [] }],
    });
    const journal = createDynamoDBJournal({ client: dynamodb.client, tableName: names.journal, clock: systemClock, retentionSeconds: 1 });
    expect(await journal.find(result.responses[0]!.id)).toMatchObject({
      status: 'planned',
      mode: 'shadow',
      target: { name: 'pwn-a', uid: 'uid-pwn-a' },
      rules: ['Attach to cluster-admin Role'],
    });
  });

  it('answers a redelivered alert once, also from another sandbox and by another road', async () => {
    const alert = nowAlert('pwn-b');
    await respond(JSON.parse(alert));
    expect((await respond(sqs(alert))).alerts).toMatchObject({ answered: 1, duplicate: 1 });
    const another = await coldStart();
    const again = await another({ ...JSON.parse(alert), uuid: 'a new one' });
    expect(again).toMatchObject({ alerts: { duplicate: 1 }, responses: [] });
  });

  it('refuses, with the reason, where the audited call failed', async () => {
    const result = await respond(JSON.parse(nowAlert('pwn-c', '403')));
    expect(result.responses).toMatchObject([
      { status: 'refused', refusedBy: ['succeeded: the API server answered 403: nothing was done that could be answered'] },
    ]);
  });

  it('acknowledges what is no alert, so that it is not sent for ever', async () => {
    const result = await respond(sqs('not json', nowAlert('pwn-d')));
    expect(result.batchItemFailures).toEqual([]);
    expect(result.alerts).toMatchObject({ answered: 1, rejected: 1 });
    expect(result.rejects[0]).toMatchObject({ item: 'SQS message m0' });
  });

  it('hands back to SQS what could not be written down, and fails the other triggers', async () => {
    const broken = await coldStart({ IDEMPOTENCY_TABLE: 'no-such-table' });
    expect((await broken(sqs(nowAlert('pwn-e'), 'not json'))).batchItemFailures).toEqual([{ itemIdentifier: 'm0' }]);
    await expect(broken(JSON.parse(nowAlert('pwn-f')))).rejects.toThrow('direct invocation');
  });

  it('looks at nothing in mode off', async () => {
    const off = await coldStart({ MODE: 'off' });
    expect(await off(JSON.parse(nowAlert('pwn-g')))).toMatchObject({ responses: [], alerts: { answered: 1 } });
  });

  it('names every wrong setting at cold start', async () => {
    await expect(coldStart({ MODE: 'attack', JOURNAL_TABLE: '', IDEMPOTENCY_TABLE: '', JOURNAL_RETENTION_DAYS: 'x' })).rejects.toThrow(
      /4 settings[\s\S]*MODE[\s\S]*JOURNAL_RETENTION_DAYS[\s\S]*JOURNAL_TABLE[\s\S]*IDEMPOTENCY_TABLE/,
    );
    await expect(coldStart({ JOURNAL: 'memory' })).rejects.toThrow('forgets every response');
  });

  it('does not start to enforce without what makes that safe', async () => {
    await expect(coldStart({ MODE: 'enforce' })).rejects.toThrow(/MAC_KEY_SECRET_ID[\s\S]*OWN_ROLE_ARN/);
    await expect(coldStart({ KUBECONFIG_PATH: 'x', EXPIRY_GROUP: 'g', CLUSTERS: '[{"name":"a"}]' })).rejects.toThrow(
      /KUBECONFIG_PATH[\s\S]*EXPIRY_ROLE_ARN[\s\S]*EXPIRY_TARGET_ARN/,
    );
  });

  it('obeys the run-time switch from the next invocation on', async () => {
    const modeSwitch = createDynamoDBModeSwitch({ client: dynamodb.client, tableName: names.journal });
    await modeSwitch.turn({ mode: 'off', by: 'ann', at: '', why: 'drill' });
    expect(await respond(JSON.parse(nowAlert('pwn-i')))).toMatchObject({ responses: [] });
    await modeSwitch.turn({ mode: 'enforce', by: 'ann', at: '', why: '' });
    // The deployment allows shadow, and the switch can only lower that.
    expect(await respond(JSON.parse(nowAlert('pwn-j')))).toMatchObject({ responses: [{ status: 'planned' }] });
  });

  it('takes commands as events, and fails for one it cannot obey', async () => {
    const { responses } = await respond(JSON.parse(nowAlert('pwn-k')));
    const { id } = responses[0]!;
    await expect(respond(commandEvent({ verb: 'approve', id, by: 'ann' }))).rejects.toThrow('it is planned, not awaiting approval');
    await expect(respond(commandEvent({ verb: 'deny', id: `${'0'.repeat(40)}-${'0'.repeat(12)}`, by: 'ann' }))).rejects.toThrow(
      'the journal does not know it',
    );
  });

  it('runs without DynamoDB in stage local', async () => {
    const local = await coldStart({ TIERCEL_STAGE: 'local', JOURNAL: 'memory', JOURNAL_TABLE: '', IDEMPOTENCY_TABLE: '' });
    expect(await local(JSON.parse(nowAlert('pwn-h')))).toMatchObject({ responses: [{ status: 'planned' }] });
  });
});
