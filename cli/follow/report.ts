import { createProgress } from '../print/progress.ts';
import { withThousands } from '../print/table.ts';
import type { Out } from '../print/terminal.ts';
import type { FollowCounts } from './follow.ts';
import type { Place } from './place.ts';

/** Lines about single rejected lines; the metrics count all of them. */
const MAX_REJECT_LINES = 20;

export interface Report {
  say(text: string): void;
  reject(text: string): void;
  progress(counts: FollowCounts): void;
  waiting(reason: string | undefined): void;
  /** A metrics line now and then, while nobody watches a terminal. */
  every(look: () => Promise<{ readonly counts: FollowCounts; readonly behindBytes: number }>): { stop(): void };
  end(counts: FollowCounts, place: Place): void;
}

/** What following says on standard error: a line that is drawn over on a terminal, elsewhere `key=value` metrics that any log shipper can read. */
export function createReport(out: Out, everyMs: number, now: () => number = Date.now): Report {
  const progress = createProgress(out);
  const startedMs = now();
  let waitingSinceMs: number | undefined;
  let rejects = 0;
  const say = (text: string) => {
    progress.end();
    out.write(`${new Date(now()).toISOString()} ${text}\n`);
  };
  return {
    say,
    reject(text) {
      rejects++;
      if (rejects <= MAX_REJECT_LINES) say(text);
      if (rejects === MAX_REJECT_LINES) say('further lines of this kind are only counted');
    },
    progress(counts) {
      if (!out.isTTY) return;
      progress.update(`${withThousands(counts.delivered)} events delivered, ${perSecond(counts, now() - startedMs)} per second`);
    },
    waiting(reason) {
      if (reason !== undefined && waitingSinceMs === undefined) {
        waitingSinceMs = now();
        say(`waiting for the receiver: ${reason}`);
      } else if (reason === undefined && waitingSinceMs !== undefined) {
        say(`the receiver takes events again after ${Math.round((now() - waitingSinceMs) / 1000)} s`);
        waitingSinceMs = undefined;
      }
    },
    every(look) {
      if (out.isTTY || everyMs === 0) return { stop() {} };
      const timer = setInterval(() => {
        look().then(
          ({ counts, behindBytes }) =>
            say(
              metrics(counts, {
                behindBytes,
                waitingSeconds: waitingSinceMs === undefined ? 0 : Math.round((now() - waitingSinceMs) / 1000),
              }),
            ),
          () => {}, // The log is being rotated at this very moment: the next line will tell.
        );
      }, everyMs);
      timer.unref();
      return { stop: () => clearInterval(timer) };
    },
    end(counts, place) {
      say(metrics(counts, { offset: place.offset, line: place.line, seconds: Math.round((now() - startedMs) / 1000) }));
    },
  };
}

function metrics(counts: FollowCounts, more: Readonly<Record<string, number>>): string {
  const { rejected, ...numbers } = counts;
  const all = {
    ...numbers,
    ...Object.fromEntries(Object.entries(rejected).map(([reason, count]) => [`rejected_${reason}`, count])),
    ...more,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

function perSecond(counts: FollowCounts, ms: number): string {
  return withThousands(Math.round((counts.delivered / Math.max(1, ms)) * 1000));
}
