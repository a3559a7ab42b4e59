import { describe } from 'vitest';
import { createDynamoDBJournal } from '../../../shared/respond/index.ts';
import { journalContract } from '../../contract/journal.ts';
import { awsClients, createTable, motoEndpoint } from '../../support/moto.ts';

describe.skipIf(!motoEndpoint)('respond over DynamoDB', () => {
  journalContract('DynamoDB, by the table of the deployment', async (clock) =>
    createDynamoDBJournal({ client: awsClients().dynamodb, tableName: await createTable('JournalTable'), clock, retentionSeconds: 86_400 }),
  );
});
