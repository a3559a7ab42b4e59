import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDynamoDBJournal, createMemoryJournal } from '../../shared/respond/journal/index.ts';
import { startDynalite } from '../support/dynalite.ts';
import { createRespondTables } from '../support/respond-tables.ts';
import { draft, journalContract } from './journal.ts';

let dynamodb: Awaited<ReturnType<typeof startDynalite>>;
let opened = 0;
beforeAll(async () => {
  dynamodb = await startDynalite();
});
afterAll(() => dynamodb.stop());

journalContract('memory', async (clock) => createMemoryJournal(clock));

journalContract('DynamoDB', async (clock) => {
  const names = { journal: `journal-${++opened}`, idempotency: `once-${opened}` };
  await createRespondTables(dynamodb.client, names);
  return createDynamoDBJournal({ client: dynamodb.client, tableName: names.journal, clock, retentionSeconds: 86_400 });
});

it('lets entries go when their time is over, and says what DynamoDB says', async () => {
  const names = { journal: 'expiring', idempotency: 'once-expiring' };
  await createRespondTables(dynamodb.client, names);
  const clock = { now: () => 1_795_249_500_999, sleep: async () => {} };
  const open = (tableName: string) => createDynamoDBJournal({ client: dynamodb.client, tableName, clock, retentionSeconds: 86_400 });
  const { entry } = await open(names.journal).record(draft());
  const [event, action] = entry.id.split('-');
  const Key = { pk: { S: `event#${event}` }, sk: { S: `response#${action}` } };
  const { Item } = await dynamodb.client.send(new GetItemCommand({ TableName: names.journal, Key }));
  expect(Item?.expiration).toEqual({ N: String(1_795_249_500 + 86_400) });
  const nowhere = open('no-such-table');
  const missing = { name: 'ResourceNotFoundException' };
  await expect(nowhere.record(draft())).rejects.toMatchObject(missing);
  await expect(nowhere.save(entry)).rejects.toMatchObject(missing);
  await expect(nowhere.join(entry, ['another'])).rejects.toMatchObject(missing);
  expect(await nowhere.join(entry, entry.rules)).toEqual(entry);
});
