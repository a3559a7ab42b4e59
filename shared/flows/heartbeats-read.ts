import { type AttributeValue, type DynamoDBClient, ScanCommand, type ScanCommandOutput } from '@aws-sdk/client-dynamodb';
import type { Heartbeat } from './heartbeats.ts';

/** What is known about the heartbeat of each cluster, by its name. The table has one small item per cluster. */
export async function readHeartbeats(
  { client, tableName }: { readonly client: DynamoDBClient; readonly tableName: string },
  abortSignal?: AbortSignal,
): Promise<ReadonlyMap<string, Heartbeat>> {
  const heartbeats = new Map<string, Heartbeat>();
  let from: Record<string, AttributeValue> | undefined;
  do {
    const page: ScanCommandOutput = await client.send(
      new ScanCommand({ TableName: tableName, ExclusiveStartKey: from }),
      abortSignal ? { abortSignal } : {},
    );
    const { Items = [], LastEvaluatedKey } = page;
    from = LastEvaluatedKey;
    for (const { cluster, sentAtMs, returnedBeatAtMs, returnedAtMs, digest, digest2, digest3 } of Items) {
      if (cluster?.S === undefined || sentAtMs?.N === undefined) continue;
      const beatAtMs = Number(returnedBeatAtMs?.N);
      const backAtMs = Number(returnedAtMs?.N);
      heartbeats.set(cluster.S, {
        cluster: cluster.S,
        sentAtMs: Number(sentAtMs.N),
        ...(returnedBeatAtMs && returnedAtMs
          ? {
              returned: {
                sentAtMs: beatAtMs,
                returnedAtMs: backAtMs,
                roundTripMs: backAtMs - beatAtMs,
                ...(digest?.S === undefined ? {} : { digest: digest.S }),
                earlier: [digest2, digest3].flatMap((value) => (value === undefined || value.S === '' ? [] : [value.S])),
              },
            }
          : {}),
      });
    }
  } while (from);
  return heartbeats;
}
