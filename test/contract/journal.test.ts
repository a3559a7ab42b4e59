import { afterAll, beforeAll } from 'vitest';
import { createDynamoDBJournal, createMemoryJournal } from '../../shared/respond/journal/index.ts';
import { startDynalite } from '../support/dynalite.ts';
import { createRespondTables } from '../support/respond-tables.ts';
import { journalContract } from './journal.ts';

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
