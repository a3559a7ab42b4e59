import { createHash } from 'node:crypto';
import { type AuditRecord, type ClusterIdentity, decodeStream, type Reject } from '../audit/index.ts';
import type { ObjectAddress, ObjectReader } from '../platform/aws/s3.ts';
import type { Checkpoints } from '../platform/checkpoints.ts';
import { settleAll } from '../platform/concurrency.ts';
import { isNobodysFault, leaveAtSource } from './backed-up.ts';
import { type Chunk, chunkObject } from './chunk.ts';
import { type IngestDeps, type IngestTimes, ingestChunk } from './ingest.ts';
import { addTallies, EMPTY_TALLY, type Tally } from './outcome.ts';
import { writeQuarantine } from './quarantine.ts';

/** How the reading of one object ended, this time. */
export type ObjectOutcome =
  /** Every chunk is confirmed, now or by an earlier attempt; nothing remains to be done for the notification. */
  | { readonly kind: 'done'; readonly tally: Tally }
  /** The object does not exist any more: expired, or delivered and deleted by an earlier attempt. */
  | { readonly kind: 'gone' }
  /** Time ran out on the way; the next attempt goes on from here. */
  | { readonly kind: 'unfinished'; readonly tally: Tally }
  /** The destination does not take events at the moment, or another invocation is at them. */
  | { readonly kind: 'backed-up'; readonly tally: Tally; readonly why: string }
  /** No progress in {@link POISON_AFTER_ATTEMPTS} attempts: its address is in quarantine, the object stays where it is. */
  | { readonly kind: 'poison'; readonly attempts: number };

export interface IngestObjectDeps extends Omit<IngestDeps, 'keep'> {
  readonly objects: ObjectReader;
  readonly checkpoints: Checkpoints;
  /** Whose events lie under this key, for objects that do not say it themselves (message extraction keeps only the events). */
  readonly identify: (object: ObjectAddress) => ClusterIdentity;
  readonly sourceOf: (object: ObjectAddress) => ObjectSource;
}

/**
 * - `archive`: somebody else's history; it is read, and stays.
 * - `spool`: what Falco did not take. Stamped before it was parked, deleted once it is delivered.
 * - `failed-invocation`: Lambda's record of a delivery that audit-stream could not bring to an end; deleted once it is delivered.
 */
export type ObjectSource = 'archive' | 'spool' | 'failed-invocation';

export interface IngestObjectTimes extends IngestTimes {
  /** Epoch milliseconds after which no new chunk is begun. */
  readonly readUntilMs: number;
}

/** An attempt counts against an object only if it made no progress and the destination was not the reason. */
export const POISON_AFTER_ATTEMPTS = 5;

const CHUNKS_UNDER_WAY = 4;

/**
 * An object: begin → decode → chunk → ingest each → finish. Resumable: chunks before the checkpoint are decoded again (gzip cannot be
 * entered in the middle, and the cut must fall in the same places) but neither claimed nor delivered.
 */
export async function ingestObject(object: ObjectAddress, deps: IngestObjectDeps, times: IngestObjectTimes): Promise<ObjectOutcome> {
  const id = createHash('sha256')
    .update(JSON.stringify([object.bucket, object.key, object.versionId ?? '']))
    .digest('hex');
  const checkpoint = await deps.checkpoints.begin(id);
  const source = deps.sourceOf(object);
  if (checkpoint.done) {
    if (source !== 'archive') await deps.objects.remove(object);
    return { kind: 'done', tally: EMPTY_TALLY };
  }
  if (checkpoint.attempts > POISON_AFTER_ATTEMPTS) return await condemn(object, id, checkpoint.attempts, deps);

  const opened = await deps.objects.open(object);
  if (!opened) {
    await deps.checkpoints.finish(id);
    return { kind: 'gone' };
  }

  const spooled = source === 'spool';
  const chunkDeps: IngestDeps = {
    ...deps,
    prepare: spooled ? asItIs : deps.prepare,
    keep: leaveAtSource,
    ...(source === 'archive' ? {} : { retried: true }),
  };
  const progress = new Progress(checkpoint.steps);
  const { bucket, key, versionId } = object;
  const place = { kind: 'object', bucket, key, ...(versionId === undefined ? {} : { versionId }) } as const;
  const batches = decodeStream(opened.bytes, place, {
    identity: spooled ? {} : deps.identify(object),
    ...(opened.lastModifiedMs === undefined ? {} : { timestampMs: opened.lastModifiedMs }),
  });
  const settled = await settleAll(
    upTo(times.readUntilMs, deps, progress, chunkObject(batches, object)),
    CHUNKS_UNDER_WAY,
    async (chunk) => {
      try {
        const { duplicate, tally } = await ingestChunk(chunk, chunkDeps, times);
        if (progress.confirm(chunk.number)) await deps.checkpoints.advance(id, progress.confirmed);
        return duplicate ? EMPTY_TALLY : tally;
      } catch (error) {
        progress.stop(error);
        throw error;
      }
    },
  );
  const tally = addTallies(...settled.filter((result) => result.status === 'fulfilled').map((result) => result.value));

  if (isNobodysFault(progress.failure)) {
    await deps.checkpoints.excuse(id);
    return { kind: 'backed-up', tally, why: progress.failure.message };
  }
  if (progress.failure !== undefined) throw progress.failure;
  if (progress.outOfTime) return { kind: 'unfinished', tally };
  // The object goes first: a crash between the two lines leaves a redelivery that finds it gone.
  if (source !== 'archive') await deps.objects.remove(object);
  await deps.checkpoints.finish(id);
  return { kind: 'done', tally };
}

const asItIs = (record: AuditRecord) => ({ kind: 'record' as const, record, reduced: false, salvaged: false });

async function condemn(object: ObjectAddress, id: string, attempts: number, deps: IngestObjectDeps): Promise<ObjectOutcome> {
  const reject: Reject = {
    reason: 'poison-object',
    message:
      `Expected to get on with s3://${object.bucket}/${object.key} within ${POISON_AFTER_ATTEMPTS} attempts, but none made progress. ` +
      'Look for the error of this object in the log, mend the cause, then send its notification to the queue again.',
    origin: { kind: 'object', ...object, offset: 0 },
  };
  await writeQuarantine(deps.quarantine, { id }, [reject]);
  // Whoever sends the notification again after mending the cause gets as many attempts as the first time.
  await deps.checkpoints.excuse(id);
  return { kind: 'poison', attempts };
}

/** Which chunks are confirmed, and whether to go on reading. */
class Progress {
  /** Chunks at the beginning without a gap. */
  confirmed: number;
  failure: unknown;
  outOfTime = false;
  readonly #ahead = new Set<number>();

  constructor(confirmed: number) {
    this.confirmed = confirmed;
  }

  /** Says whether the unbroken run at the beginning got longer. */
  confirm(number: number): boolean {
    const before = this.confirmed;
    this.#ahead.add(number);
    while (this.#ahead.delete(this.confirmed)) this.confirmed++;
    return this.confirmed > before;
  }

  stop(failure: unknown): void {
    // What the object or the code did wrong says more than that Falco is away.
    if (this.failure === undefined || isNobodysFault(this.failure)) this.failure = failure;
  }
}

/** Passes over what is confirmed, and ends early when time runs out or a chunk failed. */
async function* upTo(
  readUntilMs: number,
  deps: Pick<IngestDeps, 'clock'>,
  progress: Progress,
  chunks: AsyncIterable<Chunk>,
): AsyncGenerator<Chunk> {
  const resumeAt = progress.confirmed;
  for await (const chunk of chunks) {
    if (chunk.number < resumeAt) continue;
    if (progress.failure !== undefined) return;
    if (deps.clock.now() >= readUntilMs) {
      progress.outOfTime = true;
      return;
    }
    yield chunk;
  }
}
