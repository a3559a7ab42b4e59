import { describe, expect, it } from 'vitest';
import type { Heartbeat, HeartbeatLog } from '../../shared/flows/heartbeats.ts';

const START_MS = Date.parse('2026-11-21T08:00:00Z');
const DIGEST = 'd'.repeat(64);
let serial = 0;

export interface OpenHeartbeats extends HeartbeatLog {
  read(): Promise<ReadonlyMap<string, Heartbeat>>;
}

/** What every implementation must do. `open` may give the same store every time: clusters differ. */
export function heartbeatsContract(name: string, open: () => OpenHeartbeats): void {
  describe(`heartbeats: ${name}`, () => {
    const scene = () => {
      const heartbeats = open();
      const cluster = `${name}-${++serial}`;
      const known = async () => (await heartbeats.read()).get(cluster);
      const beat = (at: number) => ({ id: `beat-${at}`, sentAtMs: START_MS + at * 300_000 });
      const back = (at: number, afterMs = 4_000, digest: string | undefined = DIGEST) => ({
        ...beat(at),
        returnedAtMs: beat(at).sentAtMs + afterMs,
        ...(digest === undefined ? {} : { digest }),
      });
      return { heartbeats, cluster, known, beat, back };
    };

    it('knows nothing of a cluster that never beat, and takes no answer for it', async () => {
      const { heartbeats, cluster, known, back } = scene();
      expect(await heartbeats.returned(cluster, back(0))).toBe(false);
      expect(await known()).toBeUndefined();
    });

    it('knows a beat that was sent, and when it came back with which digest', async () => {
      const { heartbeats, cluster, known, beat, back } = scene();
      await heartbeats.sent(cluster, beat(0));
      expect(await known()).toEqual({ cluster, sentAtMs: START_MS });
      expect(await heartbeats.returned(cluster, back(0))).toBe(true);
      const returned = { sentAtMs: START_MS, returnedAtMs: START_MS + 4_000, roundTripMs: 4_000, digest: DIGEST, earlier: [] };
      expect(await known()).toEqual({ cluster, sentAtMs: START_MS, returned });
      await heartbeats.sent(cluster, beat(1));
      expect(await known()).toEqual({ cluster, sentAtMs: START_MS + 300_000, returned });
    });

    it('says of a beat without a digest that it has none, even after one that had', async () => {
      const { heartbeats, cluster, known, beat, back } = scene();
      for (const at of [0, 1]) await heartbeats.sent(cluster, beat(at));
      await heartbeats.returned(cluster, back(0));
      const { digest: _, ...without } = back(1);
      await heartbeats.returned(cluster, without);
      expect((await known())?.returned).toEqual({
        sentAtMs: START_MS + 300_000,
        returnedAtMs: START_MS + 304_000,
        roundTripMs: 4_000,
        earlier: [DIGEST],
      });
    });

    it('remembers what the two beats before said, newest first', async () => {
      const { heartbeats, cluster, known, beat, back } = scene();
      const { digest: _, ...silent } = back(1);
      const answers = [back(0, 4_000, 'a'), silent, back(2, 4_000, 'c'), back(3, 4_000, 'd')];
      const seen: unknown[] = [];
      for (const [at, answer] of answers.entries()) {
        await heartbeats.sent(cluster, beat(at));
        await heartbeats.returned(cluster, answer);
        seen.push((await known())?.returned?.earlier);
      }
      expect(seen).toEqual([[], ['a'], [undefined, 'a'], ['c', undefined]]);
    });

    it('takes a second answer for no news', async () => {
      const { heartbeats, cluster, known, beat, back } = scene();
      await heartbeats.sent(cluster, beat(0));
      await heartbeats.returned(cluster, back(0));
      expect(await heartbeats.returned(cluster, back(0, 60_000, 'e'.repeat(64)))).toBe(false);
      expect((await known())?.returned).toMatchObject({ roundTripMs: 4_000, digest: DIGEST });
    });

    it('takes beats that come back later than the next was sent, and leaves a newer one in place', async () => {
      const { heartbeats, cluster, known, beat, back } = scene();
      for (const at of [0, 1, 2]) await heartbeats.sent(cluster, beat(at));
      expect(await heartbeats.returned(cluster, back(0, 650_000))).toBe(true);
      expect(await heartbeats.returned(cluster, back(2, 100_000))).toBe(true);
      expect(await heartbeats.returned(cluster, back(1, 500_000))).toBe(false);
      expect((await known())?.returned?.roundTripMs).toBe(100_000);
    });

    it('does not know a beat that nobody sent, that is long gone, or that is another cluster’s', async () => {
      const { heartbeats, cluster, beat, back } = scene();
      for (const at of [0, 1, 2, 3]) await heartbeats.sent(cluster, beat(at));
      await heartbeats.sent(`${cluster}-other`, { ...beat(9), sentAtMs: START_MS });
      expect(await heartbeats.returned(cluster, back(0))).toBe(false);
      expect(await heartbeats.returned(cluster, back(9))).toBe(false);
      expect(await heartbeats.returned(cluster, back(1))).toBe(true);
    });
  });
}
