import { ConditionalCheckFailedException, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Clock } from '../../platform/clock.ts';
import type { Budgets, Counter, Reservation } from './budget.ts';

type Update = ConstructorParameters<typeof UpdateCommand>[0];

/**
 * Budgets in the journal's table: one item per counter and window, holding the set of claims, and one per object that is cooling down.
 * Each place is taken by one conditional update, which alone is exact; when one is not to be had, those taken before it are given back.
 *
 * Without a transaction this is exact only because the counters of a reservation are nested and come narrowest first: a place is given back only
 * when a wider counter is full, and then whoever was refused because of it would have been refused by the wider one as well. A process that dies
 * in between leaves a place taken until the window ends: one response too few, never one too many.
 */
export function createDynamoDBBudgets(options: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly clock: Clock;
}): Budgets {
  const { tableName, clock } = options;
  const client = DynamoDBDocumentClient.from(options.client);

  /** Resolves to whether the condition held. */
  async function update(input: Omit<Update, 'TableName'>): Promise<boolean> {
    try {
      await client.send(new UpdateCommand({ TableName: tableName, ...input }));
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  const coolDown = ({ claim, cooldown }: Reservation) =>
    update({
      Key: { pk: `cooldown#${cooldown.key}`, sk: 'cooldown' },
      UpdateExpression: 'SET claim = :claim, untilMs = :until, expiration = :expiration',
      ConditionExpression: 'attribute_not_exists(pk) OR claim = :claim OR untilMs <= :now',
      ExpressionAttributeValues: {
        ':claim': claim,
        ':until': cooldown.untilMs,
        ':now': clock.now(),
        ':expiration': expirationOf(cooldown.untilMs),
      },
    });
  const warmUp = ({ claim, cooldown }: Reservation) =>
    update({
      Key: { pk: `cooldown#${cooldown.key}`, sk: 'cooldown' },
      UpdateExpression: 'SET untilMs = :past',
      ConditionExpression: 'claim = :claim',
      ExpressionAttributeValues: { ':claim': claim, ':past': 0 },
    });
  const take = ({ claim }: Reservation, { key, max, endsAtMs }: Counter) =>
    update({
      Key: { pk: `budget#${key}`, sk: 'budget' },
      UpdateExpression: 'SET expiration = :expiration ADD claims :claims',
      ConditionExpression: 'attribute_not_exists(claims) OR size(claims) < :max OR contains(claims, :claim)',
      ExpressionAttributeValues: { ':claims': new Set([claim]), ':claim': claim, ':max': max, ':expiration': expirationOf(endsAtMs) },
    });
  const giveBack = ({ claim }: Reservation, { key }: Counter) =>
    update({
      Key: { pk: `budget#${key}`, sk: 'budget' },
      UpdateExpression: 'DELETE claims :claims',
      ExpressionAttributeValues: { ':claims': new Set([claim]) },
    });

  return {
    async reserve(reservation) {
      const { counters, cooldown } = reservation;
      if (!(await coolDown(reservation))) return { ok: false, reason: `${cooldown.what} was acted on a short while ago` };
      for (const [at, counter] of counters.entries()) {
        if (await take(reservation, counter)) continue;
        for (const taken of counters.slice(0, at).reverse()) await giveBack(reservation, taken);
        await warmUp(reservation);
        return { ok: false, reason: `the budget of ${counter.what} is spent: ${counter.max} in this window` };
      }
      return { ok: true };
    },
  };
}

/** DynamoDB deletes expired items late, never early; a day more costs nothing. */
function expirationOf(ms: number): number {
  return Math.ceil(ms / 1000) + 86_400;
}
