import {
  type AuditRecord,
  type DecodedItem,
  type Preparation,
  type Reject,
  restamp,
  type SkipReason,
  stageTimeMs,
} from '../audit/index.ts';
import type { DeliveryReport, Destination } from '../falco/destination.ts';
import type { Clock } from '../platform/clock.ts';
import type { ObjectStore } from '../platform/object-store.ts';
import type { Once } from '../platform/once.ts';
import type { Chunk } from './chunk.ts';
import type { Tally } from './outcome.ts';
import { writeQuarantine } from './quarantine.ts';

/** Everything the story needs from outside. */
export interface IngestDeps {
  readonly clock: Clock;
  readonly once: Once;
  readonly destination: Destination;
  readonly quarantine: ObjectStore;
  /** Stamps a record and makes it acceptable to Falco, or says why it never can be. Spooled records went through it before. */
  readonly prepare: (record: AuditRecord) => Preparation;
  /** Keeps what a loaded rule could match. */
  readonly couldMatch: (record: AuditRecord) => boolean;
  /**
   * What happens to prepared records that the destination did not take: audit-stream writes them to the spool,
   * audit-archive throws (its object is their store) so that the chunk stays unconfirmed and is read again.
   */
  readonly keep: (chunk: Chunk, undelivered: readonly AuditRecord[], why: string) => Promise<void>;
  /** The events were taken in before, and came back: from the spool, or from an invocation that failed. */
  readonly retried?: true;
  /** Hears what became of each chunk, for metrics and logs. Must not throw. */
  readonly observe?: (report: ChunkReport) => void;
}

/** A chunk that is confirmed, now or by an earlier attempt. */
export type ChunkReport = { readonly chunk: string } & (
  | { readonly duplicate: true }
  | {
      readonly duplicate: false;
      readonly retried: boolean;
      readonly tally: Tally;
      /** Events that came in, by the cluster they are from. */
      readonly clusters: ReadonlyMap<string | undefined, number>;
      readonly skipped: ReadonlyMap<SkipReason, number>;
      readonly rejects: readonly Reject[];
      /** From `stageTimestamp` to delivery of the oldest and the newest event, **milliseconds**; events lie in the order of their time. */
      readonly lagMs: readonly number[];
    }
);

export interface IngestTimes {
  /** Epoch milliseconds at which the invocation is killed: the lease of a claim ends then. */
  readonly killedAtMs: number;
  /** Epoch milliseconds by which delivery must stop, so that there is time to keep what was not delivered. */
  readonly deliverUntilMs: number;
}

/** One chunk, at least once, and only once where nothing fails: prepare → quarantine → select → deliver → keep the rest. */
export async function ingestChunk(chunk: Chunk, deps: IngestDeps, times: IngestTimes): Promise<{ duplicate: boolean; tally: Tally }> {
  let report: ChunkReport = { chunk: chunk.id, duplicate: true };
  const { ran, result } = await deps.once.run<Tally>(chunk.id, { endsAtMs: times.killedAtMs }, async () => {
    const { ready, rejects, skipped, reduced, salvaged } = prepareAll(chunk.items, deps.prepare);
    await writeQuarantine(deps.quarantine, chunk, rejects);
    const selected = ready.filter(deps.couldMatch);
    const delivery = await deps.destination.deliver(selected, { deadlineMs: times.deliverUntilMs, attempt: 1 });
    const { undelivered, why } = whatIsLeft(selected, delivery);
    if (undelivered.length > 0) await deps.keep(chunk, undelivered, why);
    const tally = {
      received: ready.length + rejects.length,
      delivered: selected.length - undelivered.length,
      dropped: ready.length - selected.length,
      spooled: undelivered.length,
      quarantined: rejects.length,
      skipped: sum(skipped),
      reduced,
      salvaged,
      resent: delivery.resent.records,
    };
    report = {
      chunk: chunk.id,
      duplicate: false,
      retried: deps.retried === true,
      tally,
      clusters: clustersOf(ready),
      skipped,
      rejects,
      lagMs: lagOf(ready, deps.clock),
    };
    return tally;
  });
  deps.observe?.(report);
  return { duplicate: !ran, tally: result };
}

function prepareAll(items: readonly DecodedItem[], prepare: IngestDeps['prepare']) {
  const ready: AuditRecord[] = [];
  const rejects: Reject[] = [];
  const skipped = new Map<SkipReason, number>();
  let reduced = 0;
  let salvaged = 0;
  for (const item of items) {
    if (item.kind === 'skipped') skipped.set(item.reason, (skipped.get(item.reason) ?? 0) + item.count);
    else if (item.kind === 'rejected') rejects.push(item.reject);
    else {
      const prepared = prepare(item.record);
      if (prepared.kind === 'rejected') rejects.push(prepared.reject);
      else {
        ready.push(prepared.record);
        if (prepared.reduced) reduced++;
        if (prepared.salvaged) salvaged++;
      }
    }
  }
  return { ready, rejects, skipped, reduced, salvaged };
}

function whatIsLeft(selected: readonly AuditRecord[], report: DeliveryReport): { undelivered: AuditRecord[]; why: string } {
  const undelivered: AuditRecord[] = [];
  let why = '';
  for (const [at, record] of selected.entries()) {
    const outcome = report.outcomes[at];
    if (outcome?.kind === 'delivered') continue;
    // Falco may have it already: its next delivery says that it may be the second.
    const maybeTaken = outcome?.kind === 'undelivered' && outcome.ambiguous === true;
    undelivered.push(maybeTaken ? { ...record, raw: restamp(record, 2) } : record);
    why ||= outcome ? outcome.reason : 'the destination reported nothing for it';
  }
  return { undelivered, why };
}

function sum(counts: ReadonlyMap<unknown, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}

function clustersOf(records: readonly AuditRecord[]): Map<string | undefined, number> {
  const clusters = new Map<string | undefined, number>();
  for (const { identity } of records) clusters.set(identity.cluster, (clusters.get(identity.cluster) ?? 0) + 1);
  return clusters;
}

/** Of the first and the last: reading the time of every event would cost more than it tells. */
function lagOf(records: readonly AuditRecord[], clock: Clock): number[] {
  const ends = records.length > 1 ? [records[0]!, records.at(-1)!] : records;
  const now = clock.now();
  return ends.flatMap((record) => {
    const at = stageTimeMs(record);
    return at === undefined ? [] : [Math.max(0, now - at)];
  });
}
