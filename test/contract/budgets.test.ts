import { afterAll, beforeAll } from 'vitest';
import { createDynamoDBBudgets, createMemoryBudgets } from '../../shared/respond/budget/index.ts';
import { startDynalite } from '../support/dynalite.ts';
import { createRespondTables } from '../support/respond-tables.ts';
import { budgetsContract } from './budgets.ts';

let dynamodb: Awaited<ReturnType<typeof startDynalite>>;
beforeAll(async () => {
  dynamodb = await startDynalite();
  await createRespondTables(dynamodb.client, { journal: 'journal', idempotency: 'once' });
});
afterAll(() => dynamodb.stop());

budgetsContract('memory', createMemoryBudgets);

// dynalite, because moto lets two conditional writes of one item pass each other.
budgetsContract('DynamoDB', (clock) => createDynamoDBBudgets({ client: dynamodb.client, tableName: 'journal', clock }));
