import { beforeAll, describe } from 'vitest';
import { systemRandom } from '../../../shared/platform/clock.ts';
import { createDynamoDBBudgets, createDynamoDBJournal } from '../../../shared/respond/index.ts';
import { budgetsContract } from '../../contract/budgets.ts';
import { journalContract } from '../../contract/journal.ts';
import { awsClients, createTable, motoEndpoint } from '../../support/moto.ts';

describe.skipIf(!motoEndpoint)('respond over DynamoDB', () => {
  let tableName: string;
  beforeAll(async () => {
    tableName = await createTable('JournalTable');
  });

  budgetsContract('DynamoDB', (clock) => createDynamoDBBudgets({ client: awsClients().dynamodb, tableName, clock, random: systemRandom }));
  journalContract('DynamoDB, by the table of the deployment', async (clock) =>
    createDynamoDBJournal({ client: awsClients().dynamodb, tableName: await createTable('JournalTable'), clock, retentionSeconds: 86_400 }),
  );
});
