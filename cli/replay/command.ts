import { prepare, restamp } from '../../shared/audit/index.ts';
import { createTransport, createWebhookDestination, parseWebhookConfig, type WebhookConfig } from '../../shared/falco/client/index.ts';
import { systemClock, systemRandom } from '../../shared/platform/clock.ts';
import { createProgress } from '../print/progress.ts';
import { withThousands } from '../print/table.ts';
import type { Out } from '../print/terminal.ts';
import { given, readText } from '../usage.ts';
import { openInput } from './input.ts';
import { isAccountedFor, type ReplaySummary, replay } from './replay.ts';
import { summaryAsJson, summaryAsText } from './summary.ts';

export interface ReplayOptions {
  readonly to: string;
  readonly cluster?: string;
  readonly json?: boolean;
  readonly maxBodyBytes?: number;
  readonly maxBodyEvents?: number;
  readonly concurrency?: number;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly giveUpAfter: number;
}

export interface Streams {
  readonly out: Out;
  readonly log: Out;
  readonly stdin: AsyncIterable<Uint8Array>;
}

/** What an EventList has around its items, with room to spare. */
const BODY_FRAME_BYTES = 128;

/** Falco's default `maxEventSize`: a larger event is reduced, because Falco would drop it without a word. */
const MAX_EVENT_BYTES = 262_144;

/** Runs the command. Resolves to whether every event is accounted for. @throws UsageError for wrong options and files that cannot be read. */
export async function runReplay(files: readonly string[], options: ReplayOptions, streams: Streams): Promise<boolean> {
  const config = await configOf(options);
  const input = await openInput(files, streams.stdin, options.cluster);
  const transport = createTransport(config, systemClock);
  const startedMs = Date.now();
  const progress = createProgress(streams.log);
  try {
    const summary = await replay(
      input.items,
      {
        destination: createWebhookDestination(config, { transport, clock: systemClock, random: systemRandom, restamp }),
        prepare: (record) => prepare(record, {}, { maxEventBytes: MAX_EVENT_BYTES }),
        clock: systemClock,
        random: systemRandom,
        onProgress: (soFar) => progress.update(progressText(soFar), input.fractionRead()),
      },
      {
        batchBytes: config.maxBodyBytes - BODY_FRAME_BYTES,
        batchEvents: config.maxBodyEvents,
        concurrency: config.concurrency,
        tryMs: config.requestTimeoutMs + 1000,
        giveUpAfterMs: options.giveUpAfter * 1000,
      },
    );
    progress.end();
    const report = { summary, to: options.to, inputBytes: input.bytesRead(), seconds: (Date.now() - startedMs) / 1000 };
    streams.out.write(options.json ? summaryAsJson(report) : summaryAsText(report, streams.out));
    return isAccountedFor(summary);
  } finally {
    progress.end();
    transport.close();
  }
}

async function configOf(options: ReplayOptions): Promise<WebhookConfig> {
  const pem = async (file: string | undefined, name: string) => (file === undefined ? {} : { [name]: await readText(file) });
  const settings = {
    url: options.to,
    // Replay counts attempts itself, and waits for longer than one delivery may take.
    retries: 0,
    breakerOpenMs: 500,
    ...(options.maxBodyBytes === undefined ? {} : { maxBodyBytes: options.maxBodyBytes }),
    ...(options.maxBodyEvents === undefined ? {} : { maxBodyEvents: options.maxBodyEvents }),
    ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
    ...(await pem(options.ca, 'caPem')),
    ...(await pem(options.cert, 'certPem')),
    ...(await pem(options.key, 'keyPem')),
  };
  return given(() => parseWebhookConfig(settings));
}

function progressText(summary: ReplaySummary): string {
  const counts = `${withThousands(summary.delivered)} of ${withThousands(summary.events)} events delivered`;
  if (summary.waitingSinceMs === undefined) return counts;
  return `${counts}, waiting for the receiver since ${Math.round((Date.now() - summary.waitingSinceMs) / 1000)} s`;
}
