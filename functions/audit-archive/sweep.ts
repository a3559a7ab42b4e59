import type { Logger } from '@aws-lambda-powertools/logger';
import { type SweepDeps, type SweepReport, sweepSpool } from '../../shared/flows/sweep.ts';
import type { Meter } from '../../shared/platform/observe/meter.ts';

/** What the schedule in infra/resources/sweep.yml sends. */
export function isSweep(event: unknown): boolean {
  return (event as { readonly source?: unknown } | null)?.source === 'tiercel.sweep';
}

/** Looks at the spool and says what it found. @throws what S3 or SQS answered: Lambda asks once more, the next sweep comes anyway. */
export async function sweep(
  deps: SweepDeps | undefined,
  logger: Pick<Logger, 'info' | 'warn'>,
  meter: Meter,
): Promise<SweepReport | undefined> {
  if (deps === undefined) return undefined;
  const report = await sweepSpool(deps);
  meter.record('SpooledObjects', report.objects);
  meter.record('SpoolAge', report.oldestAgeSeconds);
  meter.record('SpoolRequeued', report.requeued);
  if (report.requeued > 0 || !report.complete) logger.warn('spool swept', { ...report });
  else logger.info('spool swept', { ...report });
  return report;
}
