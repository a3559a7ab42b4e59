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
  const details = detailsOf(results);
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

/** What is not well, in the order it was found; what has one remedy stands together above it. */
function detailsOf(results: readonly CheckResult[]): string {
  const byRemedy = new Map<string, (readonly [string, string])[]>();
  for (const result of results) {
    if (result.verdict === 'ok') continue;
    const remedy = result.verdict === 'unchecked' ? '' : result.fix;
    const lines: (readonly [string, string])[] = [
      ['', `${result.check}: ${result.subject}`],
      ...(result.verdict === 'fault'
        ? ([
            ['expected', result.expected],
            ['came', result.came],
          ] as const)
        : ([['why', result.why]] as const)),
    ];
    byRemedy.set(remedy, [...(byRemedy.get(remedy) ?? []), ...lines]);
  }
  return [...byRemedy]
    .map(([remedy, lines]) => [...lines, ...(remedy === '' ? [] : [['do', remedy] as const])])
    .map((lines) => lines.map(([label, text]) => (label === '' ? text : `  ${label.padEnd(8)}  ${text}`)).join('\n'))
    .join('\n\n');
}

function countsOf(results: readonly CheckResult[]): Record<CheckResult['verdict'], number> {
  const count = (verdict: CheckResult['verdict']) => results.filter((result) => result.verdict === verdict).length;
  return { ok: count('ok'), fault: count('fault'), unknown: count('unknown'), unchecked: count('unchecked') };
}
