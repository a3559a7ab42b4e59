import type { Logger } from '@aws-lambda-powertools/logger';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { ingestNotification, type NotificationOutcome } from '../../shared/flows/ingest-notification.ts';
import { messageOf, TiercelError } from '../../shared/platform/errors.ts';
import type { Meter } from '../../shared/platform/observe/meter.ts';
import type { ArchiveInvocation } from './wire.ts';

/**
 * Turns the outcomes into the trigger's answer. SQS gets the messages that are not finished, each with the time after which it shall come
 * back; any other trigger knows only success or a throw.
 */
export async function acknowledge(
  event: unknown,
  invocation: ArchiveInvocation,
  logger: Logger,
  meter: Meter,
): Promise<SQSBatchResponse | undefined> {
  if (!isFromSqs(event)) {
    const outcome = await ingestNotification(event, invocation.deps, invocation.times);
    report(outcome, invocation, logger, meter);
    if (outcome.kind === 'done') return undefined;
    throw new TiercelError(
      'OBJECTS_UNFINISHED',
      `Expected all objects to be ingested, but: ${outcome.why}. Lambda delivers the notification again.`,
      { retryable: true },
    );
  }
  const failures: string[] = [];
  let backedUp: string | undefined;
  for (const message of event.Records) {
    // One probe per invocation: when the destination takes nothing, the other messages go back without an attempt.
    const outcome =
      backedUp === undefined
        ? await ingestMessage(message, invocation, logger)
        : ({ kind: 'backed-up', why: backedUp, objects: [], failures: [] } as const);
    report(outcome, invocation, logger, meter);
    if (outcome.kind === 'done') continue;
    if (outcome.kind === 'backed-up') backedUp = outcome.why;
    failures.push(message.messageId);
    await invocation.delay(message, delaySeconds(outcome, message)).catch((error: unknown) => {
      // It then comes back when the queue's own visibility time-out ends.
      logger.warn('the delay of a message could not be set', { messageId: message.messageId, error: messageOf(error) });
    });
  }
  return { batchItemFailures: failures.map((itemIdentifier) => ({ itemIdentifier })) };
}

async function ingestMessage(message: SQSRecord, invocation: ArchiveInvocation, logger: Logger): Promise<NotificationOutcome> {
  try {
    return await ingestNotification(message.body, invocation.deps, invocation.times);
  } catch (error) {
    logger.error('a notification could not be read', { messageId: message.messageId, error: error as Error });
    return { kind: 'failed', why: messageOf(error), objects: [], failures: [] };
  }
}

/** 30 s, doubling with each receive, 15 min at most. What merely ran out of time comes back at once. */
function delaySeconds(outcome: NotificationOutcome, message: SQSRecord): number {
  if (outcome.kind === 'unfinished') return 0;
  const receives = Number(message.attributes.ApproximateReceiveCount) || 1;
  return Math.min(30 * 2 ** Math.min(receives - 1, 10), 900);
}

function report(outcome: NotificationOutcome, { deps }: ArchiveInvocation, logger: Logger, meter: Meter): void {
  for (const { object, outcome: result } of outcome.objects) {
    meter.record(METRIC_OF[result.kind], 1);
    const level = result.kind === 'poison' ? 'error' : result.kind === 'backed-up' ? 'warn' : 'info';
    const { cluster } = deps.identify(object);
    logger[level](`object ${result.kind}`, { cluster, bucket: object.bucket, key: object.key, ...result });
  }
  // Read again later, five times at most; without this line nobody would know why.
  for (const { object, error } of outcome.failures) {
    const which = object === undefined ? {} : { cluster: deps.identify(object).cluster, bucket: object.bucket, key: object.key };
    logger.error('an object could not be read', { ...which, error: error as Error });
  }
}

const METRIC_OF = {
  done: 'ObjectsDone',
  gone: 'ObjectsGone',
  unfinished: 'ObjectsUnfinished',
  'backed-up': 'ObjectsBackedUp',
  poison: 'ObjectsPoison',
} as const;

function isFromSqs(event: unknown): event is SQSEvent {
  const records = (event as { Records?: unknown } | null)?.Records;
  return Array.isArray(records) && records.length > 0 && (records[0] as { eventSource?: unknown } | null)?.eventSource === 'aws:sqs';
}
