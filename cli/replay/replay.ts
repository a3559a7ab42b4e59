import { type AuditRecord, type DecodedItem, describeOrigin, type Preparation, type RejectReason } from '../../shared/audit/index.ts';
import type { DeliveryOutcome, Destination } from '../../shared/falco/destination.ts';
import type { Clock, Random } from '../../shared/platform/clock.ts';
import { backoffMs } from '../../shared/platform/retry.ts';

export interface ReplayDeps {
  readonly destination: Destination;
  readonly prepare: (record: AuditRecord) => Preparation;
  readonly clock: Clock;
  readonly random: Random;
  /** Told after every change; must be quick. */
  readonly onProgress: (summary: ReplaySummary) => void;
}

export interface ReplayLimits {
  /** A batch becomes one body: this many bytes of raw text and events, at most. */
  readonly batchBytes: number;
  readonly batchEvents: number;
  /** Batches under way at the same time. With the limits above it bounds the memory. */
  readonly concurrency: number;
  /** One try may take this long, milliseconds. */
  readonly tryMs: number;
  /** Ends the replay when nothing was delivered for this long although something was tried, milliseconds. */
  readonly giveUpAfterMs: number;
}

interface RejectLine {
  readonly reason: RejectReason;
  readonly where: string;
  readonly message: string;
}

/** What became of everything that was read: `events = delivered + undelivered + rejected`, once the replay is over. */
export interface ReplaySummary {
  /** Values that are, or should be, audit events. */
  events: number;
  delivered: number;
  /** Sent again because no answer came: the receiver may have `events` of them twice. */
  readonly resent: { bodies: number; events: number };
  /** Of those delivered: cut down to what Falco takes, or closed after the log agent had cut them. */
  reduced: number;
  salvaged: number;
  readonly skipped: Record<string, number>;
  readonly rejected: Record<string, number>;
  /** The first {@link MAX_REJECT_LINES} rejected values. */
  readonly rejects: RejectLine[];
  readonly undelivered: Record<string, number>;
  /** The input was read to its end. */
  complete: boolean;
  /** Since when the receiver has been taking nothing, epoch milliseconds. */
  waitingSinceMs: number | undefined;
}

const MAX_REJECT_LINES = 1000;

/** A container that is damaged may hide any number of events; the other rejected values are one event each, named by their place. */
const HIDES_EVENTS: ReadonlySet<RejectReason> = new Set([
  'not-a-delivery',
  'bad-base64',
  'bad-gzip',
  'inflation-limit',
  'too-many-layers',
  'not-json',
  'cut-short',
  'not-an-envelope',
]);

/** Whether every event was delivered, or is named with the reason why it cannot be. */
export function isAccountedFor(summary: ReplaySummary): boolean {
  const hidden = Object.keys(summary.rejected).some((reason) => HIDES_EVENTS.has(reason as RejectReason));
  return summary.complete && !hidden && total(summary.undelivered) === 0;
}

export function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/**
 * Delivers what the sources yield, at least once each, in bodies of bounded size, waiting for a receiver that is away.
 * Reading waits for delivery, so memory stays bounded whatever the input.
 */
export async function replay(
  source: AsyncIterable<readonly DecodedItem[]>,
  deps: ReplayDeps,
  limits: ReplayLimits,
): Promise<ReplaySummary> {
  const run = new Run(deps, limits);
  return run.read(source);
}

class Run {
  readonly #deps: ReplayDeps;
  readonly #limits: ReplayLimits;
  readonly #underWay = new Set<Promise<void>>();
  #batch: AuditRecord[] = [];
  #batchBytes = 0;
  /** When the receiver last took something, or was first asked to. */
  #lastTakenMs: number | undefined;
  /** Set when going on makes no sense. */
  #over: string | undefined;
  #failure: unknown;
  readonly #summary: ReplaySummary = {
    events: 0,
    delivered: 0,
    resent: { bodies: 0, events: 0 },
    reduced: 0,
    salvaged: 0,
    skipped: {},
    rejected: {},
    rejects: [],
    undelivered: {},
    complete: false,
    waitingSinceMs: undefined,
  };

  constructor(deps: ReplayDeps, limits: ReplayLimits) {
    this.#deps = deps;
    this.#limits = limits;
  }

  async read(source: AsyncIterable<readonly DecodedItem[]>): Promise<ReplaySummary> {
    try {
      for await (const items of source) {
        for (const item of items) await this.#take(item);
        if (this.#over) break;
      }
      if (!this.#over) this.#summary.complete = true;
    } finally {
      // Also when the source fails: what was read has its chance.
      await this.#flush();
      await Promise.all(this.#underWay);
    }
    if (this.#failure) throw this.#failure;
    return this.#summary;
  }

  async #take(item: DecodedItem): Promise<void> {
    if (item.kind === 'skipped') return add(this.#summary.skipped, item.reason, item.count);
    this.#summary.events++;
    const prepared = item.kind === 'record' ? this.#deps.prepare(item.record) : item;
    if (prepared.kind === 'rejected') {
      const { reason, message, origin } = prepared.reject;
      add(this.#summary.rejected, reason, 1);
      if (this.#summary.rejects.length < MAX_REJECT_LINES) this.#summary.rejects.push({ reason, where: describeOrigin(origin), message });
      return;
    }
    if (prepared.reduced) this.#summary.reduced++;
    if (prepared.salvaged) this.#summary.salvaged++;
    const size = prepared.record.raw.byteLength + 1;
    if (this.#batch.length >= this.#limits.batchEvents || (this.#batch.length > 0 && this.#batchBytes + size > this.#limits.batchBytes)) {
      await this.#flush();
    }
    this.#batch.push(prepared.record);
    this.#batchBytes += size;
  }

  /** Sends the batch on its way, once there is room for it. */
  async #flush(): Promise<void> {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#batchBytes = 0;
    while (this.#underWay.size >= this.#limits.concurrency) await Promise.race(this.#underWay);
    const delivery: Promise<void> = this.#deliver(batch).then(
      () => void this.#underWay.delete(delivery),
      (failure: unknown) => {
        this.#failure ??= failure;
        this.#over = 'failed';
        this.#underWay.delete(delivery);
      },
    );
    this.#underWay.add(delivery);
  }

  /** Tries a batch until its fate is known. The destination makes one try per call, so attempts are counted here. */
  async #deliver(batch: readonly AuditRecord[]): Promise<void> {
    const { clock, random, destination } = this.#deps;
    this.#lastTakenMs ??= clock.now();
    let left = batch;
    let attempt = 1;
    let counted = false;
    for (let failures = 1; ; failures++) {
      if (this.#over) return add(this.#summary.undelivered, this.#over, left.length);
      const report = await destination.deliver(left, { deadlineMs: clock.now() + this.#limits.tryMs, attempt });
      const outcomes = left.map((record, at) => ({ record, outcome: report.outcomes[at] as DeliveryOutcome }));
      const taken = outcomes.filter(({ outcome }) => outcome.kind === 'delivered').length;
      const again = outcomes.filter(({ outcome }) => outcome.kind === 'undelivered');
      const ambiguous = again.some(({ outcome }) => outcome.kind === 'undelivered' && outcome.ambiguous);
      if (attempt > 1 && !counted && (taken > 0 || ambiguous)) {
        counted = true;
        this.#summary.resent.bodies++;
        this.#summary.resent.events += left.length;
      }
      this.#refuse(outcomes.map(({ outcome }) => outcome));
      if (taken > 0) {
        this.#summary.delivered += taken;
        this.#lastTakenMs = clock.now();
        this.#summary.waitingSinceMs = undefined;
      }
      this.#deps.onProgress(this.#summary);
      if (again.length === 0) return;
      if (ambiguous) attempt++;
      left = again.map(({ record }) => record);
      this.#wait(again[0]?.outcome);
      await clock.sleep(backoffMs(failures, { baseMs: 100, capMs: 2000 }, random));
    }
  }

  #refuse(outcomes: readonly DeliveryOutcome[]): void {
    for (const outcome of outcomes) {
      if (outcome.kind !== 'refused') continue;
      add(this.#summary.undelivered, outcome.reason, 1);
      // Refused from the first: the address is wrong, and every further event would be refused like this one.
      if (this.#summary.delivered === 0) this.#over ??= outcome.reason;
    }
  }

  #wait(outcome: DeliveryOutcome | undefined): void {
    const now = this.#deps.clock.now();
    this.#summary.waitingSinceMs ??= now;
    if (now - (this.#lastTakenMs ?? now) < this.#limits.giveUpAfterMs || outcome?.kind !== 'undelivered') return;
    this.#over ??= `gave up after ${this.#limits.giveUpAfterMs / 1000} s: ${outcome.reason}`;
  }
}

function add(counts: Record<string, number>, name: string, count: number): void {
  counts[name] = (counts[name] ?? 0) + count;
}
