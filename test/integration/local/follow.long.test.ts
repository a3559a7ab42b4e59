import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { FalcoStandIn } from '../../support/falco-stand-in.ts';
import { account, auditLine, eventually, FollowRun, leave } from '../../support/follow-run.ts';
import { LogWriter } from '../../support/log-writer.ts';

const root = mkdtempSync(join(tmpdir(), 'follow-long-'));
afterAll(() => rmSync(root, { recursive: true }));

/** How long the receiver is gone, seconds. */
const AWAY = Number(process.env.FOLLOW_AWAY_SECONDS ?? 75);

it.each(['rename', 'copyTruncate'] as const)(
  '5,000 lines a second, rotated by %s every 10 s, the receiver away for more than a minute',
  async (rotate) => {
    const folder = mkdtempSync(join(root, 'log-'));
    const log = join(folder, 'audit.log');
    await using falco = await FalcoStandIn.start();
    const follow = () =>
      new FollowRun(['--to', falco.url, '--checkpoint', join(folder, 'place.json'), '--from', 'start', '--report-every', '10', log]);
    const writer = new LogWriter({ path: log, linesPerSecond: 5000, line: auditLine });
    const rotation = setInterval(() => writer[rotate](), 10_000);
    let run = follow();
    await sleep(25_000);
    expect(await run.end('SIGTERM')).toBe(0);
    await sleep(3_000);
    run = follow();
    await sleep(5_000);
    await leave(falco);
    await sleep(AWAY * 1000);
    await falco.listen();
    await sleep(10_000);
    clearInterval(rotation);
    const rate = writer.stop();
    expect(await eventually(() => falco.events.length >= writer.written, 240_000)).toBe(true);
    expect(await run.end('SIGTERM')).toBe(0);
    process.stderr.write(
      `${rotate}: ${writer.written} lines at ${Math.round(rate)}/s, ${writer.rotations} rotations\n${run.stderr.split('\n').slice(-4).join('\n')}\n`,
    );
    expect(account(falco.events, writer.written)).toEqual({ missing: 0, twice: 0, strange: 0 });
  },
);
