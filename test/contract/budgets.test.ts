import { createMemoryBudgets } from '../../shared/respond/budget/index.ts';
import { budgetsContract } from './budgets.ts';

// The DynamoDB one needs transactions, which dynalite lacks: see test/integration/aws/respond.test.ts.
budgetsContract('memory', createMemoryBudgets);
