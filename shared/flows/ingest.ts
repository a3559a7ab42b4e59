import { type AuditRecord, type DecodedItem, type Preparation, type Reject, restamp } from '../audit/index.ts';
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
}

export interface IngestTimes {
  /** Epoch milliseconds at which the invocation is killed: the lease of a claim ends then. */
  readonly killedAtMs: number;
  /** Epoch milliseconds by which delivery must stop, so that there is time to keep what was not delivered. */
  readonly deliverUntilMs: number;
}

/** One chunk, at least once, and only once where nothing fails: prepare → quarantine → select → deliver → keep the rest. */
export async function ingestChunk(chunk: Chunk, deps: IngestDeps, times: IngestTimes): Promise<{ duplicate: boolean; tally: Tally }> {
  const { ran, result } = await deps.once.run<Tally>(chunk.id, { endsAtMs: times.killedAtMs }, async () => {
    const { ready, rejects, skipped, reduced, salvaged } = prepareAll(chunk.items, deps.prepare);
    await writeQuarantine(deps.quarantine, chunk, rejects);
    const selected = ready.filter(deps.couldMatch);
    const report = await deps.destination.deliver(selected, { deadlineMs: times.deliverUntilMs, attempt: 1 });
    const { undelivered, why } = whatIsLeft(selected, report);
    if (undelivered.length > 0) await deps.keep(chunk, undelivered, why);
    return {
      received: ready.length + rejects.length,
      delivered: selected.length - undelivered.length,
      dropped: ready.length - selected.length,
      spooled: undelivered.length,
      quarantined: rejects.length,
      skipped,
      reduced,
      salvaged,
      resent: report.resent.records,
    };
  });
  return { duplicate: !ran, tally: result };
}

function prepareAll(items: readonly DecodedItem[], prepare: IngestDeps['prepare']) {
  const ready: AuditRecord[] = [];
  const rejects: Reject[] = [];
  let skipped = 0;
  let reduced = 0;
  let salvaged = 0;
  for (const item of items) {
    if (item.kind === 'skipped') skipped += item.count;
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
