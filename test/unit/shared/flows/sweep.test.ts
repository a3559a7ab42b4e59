import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseObjectNotifications } from '../../../../shared/audit/index.ts';
import { type SweepReport, sweepSpool } from '../../../../shared/flows/sweep.ts';

const HOUR = 3_600_000;
const QUARTER = HOUR / 4;

/** A spool, its queue, and a clock: what is delivered leaves both. */
class World {
  now = Date.parse('2026-11-21T00:00:00Z');
  readonly objects = new Map<string, number>();
  readonly messages: string[] = [];

  put(key: string, ageMs = 0, announced = true): void {
    this.objects.set(key, this.now - ageMs);
    if (announced) this.messages.push(key);
  }

  sweep(): Promise<SweepReport> {
    return sweepSpool({
      clock: { now: () => this.now },
      list: async () => ({
        objects: [...this.objects].map(([key, writtenMs]) => ({ bucket: 'spool', key, versionId: `v-${key}`, writtenMs })),
        complete: true,
      }),
      queue: {
        length: async () => this.messages.length,
        send: async (bodies) => {
          for (const body of bodies) this.messages.push(...parseObjectNotifications(body).objects.map(({ key }) => key));
        },
      },
    });
  }

  /** Sweeps for so long, as the schedule does. */
  async pass(ms: number): Promise<void> {
    for (const end = this.now + ms; this.now < end; this.now += QUARTER) await this.sweep();
  }

  /** audit-archive while Falco takes events. */
  deliver(): void {
    for (const key of this.messages.splice(0)) this.objects.delete(key);
  }
}

describe('the sweep of the spool', () => {
  it('says how much lies there and how old it is', async () => {
    const world = new World();
    expect(await world.sweep()).toEqual({ objects: 0, oldestAgeSeconds: 0, messages: 0, requeued: 0, complete: true });
    world.put('a', 90_000);
    world.put('b', 10_000);
    expect(await world.sweep()).toMatchObject({ objects: 2, oldestAgeSeconds: 90, messages: 2 });
  });

  it('announces what nobody announces, of the very version, under whatever name', async () => {
    const sent: string[] = [];
    const now = Date.parse('2026-11-21T00:00:00Z');
    const key = 'aws/lambda/async/fn/2026/a b+c%2F"ü.json';
    for (let turn = 0; turn < 6; turn++) {
      await sweepSpool({
        clock: { now: () => now + turn * HOUR },
        list: async () => ({ objects: [{ bucket: 's', key, versionId: 'v1', writtenMs: now - 2 * HOUR }], complete: true }),
        queue: { length: async () => 0, send: async (bodies) => void sent.push(...bodies) },
      });
    }
    expect(sent).toHaveLength(1);
    expect(parseObjectNotifications(sent[0]).objects).toEqual([{ bucket: 's', key, versionId: 'v1' }]);
  });

  it('leaves alone what was written only now', async () => {
    const world = new World();
    for (let at = 0; at < 50; at++) world.put(`${at}`, 30 * 60_000, false);
    expect(await world.sweep()).toMatchObject({ requeued: 0 });
  });

  it('sends nothing, for however long Falco is away, while there are as many messages as objects', async () => {
    const world = new World();
    for (let at = 0; at < 50; at++) world.put(`${at}`, 2 * HOUR);
    await world.pass(48 * HOUR);
    expect(world.messages).toHaveLength(50);
  });

  it('never fills the queue beyond one message for each object, and finds all that were lost once Falco is back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 60 }), async (announced) => {
        const world = new World();
        for (const [at, known] of announced.entries()) world.put(`${at}`, 2 * HOUR, known);
        await world.pass(12 * HOUR);
        expect(world.messages.length).toBeLessThanOrEqual(announced.length);
        for (let hours = 0; hours < 12; hours++) {
          world.deliver();
          await world.pass(HOUR);
        }
        world.deliver();
        expect([...world.objects.keys()]).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  it('tries poison a few times a day, not with every sweep', async () => {
    const world = new World();
    world.put('poison', 2 * HOUR, false);
    let tries = 0;
    for (let sweeps = 0; sweeps < 96; sweeps++, world.now += QUARTER) {
      await world.sweep();
      tries += world.messages.splice(0).length;
    }
    expect(tries).toBeGreaterThan(0);
    expect(tries).toBeLessThanOrEqual(16);
  });

  it('sends a thousand at most', async () => {
    const world = new World();
    for (let at = 0; at < 10_000; at++) world.put(`${at}`, 2 * HOUR, false);
    expect(await world.sweep()).toMatchObject({ objects: 10_000, requeued: 1_000 });
  });
});
