import { hostname } from 'node:os';
import type { Priority } from '../../shared/falco/alert.ts';
import { alertToJson, createEvaluator } from '../../shared/falco/engine/index.ts';
import { table } from '../print/table.ts';
import { countBroken, newCounts, preFilterRows, rate } from './counts.ts';
import { loadAppendOutput, loadNamedRules, readAll, type Streams } from './input.ts';
import { LineWriter } from './writer.ts';

export interface EvaluateOptions {
  readonly rules?: readonly string[];
  readonly ruleMatching: 'first' | 'all';
  readonly priority?: Priority;
  readonly appendOutput?: string;
  readonly stats?: true;
}

/** `broken`: some of the input is no event that Falco would take. */
export type Outcome = 'done' | 'broken' | 'no rules';

const WHY = {
  malformed: 'is not JSON that Falco can read',
  timestamp: 'has no stageTimestamp that Falco can read, so Falco would not take it',
  oversize: 'is larger than Falco takes (262,144 bytes)',
} as const;

/** Prints Falco's alert for each event and rule that fires, one a line. */
export async function evaluateFiles(files: readonly string[], options: EvaluateOptions, streams: Streams): Promise<Outcome> {
  const rules = await loadNamedRules(options.rules, options.priority, streams.log);
  if (!rules) return 'no rules';
  const evaluator = createEvaluator(rules, {
    ruleMatching: options.ruleMatching,
    appendOutput: await loadAppendOutput(options.appendOutput),
    hostname: hostname(),
  });
  const counts = newCounts();
  const fired = new Map<string, number>();
  const writer = new LineWriter(streams.out);
  const broken = (place: string, reason: string, why: string) => {
    countBroken(counts, reason);
    streams.log.write(`${place}: ${why}\n`);
  };
  const started = performance.now();
  await readAll(files, streams.stdin, {
    event: (raw, place) => {
      const verdict = evaluator.evaluate(raw);
      if (verdict.kind === 'rejected') {
        const { reason } = verdict.rejection;
        if (reason === 'malformed') return false;
        counts.events++;
        broken(place(), reason, `this event ${WHY[reason]}`);
        return true;
      }
      counts.events++;
      if (verdict.kind === 'dropped') return true;
      for (const alert of verdict.alerts) {
        writer.text(alertToJson(alert));
        if (options.stats) fired.set(alert.rule, (fired.get(alert.rule) ?? 0) + 1);
      }
      return true;
    },
    broken: (place, why) => broken(place, 'malformed', why),
    skipped: (count) => {
      counts.skipped += count;
    },
    pause: () => writer.pause(),
  });
  await writer.flush();
  if (options.stats) {
    const alerts = [...fired.values()].reduce((sum, count) => sum + count, 0);
    const rows = [
      ['events', counts.events, rate(counts.events, (performance.now() - started) / 1000)],
      ...[...counts.broken].map(([reason, count]) => [`broken: ${reason}`, count]),
      ...(counts.skipped > 0 ? [['beside events', counts.skipped]] : []),
      ...preFilterRows(evaluator.preFilter),
      ['alerts', alerts],
      ...[...fired].sort(([, a], [, b]) => b - a).map(([rule, count]) => [`  ${rule}`, count]),
    ];
    streams.log.write(`${table(rows)}\n`);
  }
  return counts.broken.size > 0 ? 'broken' : 'done';
}
