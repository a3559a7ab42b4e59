import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadDetection, type RulesPack } from '../../../../shared/flows/detection.ts';
import { heartbeatEvent } from '../../../../shared/flows/heartbeat-event.ts';
import { READ_EVERY_MS, TRUSTED_MS } from '../../../../shared/flows/heartbeat-gate.ts';
import { createMemoryHeartbeats } from '../../../../shared/flows/heartbeats.ts';
import { createSelection, type SelectionDeps } from '../../../../shared/flows/ingest-selection.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'selection-'));
afterAll(() => rmSync(folder, { recursive: true }));

const appendOutput = join(folder, 'append-output.yaml');
writeFileSync(appendOutput, 'append_output: []\n');

const ruleFor = (name: string, condition: string) =>
  `- rule: ${name}\n  desc: d\n  condition: ${condition}\n  output: o\n  priority: NOTICE\n  source: k8s_audit\n`;
const heartbeatRule = ruleFor('Tiercel Heartbeat', 'ka.uri = /tiercel.dev/heartbeat');

function pack(verb: string, rules = ruleFor(verb, `ka.verb = ${verb}`) + heartbeatRule): RulesPack {
  const file = join(folder, `${verb}.yaml`);
  writeFileSync(file, rules);
  return { rules: [file], digest: loadDetection({ rules: [file] }).digest };
}
const creating = pack('create');
const deleting = pack('delete');

const eventOf = (verb: string, cluster: string | undefined) => ({
  raw: Buffer.from(`{"kind":"Event","auditID":"a","stage":"ResponseComplete","verb":"${verb}","stageTimestamp":"2026-01-02T03:04:05Z"}`),
  origin: { kind: 'file', path: '-', offset: 0, line: 1 } as const,
  identity: cluster === undefined ? {} : { cluster },
});

function scene(more: Partial<SelectionDeps> = {}) {
  const clock = new VirtualClock();
  const heartbeats = createMemoryHeartbeats();
  const readings: number[] = [];
  const lines: unknown[] = [];
  let reads = 0;
  let serial = 0;
  const select = createSelection({
    packs: [creating],
    appendOutput,
    clusters: ['a', 'b'],
    clock,
    readHeartbeats: () => {
      reads++;
      return heartbeats.read();
    },
    logger: { info: (...line: unknown[]) => void lines.push(line), warn: (...line: unknown[]) => void lines.push(line) },
    meter: { record: (name, value) => void (name === 'PreFilterOff' && readings.push(value)) },
    ...more,
  });
  return {
    clock,
    readings,
    lines,
    reads: () => reads,
    select,
    /** A round trip that ends now. */
    beat: async (cluster: string, digest = creating.digest) => {
      const beat = { id: `beat-${serial++}`, sentAtMs: clock.now() - 4_000 };
      await heartbeats.sent(cluster, beat);
      await heartbeats.returned(cluster, { ...beat, returnedAtMs: clock.now(), digest });
    },
    sent: (cluster: string, sentAtMs = clock.now()) => heartbeats.sent(cluster, { id: 'lost', sentAtMs }),
    /** Whether this invocation sends an event that no rule matches. */
    sendsEverythingOf: async (cluster: string | undefined) => {
      const couldMatch = await select();
      expect(couldMatch(eventOf('create', cluster))).toBe(true);
      return couldMatch(eventOf('list', cluster));
    },
  };
}

describe('the pre-filter behind the heartbeat', () => {
  it('is off before the first beat comes back, and on after it', async () => {
    const { clock, beat, sent, sendsEverythingOf, readings } = scene();
    expect(await sendsEverythingOf('a')).toBe(true);
    await sent('a');
    clock.jump(READ_EVERY_MS);
    expect(await sendsEverythingOf('a')).toBe(true);
    await beat('a');
    clock.jump(READ_EVERY_MS);
    expect(await sendsEverythingOf('a')).toBe(false);
    expect(readings).toEqual([2, 2, 1]);
  });

  it('goes off when a cluster falls silent, and on with its next beat, while others stay as they are', async () => {
    const { clock, beat, sendsEverythingOf } = scene();
    await beat('a');
    await beat('b');
    expect([await sendsEverythingOf('a'), await sendsEverythingOf('b')]).toEqual([false, false]);
    for (let minute = 0; minute < 15; minute += 5) {
      clock.jump(5 * 60_000);
      await beat('b');
    }
    expect([await sendsEverythingOf('a'), await sendsEverythingOf('b')]).toEqual([true, false]);
    await beat('a');
    clock.jump(READ_EVERY_MS);
    expect([await sendsEverythingOf('a'), await sendsEverythingOf('b')]).toEqual([false, false]);
  });

  it('goes off in the middle of an invocation that lasts longer than the beat is young', async () => {
    const { clock, beat, select } = scene();
    await beat('a');
    const couldMatch = await select();
    expect(couldMatch(eventOf('list', 'a'))).toBe(false);
    clock.jump(TRUSTED_MS);
    expect(couldMatch(eventOf('list', 'a'))).toBe(true);
  });

  it('goes off when Falco says that it runs other rules, or none that it knows by digest', async () => {
    const { clock, beat, sendsEverythingOf, lines } = scene();
    await beat('a');
    expect(await sendsEverythingOf('a')).toBe(false);
    clock.jump(READ_EVERY_MS);
    await beat('a', deleting.digest);
    expect(await sendsEverythingOf('a')).toBe(true);
    expect(JSON.stringify(lines)).toContain(`Falco runs rules of digest ${deleting.digest}`);
  });

  it('stays off until three beats in a row came from the right rules: each asks one replica of Falco', async () => {
    const { clock, beat, sendsEverythingOf } = scene();
    const next = async (digest?: string) => {
      clock.jump(5 * 60_000);
      await beat('a', digest);
      return sendsEverythingOf('a');
    };
    expect(await next()).toBe(false);
    expect([await next(deleting.digest), await next(), await next(), await next()]).toEqual([true, true, true, false]);
  });

  it('is off for a cluster that nobody named', async () => {
    const { beat, sendsEverythingOf } = scene();
    await beat('a');
    expect([await sendsEverythingOf(undefined), await sendsEverythingOf('stranger')]).toEqual([true, true]);
  });

  it('reads once a minute at most, and says on or off once', async () => {
    const { clock, beat, select, reads, lines } = scene();
    await beat('a');
    await beat('b');
    for (let at = 0; at < 50; at++) {
      await select();
      clock.jump(5_000);
    }
    expect(reads()).toBe(5);
    expect(lines).toHaveLength(1);
  });

  it('is off while heartbeats cannot be read, and does not wait for them', async () => {
    const clock = new VirtualClock();
    const heartbeats = createMemoryHeartbeats();
    const beat = { id: 'b', sentAtMs: clock.now() };
    await heartbeats.sent('a', beat);
    await heartbeats.returned('a', { ...beat, returnedAtMs: clock.now(), digest: creating.digest });
    const answers = [
      () => heartbeats.read(),
      async () => {
        throw new Error('throttled');
      },
      (signal: AbortSignal) =>
        new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })),
      () => heartbeats.read(),
    ];
    const { select } = scene({ clock, readHeartbeats: (signal) => answers.shift()!(signal) });
    const off: boolean[] = [];
    await clock.run(
      (async () => {
        while (answers.length > 0) {
          const startedMs = clock.now();
          off.push((await select())(eventOf('list', 'a')));
          expect(clock.now() - startedMs).toBeLessThanOrEqual(2_000);
          await clock.sleep(READ_EVERY_MS);
        }
      })(),
    );
    expect(off).toEqual([false, true, true, false]);
  });

  it('keeps what either pack could match while rules are rolled out, and believes either digest', async () => {
    const { beat, select } = scene({ packs: [creating, deleting] });
    await beat('a', creating.digest);
    await beat('b', deleting.digest);
    const couldMatch = await select();
    const kept = ['a', 'b'].map((cluster) => ['create', 'delete', 'list'].map((verb) => couldMatch(eventOf(verb, cluster))));
    expect(kept).toEqual([
      [true, true, false],
      [true, true, false],
    ]);
  });

  it('lets the heartbeat itself pass', async () => {
    const { beat, select } = scene();
    await beat('a');
    const raw = Buffer.from(heartbeatEvent({ id: 'tiercel-heartbeat-1', sentAtMs: 0 }));
    expect((await select())({ ...eventOf('get', 'a'), raw })).toBe(true);
  });

  it.each([
    ['the rules are not those of the digest', { packs: [{ ...creating, digest: deleting.digest }] }, 'the stage says that Falco'],
    ['one of two packs is not', { packs: [creating, { ...deleting, digest: '' }] }, 'the stage says that Falco'],
    ['the rules have no heartbeat', { packs: [pack('patch', ruleFor('patch', 'ka.verb = patch'))] }, 'have no rule Tiercel Heartbeat'],
    ['the rules cannot be read', { packs: [{ rules: [join(folder, 'nowhere')], digest: '' }] }, 'there is no such file'],
    ['no heartbeat is sent', { readHeartbeats: undefined }, 'no heartbeat vouches'],
  ])('stays off where %s', async (_, more, why) => {
    const { beat, select, lines, readings } = scene(more);
    await beat('a');
    expect((await select())(eventOf('list', 'a'))).toBe(true);
    expect(JSON.stringify(lines)).toContain(why);
    expect(readings).toEqual([2]);
  });

  it('says nothing and counts nothing where the stage names no rules', async () => {
    const { select, lines, readings, reads } = scene({ packs: [] });
    expect((await select())(eventOf('list', 'a'))).toBe(true);
    expect([lines, readings, reads()]).toEqual([[], [], 0]);
  });
});
