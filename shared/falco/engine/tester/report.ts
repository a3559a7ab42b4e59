import type { CaseResult } from './run.ts';

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly broken: number;
  readonly todo: number;
}

export function tally(results: readonly CaseResult[]): Tally {
  const count = (status: CaseResult['status']): number => results.filter((result) => result.status === status).length;
  return { passed: count('passed'), failed: count('failed'), broken: count('broken'), todo: count('todo') };
}

/** JUnit's XML, as CI systems read it: one suite per test file. */
export function junitReport(results: readonly CaseResult[]): string {
  const suites = Map.groupBy(results, ({ file }) => file);
  const all = tally(results);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${results.length}" failures="${all.failed}" errors="${all.broken}" skipped="${all.todo}" time="${seconds(results)}">`,
    ...[...suites].flatMap(([file, cases]) => suite(file, cases)),
    '</testsuites>',
    '',
  ].join('\n');
}

function suite(file: string, cases: readonly CaseResult[]): string[] {
  const { failed, broken, todo } = tally(cases);
  return [
    `  <testsuite name="${escaped(file)}" tests="${cases.length}" failures="${failed}" errors="${broken}" skipped="${todo}" time="${seconds(cases)}">`,
    ...cases.flatMap((one) => {
      const open = `    <testcase name="${escaped(one.name)}" classname="${escaped(file)}" file="${escaped(file)}" line="${one.line}" time="${seconds([one])}"`;
      const kind = ({ failed: 'failure', broken: 'error', todo: 'skipped' } as const)[one.status as 'failed' | 'broken' | 'todo'];
      if (!kind) return [`${open}/>`];
      return [
        `${open}>`,
        `      <${kind} message="${escaped(one.messages[0] ?? '')}">${escaped(one.messages.join('\n'))}</${kind}>`,
        '    </testcase>',
      ];
    }),
    '  </testsuite>',
  ];
}

function seconds(results: readonly CaseResult[]): string {
  return (results.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000).toFixed(3);
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\n': '&#10;' };

/** Characters that XML cannot hold at all become U+FFFD. */
function escaped(text: string): string {
  return text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd').replace(/[&<>"\n]/g, (char) => ENTITIES[char]!);
}
