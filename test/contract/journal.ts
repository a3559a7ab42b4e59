import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../shared/platform/clock.ts';
import type { Draft, Journal } from '../../shared/respond/journal/journal.ts';

const START_MS = Date.parse('2026-11-21T08:59:00Z');

export function draft(overrides: Partial<Draft> & { readonly event?: string; readonly key?: string } = {}): Draft {
  const { event = 'a'.repeat(40), key = '0'.repeat(12), ...rest } = overrides;
  return {
    id: `${event}-${key}`,
    event,
    status: 'planned',
    mode: 'shadow',
    policy: 'remove-binding',
    action: 'delete-binding',
    intent: 'delete clusterrolebindings pwn',
    target: { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1', resource: 'clusterrolebindings', name: 'pwn', uid: 'u-1' },
    rules: ['Attach to cluster-admin Role'],
    cluster: 'prod-1',
    user: 'mallory',
    priority: 'Warning',
    alertTime: '2026-11-21T08:58:59.000000000Z',
    guards: [{ guard: 'fresh', verdict: 'pass', reason: 'the event is 1 s old' }],
    ...rest,
  };
}

/** What every journal must do. `open` gives an empty one that reads the time from the clock it is handed. */
export function journalContract(name: string, open: (clock: Pick<Clock, 'now'> & Clock) => Promise<Journal>): void {
  describe(`journal: ${name}`, () => {
    let now: number;
    let journal: Journal;
    beforeEach(async () => {
      now = START_MS;
      journal = await open({ now: () => now, sleep: async () => {} });
    });

    it('gives back what was recorded, by id and by happening', async () => {
      const { entry, first } = await journal.record(draft());
      expect(first).toBe(true);
      expect(entry).toEqual({ ...draft(), version: 1, createdAtMs: START_MS, updatedAtMs: START_MS });
      expect(await journal.find(entry.id)).toEqual(entry);
      expect(await journal.ofEvent(entry.event)).toEqual([entry]);
    });

    it('knows nothing of what was never recorded', async () => {
      expect(await journal.find(`${'f'.repeat(40)}-${'0'.repeat(12)}`)).toBeUndefined();
      expect(await journal.find('nonsense')).toBeUndefined();
      expect(await journal.ofEvent('f'.repeat(40))).toEqual([]);
    });

    it('keeps the first decision, and adds the rules of later ones', async () => {
      await journal.record(draft());
      now += 1000;
      const again = await journal.record(draft({ rules: ['Another Rule'], policy: 'other', intent: 'something else' }));
      expect(again.first).toBe(false);
      expect(again.entry).toMatchObject({
        policy: 'remove-binding',
        rules: ['Attach to cluster-admin Role', 'Another Rule'],
        version: 2,
        createdAtMs: START_MS,
        updatedAtMs: now,
      });
    });

    it('writes nothing when a later decision says nothing new', async () => {
      const { entry } = await journal.record(draft());
      now += 1000;
      expect(await journal.record(draft())).toEqual({ entry, first: false });
    });

    it('lets a plan replace a refusal, never the other way round', async () => {
      await journal.record(draft({ status: 'refused', policy: 'first' }));
      expect((await journal.record(draft({ policy: 'second' }))).entry).toMatchObject({ status: 'planned', policy: 'second' });
      expect((await journal.record(draft({ status: 'refused', policy: 'third' }))).entry).toMatchObject({
        status: 'planned',
        policy: 'second',
      });
    });

    it('loses no rule and has one first when many record at once', async () => {
      const rules = Array.from({ length: 6 }, (_, at) => `rule ${at}`);
      const results = await Promise.all(rules.map((rule) => journal.record(draft({ rules: [rule] }))));
      expect(results.filter(({ first }) => first)).toHaveLength(1);
      const entry = await journal.find(draft().id);
      expect([...entry!.rules].sort()).toEqual(rules);
    });

    it('lists newest first, across hours, within the range and the limit', async () => {
      const ids: string[] = [];
      for (let at = 0; at < 9; at++) {
        now = START_MS + at * 20 * 60_000;
        const { entry } = await journal.record(draft({ event: at.toString(16).padStart(8, '0').repeat(5) }));
        ids.unshift(entry.id);
      }
      const list = async (range: Parameters<Journal['list']>[0]) => (await journal.list(range)).map(({ id }) => id);
      expect(await list({ fromMs: START_MS, toMs: now + 1, limit: 100 })).toEqual(ids);
      expect(await list({ fromMs: START_MS, toMs: now + 1, limit: 4 })).toEqual(ids.slice(0, 4));
      expect(await list({ fromMs: START_MS + 1, toMs: now, limit: 100 })).toEqual(ids.slice(1, -1));
      expect(await list({ fromMs: now + 1, toMs: now + 2, limit: 100 })).toEqual([]);
    });
  });
}
