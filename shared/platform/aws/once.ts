import { IdempotencyAlreadyInProgressError, IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import type { Clock } from '../clock.ts';
import { type Once, type OnceResult, WorkInProgressError } from '../once.ts';

export interface DynamoDBOnceOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Prefix of every key. Functions that may meet the same work share one. */
  readonly keyPrefix: string;
  /** How long a confirmed id is remembered, **seconds**. Must exceed the time the source can deliver the same thing again. */
  readonly expiresAfterSeconds: number;
  readonly clock: Clock;
}

/** {@link Once} by Powertools idempotency over DynamoDB: two conditional writes per unit of work. */
export function createDynamoDBOnce(options: DynamoDBOnceOptions): Once {
  const persistenceStore = new DynamoDBPersistenceLayer({ tableName: options.tableName, awsSdkV3Client: options.client });
  return {
    async run<Result extends OnceResult>(id: string, lease: { readonly endsAtMs: number }, work: () => Promise<Result>) {
      // Powertools reads the lease's length from the Lambda context; without one a crash would block the id until it expires.
      const remainingMs = Math.max(1, lease.endsAtMs - options.clock.now());
      const lambdaContext = { getRemainingTimeInMillis: () => remainingMs } as Context;
      const config = new IdempotencyConfig({ hashFunction: 'sha256', expiresAfterSeconds: options.expiresAfterSeconds, lambdaContext });
      let ran = false;
      const claimed = makeIdempotent(
        async (_id: string): Promise<Result> => {
          ran = true;
          return work();
        },
        { persistenceStore, config, keyPrefix: options.keyPrefix },
      );
      try {
        const result = (await claimed(id)) as Result;
        return { ran, result };
      } catch (error) {
        if (!ran && error instanceof IdempotencyAlreadyInProgressError) throw new WorkInProgressError(id, error);
        throw error;
      }
    },
  };
}
