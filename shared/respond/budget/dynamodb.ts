import { type DynamoDBClient, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { Clock, Random } from '../../platform/clock.ts';
import { TiercelError } from '../../platform/errors.ts';
import { backoffMs } from '../../platform/retry.ts';
import type { Budgets, Reservation } from './budget.ts';

/** Somebody else reserved at the same moment, again and again. */
export class BudgetContentionError extends TiercelError {
  constructor(cause: unknown) {
    super(
      'respond.budget.contention',
      'Expected to reserve a place in the budgets, but others kept reserving at the same moment. The alert is tried again.',
      {
        retryable: true,
        cause,
      },
    );
  }
}

const MAX_ATTEMPTS = 12;
const BACKOFF = { baseMs: 20, capMs: 1_000 };

/**
 * Budgets in the journal's table: one item per counter and window, holding the set of claims, and one per object that is cooling down.
 * One transaction takes all places; it is conditional on there being room or on the claim having its place already.
 */
export function createDynamoDBBudgets(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly clock: Clock;
  readonly random: Random;
}): Budgets {
  const { tableName, clock } = options;
  const client = DynamoDBDocumentClient.from(options.client);

  function transaction({ claim, counters, cooldown }: Reservation): TransactWriteCommand {
    return new TransactWriteCommand({
      TransactItems: [
        {
          Update: {
            TableName: tableName,
            Key: { pk: `cooldown#${cooldown.key}`, sk: 'cooldown' },
            UpdateExpression: 'SET claim = :claim, untilMs = :until, expiration = :expiration',
            ConditionExpression: 'attribute_not_exists(pk) OR claim = :claim OR untilMs <= :now',
            ExpressionAttributeValues: {
              ':claim': claim,
              ':until': cooldown.untilMs,
              ':now': clock.now(),
              ':expiration': expirationOf(cooldown.untilMs),
            },
          },
        },
        ...counters.map(({ key, max, endsAtMs }) => ({
          Update: {
            TableName: tableName,
            Key: { pk: `budget#${key}`, sk: 'budget' },
            UpdateExpression: 'SET expiration = :expiration ADD claims :claims',
            ConditionExpression: 'attribute_not_exists(claims) OR size(claims) < :max OR contains(claims, :claim)',
            ExpressionAttributeValues: { ':claims': new Set([claim]), ':claim': claim, ':max': max, ':expiration': expirationOf(endsAtMs) },
          },
        })),
      ],
    });
  }

  return {
    async reserve(reservation) {
      for (let attempt = 1; ; attempt++) {
        try {
          await client.send(transaction(reservation));
          return { ok: true };
        } catch (error) {
          if (!(error instanceof TransactionCanceledException)) throw error;
          const codes = (error.CancellationReasons ?? []).map(({ Code }) => Code);
          const failed = codes.indexOf('ConditionalCheckFailed');
          if (failed === 0) return { ok: false, reason: `${reservation.cooldown.what} was acted on a short while ago` };
          const counter = reservation.counters[failed - 1];
          if (counter) return { ok: false, reason: `the budget of ${counter.what} is spent: ${counter.max} in this window` };
          if (attempt >= MAX_ATTEMPTS) throw new BudgetContentionError(error);
          await clock.sleep(backoffMs(attempt, BACKOFF, options.random));
        }
      }
    },
  };
}

/** DynamoDB deletes expired items late, never early; a day more costs nothing. */
function expirationOf(ms: number): number {
  return Math.ceil(ms / 1000) + 86_400;
}
