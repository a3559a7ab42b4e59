import type { AuditRecord, ClusterIdentity, Preparation } from '../../shared/audit/index.ts';
import type { Destination } from '../../shared/falco/destination.ts';
import type { Clock, Random } from '../../shared/platform/clock.ts';
import { backoffMs } from '../../shared/platform/retry.ts';
import type { Place } from './place.ts';
import type { Block, Line, Tail } from './tail.ts';

export interface FollowDeps {
  readonly tail: Tail;
  /** The log's path, for origins. */
  readonly path: string;
  readonly identity: ClusterIdentity;
  readonly prepare: (record: AuditRecord) => Preparation;
  readonly destination: Destination;
  /** Keeps the place. What it says is dealt with is never read again. */
  readonly checkpoint: (place: Place) => Promise<void>;
  /** Keeps a line that can never be delivered. */
  readonly reject: (reject: RejectedLine) => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  /** Told after every change; must be quick. */
  readonly onProgress: (counts: FollowCounts) => void;
  /** Told when the receiver stops taking events (with the reason), and when it takes them again (`undefined`). */
  readonly onWaiting: (reason: string | undefined) => void;
}

export interface FollowLimits {
  /** Between two looks at a log that has nothing new, milliseconds. */
  readonly pollMs: number;
  /** One try may take this long, milliseconds: also how long stopping may take. */
  readonly tryMs: number;
  /** Stop at the end of the log. */
  readonly once: boolean;
  /** Give up when the receiver has taken nothing for this long, milliseconds; `Infinity` waits for ever. */
  readonly giveUpAfterMs: number;
}

export interface RejectedLine {
  readonly offset: number;
  readonly line: number;
  readonly reason: string;
  readonly bytes: Uint8Array | undefined;
}

export interface FollowCounts {
  /** Lines dealt with: delivered, rejected or blank. */
  lines: number;
  delivered: number;
  /** Sent again because no answer came: the receiver may have them twice. */
  resent: number;
  reduced: number;
  readonly rejected: Record<string, number>;
  /** Tries that the receiver did not take. */
  failures: number;
  rotations: number;
  /** Files that were gone before they were read to their end. */
  gaps: number;
  /** Places that could not be kept: a restart delivers again what came after the last one that could. */
  unkept: number;
}

export type FollowEnd = 'stopped' | 'end-of-log' | 'gave-up';

/**
 * Delivers a log line by line, in order, one block at a time: the next block is only read when this one is delivered and the checkpoint says so.
 * A crash at any moment therefore costs at most that one block is delivered again, and a slow receiver costs no memory.
 */
export class Follow {
  readonly counts: FollowCounts = {
    lines: 0,
    delivered: 0,
    resent: 0,
    reduced: 0,
    rejected: {},
    failures: 0,
    rotations: 0,
    gaps: 0,
    unkept: 0,
  };
  readonly #deps: FollowDeps;
  readonly #limits: FollowLimits;
  readonly #stop: AbortSignal;

  constructor(deps: FollowDeps, limits: FollowLimits, stop: AbortSignal) {
    this.#deps = deps;
    this.#limits = limits;
    this.#stop = stop;
  }

  async run(): Promise<FollowEnd> {
    const { tail, checkpoint } = this.#deps;
    await checkpoint(tail.place);
    while (!this.#stop.aborted) {
      const block = await tail.next(this.#limits.once);
      if (block === undefined) {
        if (this.#limits.once) return 'end-of-log';
        await this.#pause(this.#limits.pollMs);
        continue;
      }
      const before = { ...block.place, ...placeBefore(block) };
      const { dealt, ahead, gaveUp } = await this.#deliver(block);
      const done =
        dealt === block.lines.length
          ? block.place
          : { ...before, ...block.lines[dealt - 1]?.next, skipping: false, ahead: [...ahead, ...block.place.ahead] };
      await checkpoint(done);
      this.counts.lines += dealt;
      this.#deps.onProgress(this.counts);
      if (gaveUp) return 'gave-up';
    }
    return 'stopped';
  }

  async #deliver(block: Block): Promise<Delivered> {
    if (block.tooLong !== undefined) await this.#reject('too-large', block.tooLong, undefined);
    let left: { readonly record: AuditRecord; readonly index: number }[] = [];
    for (const [index, line] of block.lines.entries()) {
      const record = await this.#recordOf(line);
      if (record !== undefined) left.push({ record, index });
    }
    let takenMs = this.#deps.clock.now();
    let attempt = 1;
    for (let failures = 1; left.length > 0; failures++) {
      const { clock, destination, random, onWaiting } = this.#deps;
      const report = await destination.deliver(
        left.map(({ record }) => record),
        { deadlineMs: clock.now() + this.#limits.tryMs, attempt },
      );
      const again = left.filter((_, at) => report.outcomes[at]!.kind !== 'delivered');
      this.counts.delivered += left.length - again.length;
      if (again.length < left.length) takenMs = clock.now();
      if (attempt > 1) this.counts.resent += left.length;
      if (again.length === 0) {
        if (failures > 1) onWaiting(undefined);
        break;
      }
      this.counts.failures++;
      const faults = report.outcomes.filter((outcome) => outcome.kind !== 'delivered');
      if (faults.some((outcome) => outcome.kind === 'undelivered' && outcome.ambiguous)) attempt++;
      // Refused is no end either: the line stays in the log until someone has mended the address or the receiver.
      onWaiting(faults[0]!.reason);
      left = again;
      const gaveUp = clock.now() - takenMs >= this.#limits.giveUpAfterMs;
      if (!gaveUp && !this.#stop.aborted) await this.#pause(backoffMs(failures, { baseMs: 100, capMs: 5000 }, random));
      if (gaveUp || this.#stop.aborted) return { ...dealtWith(block, left), gaveUp };
    }
    return { dealt: block.lines.length, ahead: [], gaveUp: false };
  }

  async #recordOf(line: Line): Promise<AuditRecord | undefined> {
    const { identity, path, prepare } = this.#deps;
    if (isBlank(line.bytes)) return undefined;
    const origin = { kind: 'file', path, offset: line.offset, line: line.number } as const;
    const prepared = prepare({ raw: line.bytes, origin, identity });
    if (prepared.kind === 'rejected') {
      await this.#reject(prepared.reject.reason, line, line.bytes);
      return undefined;
    }
    if (prepared.reduced) this.counts.reduced++;
    return prepared.record;
  }

  async #reject(reason: string, { offset, number }: Pick<Line, 'offset' | 'number'>, bytes: Uint8Array | undefined): Promise<void> {
    this.counts.rejected[reason] = (this.counts.rejected[reason] ?? 0) + 1;
    await this.#deps.reject({ offset, line: number, reason, bytes });
  }

  /** Ends early when following is to stop. */
  async #pause(ms: number): Promise<void> {
    await this.#deps.clock.sleep(ms, this.#stop).catch(() => {});
  }
}

/** What became of a block when following ends before all of it is delivered. */
interface Delivered {
  /** Lines, from the first on, that are dealt with. */
  readonly dealt: number;
  /** Offsets of those that are dealt with behind one that is not. */
  readonly ahead: readonly number[];
  readonly gaveUp: boolean;
}

function dealtWith(block: Block, left: readonly { readonly index: number }[]): Pick<Delivered, 'dealt' | 'ahead'> {
  const waiting = new Set(left.map(({ index }) => index));
  const dealt = left[0]!.index;
  return { dealt, ahead: block.lines.flatMap(({ offset }, index) => (index > dealt && !waiting.has(index) ? [offset] : [])) };
}

function placeBefore(block: Block): Pick<Place, 'offset' | 'line'> {
  const first = block.lines[0];
  return first === undefined ? block.place : { offset: first.offset, line: first.number - 1 };
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09);
}
