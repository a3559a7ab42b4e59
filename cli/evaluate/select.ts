import type { Priority } from '../../shared/falco/alert.ts';
import { createPreFilter, readEvent } from '../../shared/falco/engine/index.ts';
import { table } from '../print/table.ts';
import { countBroken, newCounts, preFilterRows, rate } from './counts.ts';
import type { Outcome } from './evaluate.ts';
import { loadAppendOutput, loadNamedRules, readAll, type Streams } from './input.ts';
import { LineWriter } from './writer.ts';

export interface SelectOptions {
  readonly rules?: readonly string[];
  readonly priority?: Priority;
  readonly appendOutput?: string;
  readonly stats?: true;
}

/** Prints the events that a rule may match, as they are written, one a line. */
export async function selectFiles(files: readonly string[], options: SelectOptions, streams: Streams): Promise<Outcome> {
  const rules = await loadNamedRules(options.rules, options.priority, streams.log);
  if (!rules) return 'no rules';
  const preFilter = createPreFilter(rules, await loadAppendOutput(options.appendOutput));
  const counts = newCounts();
  const writer = new LineWriter(streams.out);
  const started = performance.now();
  await readAll(files, streams.stdin, {
    event: (raw) => {
      const event = readEvent(raw);
      if (!event) return false;
      counts.events++;
      if (preFilter.couldMatchIndexed(event.index)) writer.raw(raw.includes(0x0a) ? event.onOneLine() : raw);
      return true;
    },
    broken: (place, why) => {
      countBroken(counts, 'malformed');
      streams.log.write(`${place}: ${why}\n`);
    },
    skipped: (count) => {
      counts.skipped += count;
    },
    pause: () => writer.pause(),
  });
  await writer.flush();
  if (options.stats) {
    const rows = [
      ['events', counts.events, rate(counts.events, (performance.now() - started) / 1000)],
      ...[...counts.broken].map(([reason, count]) => [`broken: ${reason}`, count]),
      ...(counts.skipped > 0 ? [['beside events', counts.skipped]] : []),
      ...preFilterRows(preFilter),
    ];
    streams.log.write(`${table(rows)}\n`);
  }
  return counts.broken.size > 0 ? 'broken' : 'done';
}
