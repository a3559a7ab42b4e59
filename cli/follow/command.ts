import { appendFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type MacKey, prepare, restamp } from '../../shared/audit/index.ts';
import { createTransport, createWebhookDestination, parseWebhookConfig } from '../../shared/falco/client/index.ts';
import { systemClock, systemRandom } from '../../shared/platform/clock.ts';
import { messageOf, TiercelError } from '../../shared/platform/errors.ts';
import type { Out } from '../print/terminal.ts';
import { given, isFolder, readText, UsageError } from '../usage.ts';
import { Follow, type FollowEnd, type RejectedLine } from './follow.ts';
import { type Place, readCheckpoint, writeCheckpoint } from './place.ts';
import { createReport, type Report } from './report.ts';
import { beginning, Tail } from './tail.ts';

export interface FollowOptions {
  readonly to: string;
  readonly cluster?: string;
  readonly account?: string;
  readonly region?: string;
  readonly checkpoint?: string;
  readonly rejects?: string;
  readonly from?: 'start' | 'end';
  readonly once?: boolean;
  readonly giveUpAfter?: number;
  readonly reportEvery: number;
  readonly maxEventBytes: number;
  readonly macKey?: string;
  readonly macKeyId?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

const POLL_MS = 200;
/** A receiver that answers later than this is asked again, and may have the events twice. Kubernetes kills a pod 30 s after asking it to stop. */
const REQUEST_TIMEOUT_MS = 20_000;
const SHORTEST_SECRET_BYTES = 32;

/** Runs the command until the end of the log (`--once`), a signal, or for ever. @throws UsageError for wrong options and files that cannot be read; TiercelError when the place or a reject cannot be kept. */
export async function runFollow(logFile: string, options: FollowOptions, log: Out, stop: AbortSignal): Promise<FollowEnd> {
  const path = resolve(logFile);
  const settings = {
    url: options.to,
    // Attempts are counted here, and wait for longer than one delivery may take.
    retries: 0,
    breakerOpenMs: 500,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    ...(await pem(options.ca, 'caPem')),
    ...(await pem(options.cert, 'certPem')),
    ...(await pem(options.key, 'keyPem')),
  };
  const config = await given(() => parseWebhookConfig(settings));
  const mac = await macKeyOf(options);
  await mustBeFile(path, options.once === true);
  const checkpoint = options.checkpoint;
  const known = checkpoint === undefined ? undefined : await readCheckpoint(checkpoint, path);
  const report = createReport(log, options.reportEvery * 1000);
  const place = known ?? (await beginning(path, options.from ?? (options.once ? 'start' : 'end')));
  report.say(`following ${path} from byte ${place.offset} (${known ? 'checkpoint' : 'no checkpoint yet'}) to ${config.url}`);

  const tail = Tail.at(path, place, {
    rotated: () => {
      follow.counts.rotations++;
    },
    gap: (at) => {
      follow.counts.gaps++;
      report.say(`the file that was read up to byte ${at.offset} is gone: what followed in it was not seen; keep rotated files for longer`);
    },
  });
  const transport = createTransport(config, systemClock);
  const follow: Follow = new Follow(
    {
      tail,
      path,
      identity: identityOf(options),
      prepare: (record) => prepare(record, mac === undefined ? {} : { mac }, { maxEventBytes: options.maxEventBytes }),
      destination: createWebhookDestination(config, { transport, clock: systemClock, random: systemRandom, restamp }),
      checkpoint: checkpoint === undefined ? async () => {} : keeper(checkpoint, known !== undefined, report, () => follow.counts.unkept++),
      reject: async (line) => {
        report.reject(`line ${line.line} (byte ${line.offset}) cannot be delivered: ${line.reason}`);
        if (options.rejects !== undefined) await keep(options.rejects, path, line);
      },
      clock: systemClock,
      random: systemRandom,
      onProgress: (counts) => report.progress(counts),
      onWaiting: (reason) => report.waiting(reason),
    },
    {
      pollMs: POLL_MS,
      tryMs: REQUEST_TIMEOUT_MS + 1000,
      once: options.once === true,
      giveUpAfterMs: (options.giveUpAfter ?? (options.once ? 60 : Number.POSITIVE_INFINITY)) * 1000,
    },
    stop,
  );
  const ticking = report.every(async () => ({ counts: follow.counts, behindBytes: await tail.behindBytes() }));
  try {
    return await follow.run();
  } finally {
    ticking.stop();
    report.end(follow.counts, tail.place);
    await tail.close();
    transport.close();
  }
}

/**
 * Keeps places in `file`. A wrong file is found out by the first place, unless there has been one (`known`); later, a full disk is no
 * reason to stop watching: what is delivered since is delivered again after a restart, and that is said.
 */
function keeper(file: string, known: boolean, report: Report, failed: () => void): (place: Place) => Promise<void> {
  let works = known;
  let failing = false;
  return async (place) => {
    try {
      await writeCheckpoint(file, place);
      if (failing) report.say(`checkpoint ${file} is written again`);
      failing = false;
      works = true;
    } catch (error) {
      if (!works) throw error;
      failed();
      if (!failing) report.say(`${messageOf(error)}; following goes on, and a restart delivers again what comes from here on`);
      failing = true;
    }
  };
}

function identityOf({ cluster, account, region }: FollowOptions) {
  return {
    ...(cluster === undefined ? {} : { cluster }),
    ...(account === undefined ? {} : { account }),
    ...(region === undefined ? {} : { region }),
  };
}

/** Without `--once` the log may still have to be made. */
async function mustBeFile(path: string, now: boolean): Promise<void> {
  const folder = await isFolder(path).catch((error: unknown) => {
    if (now) throw error;
    return false;
  });
  if (folder) throw new UsageError('FILE_UNREADABLE', `cannot read ${path}: it is a directory, expected a file`);
}

async function pem(file: string | undefined, name: string): Promise<Record<string, string>> {
  return file === undefined ? {} : { [name]: await readText(file) };
}

async function macKeyOf({ macKey, macKeyId }: FollowOptions): Promise<MacKey | undefined> {
  if (macKey === undefined && macKeyId === undefined) return undefined;
  if (macKey === undefined || macKeyId === undefined) {
    throw new UsageError(
      'BAD_ARGUMENT',
      '--mac-key and --mac-key-id belong together: the file with the secret, and the id respond knows it by',
    );
  }
  const secret = Buffer.from((await readText(macKey)).replace(/\r?\n$/, ''));
  if (secret.length < SHORTEST_SECRET_BYTES || !/^[\w-]{1,32}$/.test(macKeyId)) {
    throw new UsageError(
      'BAD_ARGUMENT',
      `expected a secret of at least ${SHORTEST_SECRET_BYTES} bytes in ${macKey}, and an id of 1–32 letters, digits, - or _`,
    );
  }
  return { id: macKeyId, secret };
}

/** One JSON object a line: the place, the reason, and the line itself as base64, so that whatever it is stays as it was. */
async function keep(file: string, path: string, { offset, line, reason, bytes }: RejectedLine): Promise<void> {
  const entry = { path, offset, line, reason, ...(bytes === undefined ? {} : { base64: Buffer.from(bytes).toString('base64') }) };
  await appendFile(file, `${JSON.stringify(entry)}\n`, { mode: 0o600 }).catch((error: unknown) => {
    throw new TiercelError('FILE_UNWRITABLE', `${file} cannot be written: ${messageOf(error)}`, { cause: error });
  });
}
