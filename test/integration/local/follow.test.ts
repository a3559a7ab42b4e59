import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FalcoStandIn } from '../../support/falco-stand-in.ts';
import { account, auditLine, eventually, FollowRun, leave } from '../../support/follow-run.ts';
import { LogWriter } from '../../support/log-writer.ts';

/** A ceiling, not a pace: what is waited for comes within a second on an idle machine. */
const PATIENCE_MS = 25_000;

const root = mkdtempSync(join(tmpdir(), 'follow-'));
afterAll(() => rmSync(root, { recursive: true }));

let falco: FalcoStandIn;
let folder: string;
let log: string;
beforeEach(async () => {
  falco = await FalcoStandIn.start();
  folder = mkdtempSync(join(root, 'log-'));
  log = join(folder, 'audit.log');
});
afterEach(() => falco.stop());

const follow = (...more: string[]) =>
  new FollowRun(['--to', falco.url, '--cluster', 'dev', '--checkpoint', join(folder, 'place.json'), '--from', 'start', ...more, log]);

describe('tiercel follow, on a log written at 5,000 lines a second', () => {
  it.each(['rename', 'copyTruncate'] as const)(
    'rotation by %s, a restart and a receiver that is away: every line once, in order',
    async (rotate) => {
      const writer = new LogWriter({ path: log, linesPerSecond: 5000, line: auditLine });
      let run = follow();
      await eventually(() => falco.events.length > 500, PATIENCE_MS);
      writer[rotate]();
      await eventually(() => falco.events.length > 2000, PATIENCE_MS);
      await leave(falco);
      await sleep(300);
      writer[rotate]();
      await sleep(200);
      // Stopped while the receiver is away, with a rotation unread, and another one while nobody follows.
      expect(await run.end('SIGTERM')).toBe(0);
      writer[rotate]();
      run = follow();
      await sleep(300);
      await falco.listen();
      await sleep(500);
      const rate = writer.stop();
      expect(await eventually(() => falco.events.length >= writer.written, PATIENCE_MS)).toBe(true);
      expect(await run.end('SIGINT')).toBe(0);

      expect(rate).toBeGreaterThan(4500);
      expect(account(falco.events, writer.written)).toEqual({ missing: 0, twice: 0, strange: 0 });
      const ids = falco.events.map((text) => Number(/"auditID":"id-(\d+)"/.exec(text)?.[1]));
      // Up to four bodies are under way side by side; beyond a block nothing overtakes.
      expect(ids.every((id, at) => Math.abs(id - at) < 10_000)).toBe(true);
      expect(falco.events.every((text) => text.includes('"cluster_name":"dev"'))).toBe(true);
      expect(run.stderr).toMatch(/gaps=0/);
    },
    60_000,
  );

  it('stopped while the receiver takes some bodies and refuses others: every line once', async () => {
    writeFileSync(log, Array.from({ length: 5000 }, (_, id) => `${auditLine(id)}\n`).join(''));
    falco.script({ kind: 'status', code: 503 }, ...Array.from({ length: 3 }, () => ({ kind: 'accept' }) as const));
    falco.behave({ kind: 'status', code: 503 });
    let run = follow();
    expect(await eventually(() => falco.events.length > 1000, PATIENCE_MS)).toBe(true);
    expect(await run.end('SIGTERM')).toBe(0);
    expect(account(falco.events, 5000).missing).toBeGreaterThan(0);
    falco.behave({ kind: 'accept' });
    run = follow();
    expect(await eventually(() => account(falco.events, 5000).missing === 0, PATIENCE_MS)).toBe(true);
    expect(await run.end('SIGTERM')).toBe(0);
    expect(account(falco.events, 5000)).toEqual({ missing: 0, twice: 0, strange: 0 });
  }, 60_000);

  it('goes on when the checkpoint can no longer be written, and says so', async () => {
    const state = join(folder, 'state');
    mkdirSync(state);
    writeFileSync(log, `${auditLine(0)}\n`);
    const run = follow('--checkpoint', join(state, 'place.json'));
    expect(await eventually(() => falco.events.length === 1, PATIENCE_MS)).toBe(true);
    // It may be writing there at this very moment.
    rmSync(state, { recursive: true, maxRetries: 20 });
    for (const id of [1, 2]) {
      appendFileSync(log, `${auditLine(id)}\n`);
      expect(await eventually(() => falco.events.length === id + 1, PATIENCE_MS)).toBe(true);
    }
    mkdirSync(state);
    appendFileSync(log, `${auditLine(3)}\n`);
    expect(await eventually(() => run.stderr.includes('is written again'), PATIENCE_MS)).toBe(true);
    expect(await run.end('SIGTERM')).toBe(0);
    expect(run.stderr.match(/cannot be written/g)).toHaveLength(1);
    expect(run.stderr).toContain('unkept=');
    expect(await follow('--checkpoint', join(state, 'place.json'), '--once').end()).toBe(0);
    expect(account(falco.events, 4)).toEqual({ missing: 0, twice: 0, strange: 0 });
  }, 60_000);

  it('a checkpoint that cannot be written at all is found out at the start', async () => {
    writeFileSync(log, `${auditLine(0)}\n`);
    const run = follow('--checkpoint', join(folder, 'none/place.json'));
    expect(await run.end()).toBe(1);
    expect(run.stderr).toContain('cannot be written');
    expect(falco.events).toHaveLength(0);
  });

  it('killed in the middle: nothing missing, and what came twice is less than a block', async () => {
    const writer = new LogWriter({ path: log, linesPerSecond: 5000, line: auditLine });
    let run = follow();
    await eventually(() => falco.events.length > 1000, PATIENCE_MS);
    falco.behave({ kind: 'slow', ms: 150 });
    await sleep(200);
    expect(await run.end('SIGKILL')).toBe(null);
    falco.behave({ kind: 'accept' });
    run = follow();
    await sleep(300);
    writer.stop();
    expect(await eventually(() => account(falco.events, writer.written).missing === 0, PATIENCE_MS)).toBe(true);
    await run.end('SIGTERM');
    const { twice, strange } = account(falco.events, writer.written);
    expect(strange).toBe(0);
    expect(twice).toBeLessThan((4 * 1024 * 1024) / auditLine(0).length);
  }, 60_000);
});

describe('tiercel follow --once', () => {
  it('delivers what is there, keeps what cannot be delivered with its place, and says both', async () => {
    const rejects = join(folder, 'rejects.ndjson');
    const lines = [auditLine(0), '{"kind":"Event", broken', '', auditLine(1), '{"kind":"Pod"}', auditLine(2)];
    writeFileSync(log, lines.join('\n'));
    const run = follow('--once', '--rejects', rejects);
    expect(await run.end()).toBe(0);
    expect(account(falco.events, 3)).toEqual({ missing: 0, twice: 0, strange: 0 });
    const kept = readFileSync(rejects, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(kept.map(({ line, reason, base64 }) => [line, reason, Buffer.from(base64, 'base64').toString()])).toEqual([
      [2, 'invalid-json', lines[1]],
      [5, 'not-an-audit-event', lines[4]],
    ]);
    expect(run.stderr).toContain('lines=6 delivered=3');
    expect(run.stderr).toContain('rejected_invalid-json=1');
    expect(run.stderr).not.toContain('broken');

    // The same again: the checkpoint says that all of it is done.
    expect(await follow('--once').end()).toBe(0);
    expect(falco.events).toHaveLength(3);
  });

  it('gives up on a receiver that takes nothing, and goes on there the next time', async () => {
    writeFileSync(log, `${auditLine(0)}\n`);
    await falco.refuse();
    const run = follow('--once', '--give-up-after', '1');
    expect(await run.end()).toBe(1);
    expect(run.stderr).toContain('waiting for the receiver');
    await falco.listen();
    expect(await follow('--once').end()).toBe(0);
    expect(account(falco.events, 1)).toEqual({ missing: 0, twice: 0, strange: 0 });
  });

  it('wrong usage: no log, an address without path, a MAC key without id', async () => {
    const to = 'http://127.0.0.1:1/k8s-audit';
    const runs = [
      { args: ['--to', to, '--once', join(folder, 'none.log')], says: 'cannot read' },
      { args: ['--to', 'http://127.0.0.1:1', log], says: 'the path is missing' },
      { args: ['--to', to, '--mac-key', 'x', log], says: 'belong together' },
    ].map(({ args, says }) => ({ run: new FollowRun(args), says }));
    for (const { run, says } of runs) {
      expect(await run.end()).toBe(64);
      expect(run.stderr).toContain(says);
    }
  });
});
