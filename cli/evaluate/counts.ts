import type { PreFilter } from '../../shared/falco/engine/index.ts';
import { withThousands } from '../print/table.ts';

/** What was read. */
export interface ReadCounts {
  events: number;
  /** Values that are no events, or that Falco would not take, by reason. */
  readonly broken: Map<string, number>;
  skipped: number;
}

export function newCounts(): ReadCounts {
  return { events: 0, broken: new Map(), skipped: 0 };
}

export function countBroken(counts: ReadCounts, reason: string): void {
  counts.broken.set(reason, (counts.broken.get(reason) ?? 0) + 1);
}

/** Rows about what the pre-filter kept and dropped, and why. */
export function preFilterRows(preFilter: PreFilter): (readonly (string | number)[])[] {
  if (!preFilter.active)
    return [
      ['pre-filter', 'off'],
      ['  because', preFilter.whyNot ?? ''],
    ];
  const { kept, unclear, dropped } = preFilter.stats;
  const total = kept + unclear + Object.values(dropped).reduce((sum, count) => sum + count, 0);
  const rows: (readonly (string | number)[])[] = [['kept, a rule may match', kept]];
  if (unclear > 0) rows.push(['kept, keys spelt with escapes', unclear]);
  rows.push([
    'dropped, no rule can match',
    total - kept - unclear,
    total > 0 ? `${(((total - kept - unclear) / total) * 100).toFixed(1)} %` : '',
  ]);
  for (const [step, count] of Object.entries(dropped)) if (count > 0) rows.push([`  shown by ${step}`, count]);
  return rows;
}

export function rate(events: number, seconds: number): string {
  return `${seconds.toFixed(2)} s, ${withThousands(Math.round(events / Math.max(seconds, 1e-9)))} events/s`;
}
