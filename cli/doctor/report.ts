import type { CheckResult } from '../checks/run.ts';
import type { DeployedStage } from '../checks/stage.ts';
import { table } from '../print/table.ts';
import { type Out, paletteFor } from '../print/terminal.ts';

export interface DoctorReport {
  readonly stage: DeployedStage;
  /** ARN of who asked. */
  readonly caller: string;
  readonly results: readonly CheckResult[];
  readonly seconds: number;
}

export function outcomeOf(results: readonly CheckResult[]): 'well' | 'faults' | 'unknown' {
  if (results.some(({ verdict }) => verdict === 'fault')) return 'faults';
  return results.some(({ verdict }) => verdict === 'unknown') ? 'unknown' : 'well';
}

/** One JSON document. */
export function reportAsJson({ stage, caller, results, seconds }: DoctorReport): string {
  const { name, account, region } = stage;
  return `${JSON.stringify({ stage: name, account, region, caller, outcome: outcomeOf(results), counts: countsOf(results), seconds, results }, null, 2)}\n`;
}

export function reportAsText({ stage, caller, results, seconds }: DoctorReport, out: Out): string {
  const paint = paletteFor(out);
  const mark = {
    ok: paint.green('ok'),
    fault: paint.red('FAULT'),
    unknown: paint.yellow('unknown'),
    unchecked: paint.dim('unchecked'),
  };
  const rows = table(
    results.map((result) => [mark[result.verdict], result.check, result.subject, summary(result)]),
    { indent: 2 },
  );
  const details = results.flatMap((result) => detail(result)).join('\n');
  const counts = countsOf(results);
  const verdict =
    counts.fault > 0
      ? paint.red(`${counts.fault} ${counts.fault === 1 ? 'fault' : 'faults'}`)
      : counts.unknown > 0
        ? paint.yellow('no fault seen')
        : paint.green('all is well');
  const rest = [
    `${counts.ok} well`,
    ...(counts.unknown > 0 ? [`${counts.unknown} could not be asked`] : []),
    ...(counts.unchecked > 0 ? [`${counts.unchecked} cannot be seen from here`] : []),
  ].join(', ');
  return [
    `Stage ${stage.name} in ${stage.region}, account ${stage.account}, asked as ${caller}`,
    '',
    rows,
    ...(details === '' ? [] : ['', details]),
    '',
    `${verdict}: ${rest}. ${seconds.toFixed(1)} s`,
    '',
  ].join('\n');
}

function summary(result: CheckResult): string {
  if (result.verdict === 'ok') return result.note;
  return result.verdict === 'fault' ? `expected ${result.expected}` : 'see below';
}

function detail(result: CheckResult): readonly string[] {
  const { check, subject } = result;
  if (result.verdict === 'ok') return [];
  const lines: readonly (readonly [string, string])[] =
    result.verdict === 'fault'
      ? [
          ['expected', result.expected],
          ['came', result.came],
          ['do', result.fix],
        ]
      : result.verdict === 'unknown'
        ? [
            ['why', result.why],
            ['do', result.fix],
          ]
        : [['why', result.why]];
  return [`${check}: ${subject}`, table(lines, { indent: 2 })];
}

function countsOf(results: readonly CheckResult[]): Record<CheckResult['verdict'], number> {
  const count = (verdict: CheckResult['verdict']) => results.filter((result) => result.verdict === verdict).length;
  return { ok: count('ok'), fault: count('fault'), unknown: count('unknown'), unchecked: count('unchecked') };
}
