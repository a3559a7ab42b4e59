import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { messageOf } from '../../platform/errors.ts';
import { type Channel, ChannelError } from './channel.ts';
import type { Message } from './message.ts';

/** `source` of the events on a bus. Not the one of commands: what is told never sets respond in motion. */
const EVENT_SOURCE = 'tiercel.respond';

/**
 * An SNS topic. E-mail subscribers get the text, everybody else the message as JSON; the attributes are for filter policies, and for receivers
 * that tell duplicates by `id`. A FIFO topic does that itself.
 */
export function createTopicChannel(client: SNSClient, topicArn: string): Channel {
  return {
    async send(message) {
      const { id, outcome, title, text, response } = message;
      const attribute = (StringValue: string) => ({ DataType: 'String', StringValue });
      await calling(() =>
        client.send(
          new PublishCommand({
            TopicArn: topicArn,
            Subject: subjectOf(title),
            MessageStructure: 'json',
            Message: JSON.stringify({ default: JSON.stringify(message), email: text }),
            MessageAttributes: {
              id: attribute(id),
              outcome: attribute(outcome),
              policy: attribute(response.policy),
              // SNS takes no empty attribute.
              ...(response.cluster ? { cluster: attribute(response.cluster) } : {}),
            },
            ...(topicArn.endsWith('.fifo') ? { MessageGroupId: response.id, MessageDeduplicationId: id.replace('/', ':') } : {}),
          }),
        ),
      );
    },
  };
}

/** SNS takes at most 100 printable ASCII characters, the first of them no blank. */
function subjectOf(title: string): string {
  return `Tiercel: ${title.replaceAll(/[^\x20-\x7e]/g, '?')}`.slice(0, 99);
}

/** An EventBridge bus: detail type `Response Done`, `Response Awaiting Approval`, …; `detail` is the message, `detail.id` tells duplicates. */
export function createBusChannel(client: EventBridgeClient, busArn: string): Channel {
  return {
    async send(message) {
      const { FailedEntryCount = 0, Entries = [] } = await calling(() =>
        client.send(
          new PutEventsCommand({
            Entries: [{ EventBusName: busArn, Source: EVENT_SOURCE, DetailType: detailTypeOf(message), Detail: JSON.stringify(message) }],
          }),
        ),
      );
      if (FailedEntryCount > 0) {
        const code = Entries[0]?.ErrorCode ?? 'no reason';
        throw new ChannelError(`the bus did not take the event: ${code}`, {
          retryable: /^(Throttling|InternalFailure|InternalException)/.test(code),
        });
      }
    },
  };
}

function detailTypeOf({ outcome }: Message): string {
  if (outcome.startsWith('step-')) return 'Response Step';
  return `Response ${outcome.replaceAll(/(^|-)([a-z])/g, (_match, dash: string, letter: string) => `${dash === '' ? '' : ' '}${letter.toUpperCase()}`)}`;
}

/** The SDK has tried again by itself. What it says a client did wrong stays wrong until somebody changes something. */
async function calling<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { $fault, $retryable, name } = error as { $fault?: string; $retryable?: unknown; name?: string };
    const retryable = $fault !== 'client' || $retryable !== undefined || /Throttl|TooManyRequests/.test(name ?? '');
    throw new ChannelError(messageOf(error), { retryable, cause: error });
  }
}
