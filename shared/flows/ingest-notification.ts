import { createHash } from 'node:crypto';
import { parseObjectNotifications } from '../audit/index.ts';
import type { ObjectAddress } from '../platform/aws/s3.ts';
import { messageOf } from '../platform/errors.ts';
import { isNobodysFault, leaveAtSource } from './backed-up.ts';
import { DeliveryUnfinishedError, ingestDelivery } from './ingest-delivery.ts';
import { type IngestObjectDeps, type IngestObjectTimes, ingestObject, type ObjectOutcome } from './ingest-object.ts';
import { writeQuarantine } from './quarantine.ts';

/** How one notification ended; it names one object as a rule, and may name several. */
export interface NotificationOutcome {
  /** `done`: nothing is left to do for it. Otherwise it must come again, for the reason that weighs most. */
  readonly kind: 'done' | 'unfinished' | 'backed-up' | 'failed';
  readonly why?: string;
  readonly objects: readonly { readonly object: ObjectAddress; readonly outcome: ObjectOutcome }[];
  /** What kept it from being done, each with its object; a delivery that a notification holds has none. */
  readonly failures: readonly { readonly object?: ObjectAddress; readonly error: unknown }[];
}

/**
 * A notification in any wrapping: parse → ingest each object it names, and each delivery it holds (Lambda's record of a failed invocation).
 * What is neither is put in quarantine and done with.
 */
export async function ingestNotification(body: unknown, deps: IngestObjectDeps, times: IngestObjectTimes): Promise<NotificationOutcome> {
  const { objects, deliveries, rejects } = parseObjectNotifications(body);
  const id = createHash('sha256')
    .update(typeof body === 'string' ? body : (JSON.stringify(body) ?? ''))
    .digest('hex');
  await writeQuarantine(deps.quarantine, { id }, rejects);
  const outcomes: { object: ObjectAddress; outcome: ObjectOutcome }[] = [];
  const failures: { object?: ObjectAddress; error: unknown }[] = [];
  const ended = (kind: NotificationOutcome['kind'], why?: string): NotificationOutcome => ({
    kind,
    ...(why === undefined ? {} : { why }),
    objects: outcomes,
    failures,
  });
  for (const object of objects) {
    try {
      const outcome = await ingestObject(object, deps, times);
      outcomes.push({ object, outcome });
      if (outcome.kind === 'backed-up') return ended('backed-up', outcome.why);
      if (outcome.kind === 'unfinished') return ended('unfinished', 'time ran out');
    } catch (error) {
      failures.push({ object, error });
    }
  }
  for (const delivery of deliveries) {
    try {
      await ingestDelivery(delivery, { ...deps, keep: leaveAtSource, ownLogGroup: undefined, retried: true }, times);
    } catch (error) {
      const cause = error instanceof DeliveryUnfinishedError ? error.cause : error;
      if (isNobodysFault(cause)) return ended('backed-up', cause.message);
      failures.push({ error });
    }
  }
  const [first] = failures;
  if (first === undefined) return ended('done');
  const { object, error } = first;
  return ended('failed', `${object === undefined ? '' : `s3://${object.bucket}/${object.key}: `}${messageOf(error)}`);
}
