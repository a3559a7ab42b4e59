import { ConditionalCheckFailedException, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { HeartbeatLog } from './heartbeats.ts';

/** A cluster that is no longer watched is forgotten after a week. */
const KEPT_SECONDS = 7 * 86_400;

/**
 * {@link HeartbeatLog} in DynamoDB: one item per cluster (partition key `cluster`), one `UpdateItem` per call, no reads.
 * The ids of the last beats, and the digests of those that came back, are shift registers, because an update may use what attributes held before it.
 */
export function createDynamoDBHeartbeatLog({
  client,
  tableName,
}: {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}): HeartbeatLog {
  const number = (value: number) => ({ N: String(value) });
  const expirationOf = (ms: number) => number(Math.floor(ms / 1000) + KEPT_SECONDS);
  return {
    async sent(cluster, { id, sentAtMs }) {
      await client.send(
        new UpdateItemCommand({
          TableName: tableName,
          Key: { cluster: { S: cluster } },
          UpdateExpression:
            'SET beat3 = if_not_exists(beat2, :none), beat2 = if_not_exists(beat1, :none), beat1 = :id, sentAtMs = :at, expiration = :expiration',
          ExpressionAttributeValues: {
            ':id': { S: id },
            // No text, so that no id equals it.
            ':none': { NULL: true },
            ':at': number(sentAtMs),
            ':expiration': expirationOf(sentAtMs),
          },
        }),
      );
    },
    async returned(cluster, { id, sentAtMs, returnedAtMs, digest }) {
      try {
        await client.send(
          new UpdateItemCommand({
            TableName: tableName,
            Key: { cluster: { S: cluster } },
            UpdateExpression:
              'SET returnedBeatAtMs = :sent, returnedAtMs = :returned, digest3 = if_not_exists(digest2, :never), digest2 = if_not_exists(digest, :never), digest = :digest, expiration = :expiration',
            ConditionExpression:
              '(beat1 = :id OR beat2 = :id OR beat3 = :id) AND (attribute_not_exists(returnedBeatAtMs) OR returnedBeatAtMs < :sent)',
            ExpressionAttributeValues: {
              ':id': { S: id },
              ':sent': number(sentAtMs),
              ':returned': number(returnedAtMs),
              ':digest': digest === undefined ? { NULL: true } : { S: digest },
              // Before the first beats there was none; NULL is one that named no digest.
              ':never': { S: '' },
              ':expiration': expirationOf(returnedAtMs),
            },
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    },
  };
}
