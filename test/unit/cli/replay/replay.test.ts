import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAccountedFor, type ReplayLimits, replay, total } from '../../../../cli/replay/replay.ts';
import type { AuditRecord, DecodedItem } from '../../../../shared/audit/index.ts';
import type { DeliveryContext, DeliveryOutcome, Destination } from '../../../../shared/falco/destination.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

const LIMITS: ReplayLimits = { batchBytes: 1000, batchEvents: 5, concurrency: 3, tryMs: 30_000, giveUpAfterMs: 60_000 };

function record(name: number): AuditRecord {
  return { raw: Buffer.from(`{"auditID":"${name}"}`), origin: { kind: 'file', path: 'in', offset: 0, line: name + 1 }, identity: {} };
}

const nameOf = (of: AuditRecord) => Number(JSON.parse(Buffer.from(of.raw).toString()).auditID);

/** A destination with a mind of its own: what it took, at which attempt, and how much was open at once. */
class Taker implements Destination {
  readonly taken: { name: number; attempt: number }[] = [];
  calls = 0;
  openRecords = 0;
  maxOpenRecords = 0;
  readonly #clock: VirtualClock;
  readonly #next: () => 'ok' | 'down' | 'lost' | 'refused';

  constructor(clock: VirtualClock, next: () => 'ok' | 'down' | 'lost' | 'refused') {
    this.#clock = clock;
    this.#next = next;
  }

  async deliver(records: readonly AuditRecord[], context: DeliveryContext) {
    const next = this.#next();
    this.calls++;
    this.openRecords += records.length;
    this.maxOpenRecords = Math.max(this.maxOpenRecords, this.openRecords);
    await this.#clock.sleep(20);
    this.openRecords -= records.length;
    if (next === 'ok' || next === 'lost') this.taken.push(...records.map((one) => ({ name: nameOf(one), attempt: context.attempt })));
    const outcome: DeliveryOutcome =
      next === 'ok'
        ? { kind: 'delivered' }
        : next === 'refused'
          ? { kind: 'refused', reason: 'no such path' }
          : { kind: 'undelivered', reason: 'away', ...(next === 'lost' ? { ambiguous: true } : {}) };
    return { outcomes: records.map(() => outcome), resent: { bodies: 0, records: 0 } };
  }
}

async function play(items: Iterable<DecodedItem>, next: () => 'ok' | 'down' | 'lost' | 'refused', limits: Partial<ReplayLimits> = {}) {
  const clock = new VirtualClock();
  const taker = new Taker(clock, next);
  let read = 0;
  async function* source() {
    for (const item of items) {
      read++;
      yield [item];
    }
  }
  const deps = {
    destination: taker,
    prepare: (one: AuditRecord) => ({ kind: 'record' as const, record: one, reduced: false, salvaged: false }),
    clock,
    random: { next: () => 0.5, hex: () => '' },
    onProgress: () => {},
  };
  const summary = await clock.run(replay(source(), deps, { ...LIMITS, ...limits }));
  return { summary, taker, clock, read };
}

const events = (count: number): DecodedItem[] => Array.from({ length: count }, (_, n) => ({ kind: 'record', record: record(n) }));

describe('replay', () => {
  it('delivers everything once, a few batches at a time', async () => {
    const { summary, taker } = await play(events(103), () => 'ok');
    expect(taker.taken.map(({ name }) => name).sort((a, b) => a - b)).toEqual([...Array(103).keys()]);
    expect(summary).toMatchObject({ events: 103, delivered: 103, complete: true, resent: { bodies: 0, events: 0 }, undelivered: {} });
    expect(isAccountedFor(summary)).toBe(true);
  });

  it('reads no faster than it delivers', async () => {
    let read = 0;
    let mostAhead = 0;
    const clock = new VirtualClock();
    const taker = new Taker(clock, () => 'ok');
    async function* endless() {
      for (const item of events(500)) {
        read++;
        mostAhead = Math.max(mostAhead, read - taker.taken.length);
        yield [item];
      }
    }
    const prepare = (one: AuditRecord) => ({ kind: 'record' as const, record: one, reduced: false, salvaged: false });
    const deps = { destination: taker, prepare, clock, random: { next: () => 0, hex: () => '' }, onProgress: () => {} };
    await clock.run(replay(endless(), deps, LIMITS));
    // Three batches under way, one being filled, one event in hand.
    expect(mostAhead).toBeLessThanOrEqual(3 * 5 + 5 + 1);
  });

  it('waits for a receiver that is away for a while, marks nothing as sent twice', async () => {
    let calls = 0;
    const { summary, taker, clock } = await play(events(20), () => (++calls > 30 ? 'ok' : 'down'));
    expect(summary).toMatchObject({ delivered: 20, resent: { bodies: 0, events: 0 } });
    expect(taker.taken.every(({ attempt }) => attempt === 1)).toBe(true);
    expect(clock.now() - new VirtualClock().now()).toBeLessThan(60_000);
  });

  it('gives up when nothing was taken for long enough, reads no further, says how many were left', async () => {
    const { summary, clock, read } = await play(events(1000), () => 'down', { giveUpAfterMs: 10_000 });
    expect(summary).toMatchObject({ delivered: 0, complete: false });
    expect(Object.keys(summary.undelivered)).toEqual(['gave up after 10 s: away']);
    expect(total(summary.undelivered)).toBe(summary.events);
    expect(read).toBeLessThan(50);
    expect(clock.now() - new VirtualClock().now()).toBeLessThan(20_000);
    expect(isAccountedFor(summary)).toBe(false);
  });

  it('stops at once when the very first bodies are refused, goes on when later ones are', async () => {
    const first = await play(events(1000), () => 'refused');
    expect(first.taker.calls).toBeLessThanOrEqual(6);
    expect(first.summary).toMatchObject({ complete: false, delivered: 0 });
    let calls = 0;
    const later = await play(events(30), () => (++calls === 4 ? 'refused' : 'ok'));
    expect(later.summary).toMatchObject({ complete: true, delivered: 25, undelivered: { 'no such path': 5 } });
    expect(isAccountedFor(later.summary)).toBe(false);
  });

  it('counts skipped and rejected values by reason; only damage that may hide events is not accounted for', async () => {
    const reject = (reason: 'invalid-json' | 'cut-short', line: number): DecodedItem => ({
      kind: 'rejected',
      reject: { reason, message: 'expected better', origin: { kind: 'file', path: 'in', offset: 0, line } },
    });
    const skipped: DecodedItem = { kind: 'skipped', reason: 'control-message', count: 2 };
    const { summary } = await play([...events(3), skipped, reject('invalid-json', 7), skipped], () => 'ok');
    expect(summary).toMatchObject({ events: 4, delivered: 3, skipped: { 'control-message': 4 }, rejected: { 'invalid-json': 1 } });
    expect(summary.rejects).toEqual([{ reason: 'invalid-json', where: 'in:7', message: 'expected better' }]);
    expect(isAccountedFor(summary)).toBe(true);
    const cut = await play([...events(3), reject('cut-short', 4)], () => 'ok');
    expect(isAccountedFor(cut.summary)).toBe(false);
  });

  it('delivers what was read before the source failed, and passes the failure on', async () => {
    const clock = new VirtualClock();
    const taker = new Taker(clock, () => 'ok');
    async function* broken() {
      yield events(7);
      throw new Error('disk on fire');
    }
    const prepare = (one: AuditRecord) => ({ kind: 'record' as const, record: one, reduced: false, salvaged: false });
    const deps = { destination: taker, prepare, clock, random: { next: () => 0, hex: () => '' }, onProgress: () => {} };
    await expect(clock.run(replay(broken(), deps, LIMITS))).rejects.toThrow('disk on fire');
    expect(taker.taken).toHaveLength(7);
  });

  it('loses nothing and counts every possible duplicate, whatever the receiver does', async () => {
    const mood = fc.constantFrom<'ok' | 'down' | 'lost'>('ok', 'ok', 'down', 'lost');
    await fc.assert(
      fc.asyncProperty(fc.array(mood, { maxLength: 60 }), fc.integer({ min: 0, max: 60 }), async (moods, count) => {
        const script = moods.values();
        const { summary, taker } = await play(events(count), () => script.next().value ?? 'ok');
        const times = new Map<number, number[]>();
        for (const { name, attempt } of taker.taken) times.set(name, [...(times.get(name) ?? []), attempt]);
        expect(times.size).toBe(count);
        expect(summary.delivered).toBe(count);
        for (const attempts of times.values()) expect(attempts).toEqual([...new Set(attempts)].sort((a, b) => a - b));
        const twice = [...times.values()].filter((attempts) => attempts.length > 1).length;
        expect(summary.resent.events).toBe(twice);
      }),
    );
  });
});
