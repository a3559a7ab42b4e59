import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { TiercelError } from '../../platform/errors.ts';
import { type AlertSink, alertText } from './sink.ts';

/** SQS takes ten messages and 1 MiB at a time (a single message may be as large); queues made before August 2025 may say 256 KiB. */
const MAX_MESSAGES = 10;
const MAX_BYTES = 262_144;

/** respond's queue: one message per alert, its body the alert. */
export function createQueueSink(client: SQSClient, queueUrl: string): AlertSink {
  return {
    async publish(alerts) {
      const texts = alerts.map((alert) => alertText(alert, MAX_BYTES));
      for (const batch of batches(texts)) {
        const { Failed = [] } = await client.send(
          new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: batch.map((text, at) => ({ Id: String(at), MessageBody: text })) }),
        );
        if (Failed.length > 0) {
          throw new TiercelError(
            'ALERTS_NOT_QUEUED',
            `Expected ${queueUrl} to take ${batch.length} alerts, but it refused ${Failed.length}: ${Failed[0]?.Code} ${Failed[0]?.Message ?? ''}`,
            { retryable: true },
          );
        }
      }
    },
  };
}

function* batches(texts: readonly string[]): Generator<string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const text of texts) {
    const size = Buffer.byteLength(text);
    if (batch.length === MAX_MESSAGES || (batch.length > 0 && bytes + size > MAX_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(text);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
