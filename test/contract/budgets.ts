import { describe, expect, it } from 'vitest';
import type { Clock } from '../../shared/platform/clock.ts';
import type { Budgets, Reservation } from '../../shared/respond/budget/budget.ts';

const START_MS = Date.parse('2026-11-21T08:00:00Z');
let serial = 0;

/** What every implementation of budgets must do. `open` may give the same store every time: keys differ. */
export function budgetsContract(name: string, open: (clock: Clock) => Budgets): void {
  describe(`budgets: ${name}`, () => {
    const scene = () => {
      let now = START_MS;
      const clock: Clock = { now: () => now, sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
      const prefix = `${name}-${++serial}`;
      const reservation = (claim: string, maxima: Readonly<Record<string, number>>, object = claim): Reservation => ({
        claim: `${prefix}-${claim}`,
        window: {
          key: prefix,
          endsAtMs: START_MS + 3_600_000,
          counters: Object.entries(maxima).map(([what, max]) => ({ what, scope: what, max })),
        },
        cooldown: { what: object, key: `${prefix}/${object}`, untilMs: now + 600_000 },
      });
      return { budgets: open(clock), reservation, pass: (ms: number) => (now += ms) };
    };

    it('gives out as many places as there are, and says what is spent', async () => {
      const { budgets, reservation } = scene();
      for (const claim of ['a', 'b']) expect(await budgets.reserve(reservation(claim, { p: 2 }))).toEqual({ ok: true });
      expect(await budgets.reserve(reservation('c', { p: 2 }))).toEqual({
        ok: false,
        reason: 'the budget of p is spent: 2 in this window',
      });
    });

    it('takes no second place for the same claim', async () => {
      const { budgets, reservation } = scene();
      for (let again = 0; again < 3; again++) expect(await budgets.reserve(reservation('a', { p: 2 }))).toEqual({ ok: true });
      expect(await budgets.reserve(reservation('b', { p: 2 }))).toEqual({ ok: true });
      expect(await budgets.reserve(reservation('a', { p: 2 }))).toEqual({ ok: true });
    });

    it('takes all places or none', async () => {
      const { budgets, reservation } = scene();
      await budgets.reserve(reservation('a', { narrow: 1, wide: 2 }));
      expect((await budgets.reserve(reservation('b', { narrow: 1, wide: 2 }))).ok).toBe(false);
      expect(await budgets.reserve(reservation('c', { wide: 2 }))).toEqual({ ok: true });
    });

    it('names the narrowest of those that are spent, and knows none by the name of something else', async () => {
      const { budgets, reservation } = scene();
      for (const scope of ['', 'pk', 'expiration', 'constructor', '#c0', 'a.b', 'ü'])
        expect(await budgets.reserve(reservation(`a-${scope}`, { [scope]: 1 }))).toEqual({ ok: true });
      await budgets.reserve(reservation('a', { narrow: 1, wide: 1 }));
      expect(await budgets.reserve(reservation('b', { narrow: 1, wide: 1 }))).toMatchObject({
        reason: expect.stringContaining('of narrow'),
      });
      expect(await budgets.reserve(reservation('b', { other: 1, wide: 1 }))).toMatchObject({ reason: expect.stringContaining('of wide') });
    });

    it('counts another window apart', async () => {
      const { budgets, reservation } = scene();
      const later = (claim: string): Reservation => {
        const given = reservation(claim, { p: 1 });
        return { ...given, window: { ...given.window, key: `${given.window.key}-later` } };
      };
      expect(await budgets.reserve(reservation('a', { p: 1 }))).toEqual({ ok: true });
      expect(await budgets.reserve(later('b'))).toEqual({ ok: true });
      expect((await budgets.reserve(later('c'))).ok).toBe(false);
    });

    it('lets what was refused for want of a place be taken by another at once', async () => {
      const { budgets, reservation } = scene();
      await budgets.reserve(reservation('a', { spent: 1 }));
      expect((await budgets.reserve(reservation('b', { spent: 1 }, 'pod'))).ok).toBe(false);
      expect(await budgets.reserve(reservation('c', { free: 1 }, 'pod'))).toEqual({ ok: true });
    });

    it('leaves an object alone while it cools down, and not longer', async () => {
      const { budgets, reservation, pass } = scene();
      await budgets.reserve(reservation('a', { p: 9 }, 'pod'));
      expect(await budgets.reserve(reservation('b', { p: 9 }, 'pod'))).toEqual({ ok: false, reason: 'pod was acted on a short while ago' });
      expect(await budgets.reserve(reservation('a', { p: 9 }, 'pod'))).toEqual({ ok: true });
      pass(600_001);
      expect(await budgets.reserve(reservation('b', { p: 9 }, 'pod'))).toEqual({ ok: true });
    });

    it('counts a question, and lets it cool nothing down', async () => {
      const { budgets, reservation } = scene();
      const question = (claim: string): Reservation => {
        const { cooldown: _cooldown, ...asked } = reservation(claim, { p: 3 }, 'pod');
        return asked;
      };
      for (const claim of ['a', 'b']) expect(await budgets.reserve(question(claim))).toEqual({ ok: true });
      expect(await budgets.reserve(reservation('c', { p: 3 }, 'pod'))).toEqual({ ok: true });
      // Nor is it kept from being asked because the object cools down.
      expect(await budgets.reserve(question('c'))).toEqual({ ok: true });
      expect(await budgets.reserve(question('d'))).toMatchObject({ ok: false, reason: expect.stringContaining('of p is spent') });
    });

    it('is exact in nested counters, however many ask at once', async () => {
      const { budgets, reservation } = scene();
      const claims = Array.from({ length: 40 }, (_, at) => ({
        claim: `claim-${at}`,
        namespace: `n${at % 5}`,
        cluster: `c${(at % 5) % 2}`,
      }));
      const results = await Promise.all(
        claims.map(async ({ claim, namespace, cluster }) => ({
          namespace,
          cluster,
          ...(await budgets.reserve(reservation(claim, { [namespace]: 2, [cluster]: 5, policy: 7 }))),
        })),
      );
      const granted = results.filter(({ ok }) => ok);
      const most = (of: 'namespace' | 'cluster') =>
        Math.max(...Object.values(Object.groupBy(granted, (result) => result[of])).map((group) => group!.length));
      expect({ policy: granted.length, cluster: most('cluster') <= 5, namespace: most('namespace') <= 2 }).toEqual({
        policy: 7,
        cluster: true,
        namespace: true,
      });
    });

    it('is exact however many ask at once', async () => {
      const { budgets, reservation } = scene();
      const claims = Array.from({ length: 24 }, (_, at) => `claim-${at}`);
      // Every claim asks twice, as a retry would while the first attempt is still under way.
      const results = await Promise.all(
        [...claims, ...claims].map(async (claim) => ({ claim, ...(await budgets.reserve(reservation(claim, { a: 7, b: 20 }))) })),
      );
      const granted = new Set(results.filter(({ ok }) => ok).map(({ claim }) => claim));
      expect(granted.size).toBe(7);
      for (const claim of granted) expect(results.filter((result) => result.claim === claim && result.ok)).toHaveLength(2);
    });
  });
}
