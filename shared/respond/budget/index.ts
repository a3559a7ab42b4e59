export type { Budgets } from './budget.ts';
export { createDynamoDBBudgets } from './dynamodb.ts';
export { createMemoryBudgets } from './memory.ts';
export { reservationFor } from './reservation.ts';
