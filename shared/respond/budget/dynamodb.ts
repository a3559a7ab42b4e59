import { ConditionalCheckFailedException, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Clock } from '../../platform/clock.ts';
import { type Budgets, type Cooldown, type Counter, type Reservation, spent, tooSoon } from './budget.ts';

type Update = ConstructorParameters<typeof UpdateCommand>[0];

/**
 * Budgets in the journal's table. A policy's window is one item with a set of claims for each counter, so that one conditional update takes the places of
 * all counters or none, exactly. The counters of a window are written together anyway: the widest of them counts every response of the policy.
 * An object that is cooling down is an item of its own. A process that dies between the two leaves the object cooling down: one response too few,
 * never one too many.
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

  const coolDown = (claim: string, cooldown: Cooldown) =>
    update({
      Key: cooldownKey(cooldown),
      UpdateExpression: 'SET claim = :claim, untilMs = :until, expiration = :expiration',
      ConditionExpression: 'attribute_not_exists(pk) OR claim = :claim OR untilMs <= :now',
      ExpressionAttributeValues: {
        ':claim': claim,
        ':until': cooldown.untilMs,
        ':now': clock.now(),
        ':expiration': expirationOf(cooldown.untilMs),
      },
    });
  const warmUp = (claim: string, cooldown: Cooldown) =>
    update({
      Key: cooldownKey(cooldown),
      UpdateExpression: 'SET untilMs = :past',
      ConditionExpression: 'claim = :claim',
      ExpressionAttributeValues: { ':claim': claim, ':past': 0 },
    });
  const take = ({ claim, window: { key, endsAtMs, counters } }: Reservation) =>
    update({
      Key: windowKey(key),
      UpdateExpression: `SET expiration = :expiration ADD ${counters.map((_, at) => `#c${at} :claims`).join(', ')}`,
      ConditionExpression: counters
        .map((_, at) => `(attribute_not_exists(#c${at}) OR size(#c${at}) < :max${at} OR contains(#c${at}, :claim))`)
        .join(' AND '),
      ExpressionAttributeNames: Object.fromEntries(counters.map(({ scope }, at) => [`#c${at}`, attributeOf(scope)])),
      ExpressionAttributeValues: {
        ':claims': new Set([claim]),
        ':claim': claim,
        ':expiration': expirationOf(endsAtMs),
        ...Object.fromEntries(counters.map(({ max }, at) => [`:max${at}`, max])),
      },
    });

  /** Only to say it: the narrowest that is full by now. */
  async function fullOf({ claim, window: { key, counters } }: Reservation): Promise<Counter> {
    const { Item = {} } = await client.send(new GetCommand({ TableName: tableName, Key: windowKey(key), ConsistentRead: true }));
    const full = counters.find(({ scope, max }) => {
      const claims = Item[attributeOf(scope)] as ReadonlySet<string> | undefined;
      return claims !== undefined && claims.size >= max && !claims.has(claim);
    });
    return full ?? counters.at(-1)!;
  }

  return {
    async reserve(reservation) {
      const { claim, cooldown } = reservation;
      if (cooldown && !(await coolDown(claim, cooldown))) return tooSoon(cooldown);
      if (await take(reservation)) return { ok: true };
      if (cooldown) await warmUp(claim, cooldown);
      return spent(await fullOf(reservation));
    },
  };
}

function windowKey(key: string): { pk: string; sk: string } {
  return { pk: `budget#${key}`, sk: 'budget' };
}

function cooldownKey({ key }: Cooldown): { pk: string; sk: string } {
  return { pk: `cooldown#${key}`, sk: 'cooldown' };
}

/** No scope is taken for another attribute of the item. */
function attributeOf(scope: string): string {
  return `claims ${scope}`;
}

/** DynamoDB deletes expired items late, never early; a day more costs nothing. */
function expirationOf(ms: number): number {
  return Math.ceil(ms / 1000) + 86_400;
}
