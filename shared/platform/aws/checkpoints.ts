import { ConditionalCheckFailedException, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Checkpoint, Checkpoints } from '../checkpoints.ts';
import type { Clock } from '../clock.ts';

export interface DynamoDBCheckpointsOptions {
  readonly client: DynamoDBClient;
  /** Partition key `id` (string), TTL attribute `expiration` (epoch seconds): the shape of Powertools' idempotency table. */
  readonly tableName: string;
  /** How long an item is kept after its last change, **seconds**. Must exceed the time the source can deliver the same work again. */
  readonly expiresAfterSeconds: number;
  readonly clock: Clock;
}

/** {@link Checkpoints} in DynamoDB: one `UpdateItem` per call, no reads. */
export function createDynamoDBCheckpoints({ client, tableName, expiresAfterSeconds, clock }: DynamoDBCheckpointsOptions): Checkpoints {
  const update = async (id: string, expression: string, values: Record<string, number | boolean>, condition?: string) => {
    const { Attributes } = await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: { id: { S: `checkpoint#${id}` } },
        UpdateExpression: `${expression}${expression.startsWith('SET') ? ', ' : ' SET '}expiration = :expiration`,
        ...(condition === undefined ? {} : { ConditionExpression: condition }),
        ExpressionAttributeValues: {
          ':expiration': { N: String(Math.floor(clock.now() / 1000) + expiresAfterSeconds) },
          ...Object.fromEntries(
            Object.entries(values).map(([name, value]) => [name, typeof value === 'boolean' ? { BOOL: value } : { N: String(value) }]),
          ),
        },
        ReturnValues: 'ALL_NEW',
      }),
    );
    return Attributes;
  };
  return {
    async begin(id): Promise<Checkpoint> {
      const item = await update(id, 'ADD attempts :one', { ':one': 1 });
      return { steps: Number(item?.steps?.N ?? 0), done: item?.done?.BOOL ?? false, attempts: Number(item?.attempts?.N ?? 1) };
    },
    async advance(id, steps) {
      try {
        await update(
          id,
          'SET steps = :steps, attempts = :none',
          { ':steps': steps, ':none': 0 },
          'attribute_not_exists(steps) OR steps <= :steps',
        );
      } catch (error) {
        // Another reader of the same work is further on: nothing to note down.
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
    async excuse(id) {
      await update(id, 'SET attempts = :none', { ':none': 0 });
    },
    async finish(id) {
      await update(id, 'SET done = :done, attempts = :none', { ':done': true, ':none': 0 });
    },
  };
}
