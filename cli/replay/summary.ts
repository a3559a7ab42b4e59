import { table, withThousands } from '../print/table.ts';
import { type Out, paletteFor } from '../print/terminal.ts';
import { isAccountedFor, type ReplaySummary, total } from './replay.ts';

export interface ReplayReport {
  readonly summary: ReplaySummary;
  readonly to: string;
  /** Bytes of input as they lie on disk. */
  readonly inputBytes: number;
  readonly seconds: number;
}

/** Reject lines shown to a person; the JSON form has more. */
const SHOWN_REJECTS = 20;

/** One JSON object on one line. */
export function summaryAsJson({ summary, to, inputBytes, seconds }: ReplayReport): string {
  const { waitingSinceMs: _, ...counts } = summary;
  return `${JSON.stringify({ to, ...counts, accountedFor: isAccountedFor(summary), inputBytes, seconds })}\n`;
}

export function summaryAsText({ summary, to, seconds }: ReplayReport, out: Out): string {
  const paint = paletteFor(out);
  const undelivered = total(summary.undelivered);
  const verdict = isAccountedFor(summary) ? paint.green('Every event is accounted for.') : paint.red('Not every event is accounted for.');
  const rate = seconds > 0 ? Math.round(summary.delivered / seconds) : summary.delivered;
  const rows: (string | number)[][] = [
    ['events read', summary.events],
    ['delivered', summary.delivered, `to ${to}, ${withThousands(rate)} per second`],
  ];
  if (summary.resent.events > 0) {
    rows.push([
      're-sent',
      summary.resent.events,
      `in ${withThousands(summary.resent.bodies)} bodies whose answer was lost: possible duplicates, marked tiercel.dev/attempt`,
    ]);
  }
  if (summary.reduced > 0) rows.push(['reduced', summary.reduced, 'too large or too deep for Falco: marked audit.k8s.io/truncated']);
  if (summary.salvaged > 0) rows.push(['salvaged', summary.salvaged, 'cut by the log agent, closed: marked audit.k8s.io/truncated']);
  for (const [reason, count] of Object.entries(summary.skipped)) rows.push(['skipped', count, reason]);
  for (const [reason, count] of Object.entries(summary.rejected)) rows.push([paint.yellow('rejected'), count, reason]);
  for (const [reason, count] of Object.entries(summary.undelivered)) rows.push([paint.red('undelivered'), count, reason]);
  const lines = [verdict, table(rows, { indent: 2 })];

  const shown = summary.rejects.slice(0, SHOWN_REJECTS);
  if (shown.length > 0) {
    lines.push('Rejected:', ...shown.map(({ where, message }) => `  ${where}  ${message}`));
    const more = total(summary.rejected) - shown.length;
    if (more > 0) lines.push(`  … and ${withThousands(more)} more (--json lists the first ${withThousands(1000)})`);
  }
  if (!summary.complete) lines.push('The input was not read to its end.');
  if (undelivered > 0)
    lines.push('Nothing of what was delivered needs to be sent again; when the cause is mended, a second replay delivers all of it twice.');
  return `${lines.join('\n')}\n`;
}
