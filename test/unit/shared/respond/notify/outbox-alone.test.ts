import { describe, expect, it } from 'vitest';
import { TiercelError } from '../../../../../shared/platform/errors.ts';
import { createMemoryJournal, type Entry } from '../../../../../shared/respond/journal/index.ts';
import { ChannelError } from '../../../../../shared/respond/notify/channel.ts';
import type { Notice } from '../../../../../shared/respond/notify/notice.ts';
import { createOutbox } from '../../../../../shared/respond/notify/outbox.ts';
import { entryOf } from '../../../../support/entry.ts';
import { testClock } from '../../../../support/responder.ts';

const NOW_MS = Date.parse('2026-11-21T09:00:00Z');
const LEASE_MS = 60_000;
const due = (more: Partial<Notice> = {}): Notice => ({ channel: 'a', about: 'done', state: 'due', attempts: 0, ...more });

/** A journal with one entry and its notices, and channel `a`, which answers in turn, the last answer for ever. */
async function scene(notices: readonly Notice[], answers: readonly (Error | undefined)[] = [undefined]) {
  const moved = testClock(NOW_MS);
  const slept: number[] = [];
  const clock = {
    ...moved,
    sleep: async (ms: number) => {
      slept.push(ms);
      moved.advance(ms);
    },
  };
  const journal = createMemoryJournal(clock);
  const { version: _v, createdAtMs: _c, updatedAtMs: _u, ...draft } = entryOf({ notices });
  const { entry } = await journal.record(draft);
  const sent: string[] = [];
  let asked = 0;
  const send = async () => {
    const answer = answers[Math.min(asked++, answers.length - 1)];
    if (answer) throw answer;
    sent.push(clock.now() === NOW_MS ? 'at once' : 'later');
  };
  const deps = { clock, random: { next: () => 0.5, hex: () => '' }, journal, channels: new Map([['a', { send }]]) };
  const outbox = createOutbox(deps as never, NOW_MS + LEASE_MS);
  const found = async () => (await journal.find(entry.id))!;
  return { clock, journal, entry, outbox, sent, slept, found, asked: () => asked };
}

const busy = (waitMs?: number) => new ChannelError('busy', { retryable: true, ...(waitMs === undefined ? {} : { waitMs }) });
const states = (entry: Entry) => entry.notices?.map(({ state, attempts }) => [state, attempts]);

describe('notices that somebody else is sending', () => {
  it('are left to them while they live, and the alert is handed back', async () => {
    const { outbox, entry, sent, slept, found } = await scene([due({ leaseUntilMs: NOW_MS + LEASE_MS })]);
    await expect(outbox.deliver([entry])).rejects.toMatchObject({ code: 'WORK_IN_PROGRESS' });
    expect(slept).toEqual(Array(30).fill(100));
    expect(sent).toEqual([]);
    expect(await found()).toEqual(entry);
  });

  it('are taken over when their lease ends, once', async () => {
    const { outbox, entry, sent, found } = await scene([due({ leaseUntilMs: NOW_MS + 250 })]);
    await outbox.deliver([entry]);
    expect(sent).toEqual(['later']);
    expect(states(await found())).toEqual([['sent', 1]]);
    expect(await outbox.deliver([await found()])).toEqual([await found()]);
    expect(sent).toHaveLength(1);
  });

  it('are taken over only when all of them are free', async () => {
    const { outbox, entry, sent } = await scene([due({ leaseUntilMs: 0 }), due({ about: 'failed', leaseUntilMs: NOW_MS + LEASE_MS })]);
    await expect(outbox.deliver([entry])).rejects.toMatchObject({ code: 'WORK_IN_PROGRESS' });
    expect(sent).toEqual([]);
  });

  it('are theirs when they recorded them first', async () => {
    const { outbox, entry, journal, sent } = await scene([]);
    const notify = { on: ['planned'], channels: ['a'] } as const;
    const draft = { ...entryOf({ notify, status: 'planned', steps: [] }), id: `${'f'.repeat(40)}-${'0'.repeat(12)}` };
    const other = createOutbox(
      { clock: testClock(NOW_MS), random: { next: () => 0.5, hex: () => '' }, journal, channels: new Map([['a', {}]]) } as never,
      NOW_MS + LEASE_MS,
    );
    await other.journal.record(draft);
    const { entry: theirs, won } = await outbox.journal.record(draft);
    expect([won, states(theirs)]).toEqual([false, [['due', 0]]]);
    await expect(outbox.deliver([theirs])).rejects.toMatchObject({ code: 'WORK_IN_PROGRESS' });
    expect([sent, entry.notices]).toEqual([[], []]);
  });
});

describe('a notice of our own', () => {
  it('is claimed in the write that makes it, and one that is claimed is left as it is', async () => {
    const { outbox, entry, found } = await scene([]);
    const held = due({ about: 'failed', leaseUntilMs: 7 });
    await outbox.journal.save({ ...entry, notices: [held, due()] });
    expect((await found()).notices).toEqual([held, due({ leaseUntilMs: NOW_MS + LEASE_MS })]);
  });

  it('is tried again after what the channel asks for, and after a while where it does not say', async () => {
    const { outbox, entry, slept, found } = await scene([due({ leaseUntilMs: 0 })], [busy(1_234), busy(), undefined]);
    await outbox.deliver([entry]);
    expect(slept).toEqual([1_234, expect.any(Number)]);
    expect(states(await found())).toEqual([['sent', 1]]);
  });

  it.each([
    ['three tries', [busy(1)], 3],
    ['one that asks for more than five seconds', [busy(5_001)], 1],
    ['one that fails for good', [new ChannelError('wrong', { retryable: false })], 1],
    ['an error that nobody knows', [new TypeError('x')], 1],
    ['an error of ours that lasts', [new (class extends TiercelError {})('X', 'x')], 1],
  ])('is given up for this time after %s', async (_, answers, tries) => {
    const { outbox, entry, asked } = await scene([due({ leaseUntilMs: 0 })], answers);
    await outbox.deliver([entry]).catch(() => {});
    expect(asked()).toBe(tries);
  });

  it('waits five seconds where it is asked to, but not past the end of the invocation', async () => {
    const patient = await scene([due({ leaseUntilMs: 0 })], [busy(5_000), undefined]);
    await patient.outbox.deliver([patient.entry]);
    expect(patient.slept).toEqual([5_000]);
    const late = await scene([due({ leaseUntilMs: 0 })], [busy(2_000), undefined]);
    late.clock.advance(LEASE_MS - 6_999);
    await expect(late.outbox.deliver([late.entry])).rejects.toMatchObject({ retryable: true });
    expect([late.slept, late.asked()]).toEqual([[], 1]);
  });

  it('that is due again is free for whoever comes next, and fails after five deliveries', async () => {
    const { outbox, entry, found } = await scene([due({ leaseUntilMs: 0 })], [busy(6_000)]);
    for (let attempts = 1; attempts < 5; attempts++) {
      await expect(outbox.deliver([attempts === 1 ? entry : await found()])).rejects.toThrow('Expected to tell a of done (busy)');
      expect((await found()).notices).toEqual([due({ attempts, why: 'busy', atMs: NOW_MS, leaseUntilMs: NOW_MS })]);
    }
    await outbox.deliver([await found()]);
    expect((await found()).notices).toEqual([{ channel: 'a', about: 'done', state: 'failed', attempts: 5, why: 'busy', atMs: NOW_MS }]);
  });

  it('is written down beside what others wrote meanwhile, each under its channel and its matter', async () => {
    const { outbox, entry, journal, found } = await scene([
      due({ leaseUntilMs: 0 }),
      due({ about: 'step-1', leaseUntilMs: 0, text: 'hello' }),
    ]);
    await outbox.deliver([entry]);
    expect((await found()).notices?.map(({ about, text, state }) => [about, text, state])).toEqual([
      ['done', undefined, 'sent'],
      ['step-1', 'hello', 'sent'],
    ]);
    expect((await journal.find(entry.id))?.remark).toBe(entry.remark);
  });

  it('for a channel that there is not says which there are', async () => {
    const { outbox, entry, found } = await scene([due({ channel: 'gone', leaseUntilMs: 0 })]);
    await outbox.deliver([entry]);
    expect((await found()).notices).toMatchObject([{ state: 'failed', why: 'no channel is named gone; there are a' }]);
  });
});
