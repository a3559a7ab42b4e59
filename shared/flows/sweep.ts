import { createHash } from 'node:crypto';
import type { ListedObject, Listing } from '../platform/aws/list-versions.ts';
import type { MessageQueue } from '../platform/aws/message-queue.ts';
import type { Clock } from '../platform/clock.ts';

/**
 * The spool as it really is: its objects, not its messages. An object whose message is gone (expired after 14 days, given up as poison, never
 * sent) would lie there unseen until its retention ends.
 */
export interface SweepDeps {
  readonly clock: Pick<Clock, 'now'>;
  /** What waits to be delivered: spooled events and Lambda's records of failed invocations. Both are deleted once they are. */
  readonly list: () => Promise<Listing>;
  /** The queue that announces them. */
  readonly queue: MessageQueue;
}

export interface SweepReport {
  readonly objects: number;
  /** Zero when nothing waits. */
  readonly oldestAgeSeconds: number;
  readonly messages: number;
  readonly requeued: number;
  /** False: there is more than one sweep looks at, and the numbers are too low. What it saw is dealt with first, and then gone from its sight. */
  readonly complete: boolean;
}

/** Below this age an object may simply not have been announced yet. */
const ANNOUNCED_AFTER_MS = 3_600_000;

/** Each object has its turn in one hour of this many, so that one which fails every time (poison) costs little. */
const TURNS = 6;
const TURN_MS = 3_600_000;

/** As many as audit-archive takes up between two sweeps. */
const MAX_REQUEUED = 1_000;

/**
 * Looks at the spool, and puts objects whose message is gone back into the queue.
 *
 * Which ones have lost theirs cannot be asked of SQS, but how many can: at least as many as there are more objects than messages. So many of the
 * oldest are announced again. It feeds no loop: with as many messages as objects nothing is sent, whatever Falco does. It may pick one that still
 * has its message; then two stand for the same version of the same object, whose chunks are delivered once, and the second finds it gone.
 * And it may leave one out that others' second messages hide; once Falco takes events these are used up, and the next sweep sees it.
 */
export async function sweepSpool({ clock, list, queue }: SweepDeps): Promise<SweepReport> {
  const { objects, complete } = await list();
  const messages = await queue.length();
  const now = clock.now();
  const old = objects.filter(({ writtenMs }) => now - writtenMs >= ANNOUNCED_AFTER_MS).sort((a, b) => a.writtenMs - b.writtenMs);
  const lost = Math.min(Math.max(0, old.length - messages), MAX_REQUEUED);
  const again = old.filter((object) => hasTurn(object, now)).slice(0, lost);
  if (again.length > 0) await queue.send(again.map(announcement));
  const oldestMs = objects.reduce((oldest, { writtenMs }) => Math.min(oldest, writtenMs), now);
  return { objects: objects.length, oldestAgeSeconds: Math.round((now - oldestMs) / 1000), messages, requeued: again.length, complete };
}

function hasTurn({ key }: ListedObject, now: number): boolean {
  return createHash('sha256').update(key).digest().readUInt32BE() % TURNS === Math.floor(now / TURN_MS) % TURNS;
}

/** As S3 announces it, and of that very version: its checkpoint and its chunks are the same as under its first message. */
function announcement({ bucket, key, versionId }: ListedObject): string {
  const object = { key: encodeURIComponent(key), ...(versionId === undefined ? {} : { versionId }) };
  return JSON.stringify({
    Records: [{ eventSource: 'aws:s3', eventName: 'ObjectCreated:Requeued', s3: { bucket: { name: bucket }, object } }],
  });
}
