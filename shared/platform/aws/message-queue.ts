import { GetQueueAttributesCommand, SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { TiercelError } from '../errors.ts';

/** A queue as seen by who looks after it. */
export interface MessageQueue {
  /** Messages in it, in whatever state: waiting, delayed, being worked on. Approximate, and a minute late. */
  length(): Promise<number>;
  /** @throws TiercelError when a message was not taken; those before it were. */
  send(bodies: readonly string[]): Promise<void>;
}

/** SQS takes ten at a time. */
const BATCH = 10;

const COUNTS = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible', 'ApproximateNumberOfMessagesDelayed'] as const;

export function createMessageQueue(client: SQSClient, queueUrl: () => Promise<string>): MessageQueue {
  return {
    async length() {
      const { Attributes = {} } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl: await queueUrl(), AttributeNames: [...COUNTS] }),
      );
      return COUNTS.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
    },
    async send(bodies) {
      for (let from = 0; from < bodies.length; from += BATCH) {
        const Entries = bodies.slice(from, from + BATCH).map((body, at) => ({ Id: String(at), MessageBody: body }));
        const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: await queueUrl(), Entries }));
        if (Failed.length > 0)
          throw new TiercelError(
            'MESSAGES_NOT_QUEUED',
            `Expected SQS to take ${Entries.length} messages, but it refused ${Failed.length}: ${Failed[0]?.Code}`,
            {
              retryable: true,
            },
          );
      }
    },
  };
}
