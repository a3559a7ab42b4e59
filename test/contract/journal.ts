import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../shared/platform/clock.ts';
import { type Draft, type Journal, JournalContentionError } from '../../shared/respond/journal/journal.ts';

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
    parameters: { labels: { a: null } },
    intent: 'delete clusterrolebindings pwn',
    steps: [],
    caveats: [],
    attempt: 1,
    target: { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1', resource: 'clusterrolebindings', name: 'pwn', uid: 'u-1' },
    rules: ['Attach to cluster-admin Role'],
    cluster: 'prod-1',
    user: 'mallory',
    alert: {
      rule: 'r',
      source: 'k8s_audit',
      priority: 'Warning',
      time: '2026-11-21T08:58:59.000000000Z',
      output: '',
      output_fields: { 'ka.verb': 'create' },
    },
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
      const { entry, won } = await journal.record(draft());
      expect(won).toBe(true);
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
      const first = await journal.record(draft());
      now += 1000;
      const again = await journal.record(draft({ rules: ['Another Rule'], policy: 'other', intent: 'something else' }));
      expect(again.won).toBe(false);
      expect(again.entry).toEqual({ ...first.entry, rules: ['Another Rule', 'Attach to cluster-admin Role'] });
      expect(await journal.find(first.entry.id)).toEqual(again.entry);
    });

    it('writes nothing when a later decision says nothing new', async () => {
      const { entry } = await journal.record(draft());
      now += 1000;
      expect(await journal.record(draft())).toEqual({ entry, won: false });
    });

    it('lets a plan replace a refusal, never the other way round', async () => {
      await journal.record(draft({ status: 'refused', policy: 'first' }));
      expect((await journal.record(draft({ policy: 'second' }))).entry).toMatchObject({ status: 'planned', policy: 'second' });
      expect((await journal.record(draft({ status: 'refused', policy: 'third' }))).entry).toMatchObject({
        status: 'planned',
        policy: 'second',
      });
    });

    it('lets an intent replace a plan, and lets nothing replace what was set in motion', async () => {
      await journal.record(draft());
      const { entry, won } = await journal.record(draft({ status: 'open', policy: 'second', leaseUntilMs: now + 1 }));
      expect({ won, status: entry.status }).toEqual({ won: true, status: 'open' });
      for (const status of ['open', 'planned', 'refused', 'awaiting-approval'] as const) {
        expect(await journal.record(draft({ status, policy: 'third' }))).toEqual({ entry, won: false });
      }
    });

    it('saves for the one who holds the entry, and for nobody else', async () => {
      const { entry } = await journal.record(draft({ status: 'open' }));
      now += 5;
      const saved = await journal.save({ ...entry, status: 'done', remark: 'r' });
      expect(saved).toEqual({ ...entry, status: 'done', remark: 'r', version: 2, updatedAtMs: now });
      expect(await journal.find(entry.id)).toEqual(saved);
      await expect(journal.save({ ...entry, status: 'failed' })).rejects.toThrow(JournalContentionError);
      await expect(journal.save({ ...entry, id: `${'f'.repeat(40)}-${'0'.repeat(12)}` })).rejects.toThrow(JournalContentionError);
      expect(await journal.find(entry.id)).toEqual(saved);
    });

    it('adds a rule without disturbing whoever holds the entry', async () => {
      const { entry } = await journal.record(draft({ status: 'open' }));
      const joined = await journal.join(entry, ['Another Rule']);
      expect(joined.rules).toEqual(['Another Rule', 'Attach to cluster-admin Role']);
      const saved = await journal.save({ ...entry, status: 'done' });
      expect(saved).toMatchObject({ status: 'done', rules: joined.rules });
    });

    it('is not filled by rules that somebody makes up', async () => {
      let { entry } = await journal.record(draft());
      for (let at = 0; at < 80; at++) entry = await journal.join(entry, [`rule ${at}`]);
      expect(entry.rules).toHaveLength(64);
      expect((await journal.find(entry.id))?.rules).toHaveLength(64);
    });

    it('keeps any object whole, however it is made', async () => {
      let nested: unknown = 'x';
      for (let depth = 0; depth < 100; depth++) nested = depth % 2 ? [nested] : { '': nested, big: 9007199254740991 };
      const effect = {
        verb: 'create' as const,
        object: { apiGroup: '', apiVersion: 'v1', resource: 'pods', name: 'p' },
        manifest: { nested: nested as never },
      };
      const { entry } = await journal.record(draft({ steps: [{ effect, state: 'intended' }] }));
      expect(await journal.find(entry.id)).toEqual(entry);
    });

    it('loses no rule and has one first when many record at once', async () => {
      const rules = Array.from({ length: 6 }, (_, at) => `rule ${at}`);
      const results = await Promise.all(rules.map((rule) => journal.record(draft({ rules: [rule] }))));
      expect(results.filter(({ won }) => won)).toHaveLength(1);
      const entry = await journal.find(draft().id);
      expect([...entry!.rules].sort()).toEqual(rules);
    });

    it('gives back all responses to a happening, however large they are together', async () => {
      const event = 'c'.repeat(40);
      const ids: string[] = [];
      for (let at = 0; at < 5; at++) {
        const { entry } = await journal.record(draft({ event, key: `${at}`.repeat(12), remark: `${at}`.repeat(300_000) }));
        ids.push(entry.id);
      }
      await journal.record(draft({ event: 'd'.repeat(40), key: '0'.repeat(12) }));
      const found = await journal.ofEvent(event);
      expect(found.map(({ id, remark }) => [id, remark?.length]).sort()).toEqual(ids.map((id) => [id, 300_000]));
    });

    it('replaces a decision under its first time, in the version after', async () => {
      const { entry } = await journal.record(draft({ status: 'refused' }));
      now += 7;
      const replaced = await journal.record(draft({ status: 'planned' }));
      expect(replaced).toEqual({ entry: { ...entry, status: 'planned', version: 2, updatedAtMs: now }, won: true });
    });

    it('keeps nothing that says undefined', async () => {
      const { entry } = await journal.record(draft({ cluster: undefined, user: undefined } as never));
      expect(await journal.find(entry.id)).toMatchObject({ id: entry.id });
      expect(await journal.list({ fromMs: now, toMs: now + 1, limit: 1 })).toEqual([
        {
          id: entry.id,
          status: 'planned',
          mode: 'shadow',
          policy: 'remove-binding',
          action: 'delete-binding',
          intent: draft().intent,
          createdAtMs: now,
        },
      ]);
    });

    it('lists what happened in one hour, by time and then by id, as many as are asked for', async () => {
      const ids: string[] = [];
      for (let at = 0; at < 20; at++) {
        now = START_MS + Math.floor(at / 2);
        const { entry } = await journal.record(draft({ event: ((at * 7) % 20).toString(16).padStart(8, '0').repeat(5) }));
        ids.push(entry.id);
      }
      const newest = ids.map((id, at) => ({ id, ms: Math.floor(at / 2) })).sort((a, b) => b.ms - a.ms || (a.id < b.id ? 1 : -1));
      const list = async (limit: number) => (await journal.list({ fromMs: START_MS, toMs: now + 1, limit })).map(({ id }) => id);
      expect(await list(100)).toEqual(newest.map(({ id }) => id));
      for (const limit of [1, 7, 20]) expect(await list(limit)).toEqual(newest.slice(0, limit).map(({ id }) => id));
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
