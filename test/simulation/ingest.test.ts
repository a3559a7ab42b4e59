import { describe, expect, it } from 'vitest';
import { type Lie, simulate } from './ingest.ts';

const SEEDS = 100;

/** What fails is printed with the command that replays it. */
async function firstViolation(from: number, to: number, lie?: Lie): Promise<string | undefined> {
  for (let seed = from; seed <= to; seed++) {
    const { violations } = await simulate(seed, lie);
    if (violations.length > 0) return `npm run sim -- --seed ${seed}: ${violations.join('; ')}`;
  }
  return undefined;
}

describe('ingest under faults', () => {
  it(`keeps every event, in ${SEEDS} runs`, async () => {
    expect(await firstViolation(1, SEEDS)).toBeUndefined();
  }, 120_000);

  it('is the same run for the same seed', async () => {
    const [once, again] = [await simulate(7), await simulate(7)];
    expect(again.trace).toEqual(once.trace);
    expect(once.trace.length).toBeGreaterThan(100);
  });

  it('delivers exactly once when triggers come twice and nothing fails', async () => {
    for (const seed of [8, 16, 24]) {
      const { stats, trace } = await simulate(seed);
      expect(stats).toMatchObject({ twice: 0, deaths: 0 });
      expect(trace.length).toBeGreaterThan(0);
    }
  });
});

/** A check that cannot fail proves nothing: each of these lies has to be found out. */
describe('the simulation finds out', () => {
  it.each<[Lie, string]>([
    ['claims are not confirmed', 'delivered twice without need'],
    ['the spool keeps nothing', 'were lost'],
    ['nothing is deleted', 'left in the spool'],
    ['quarantine keeps nothing', 'not in quarantine'],
    ['nobody sweeps', 'left in the spool'],
  ])('when %s', async (lie, violation) => {
    expect(await firstViolation(1, 40, lie)).toContain(violation);
  });
});
