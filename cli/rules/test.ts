import type { Writable } from 'node:stream';
import { type CaseResult, junitReport, type Loads, runTestFile, tally } from '../../shared/falco/engine/tester/index.ts';
import { testerFiles, testPaths } from './files.ts';
import { gradeTests, type Thresholds } from './test-grade.ts';

export type TestReportFormat = 'text' | 'json' | 'junit';

/**
 * Runs the test files at and below the paths. True: nothing failed, and the tests are as good as `thresholds` asks.
 * Text is written as cases end; the other formats at the end.
 */
export async function runRulesTests(
  paths: readonly string[],
  format: TestReportFormat,
  out: Writable,
  thresholds: Thresholds = {},
): Promise<boolean> {
  const results: CaseResult[] = [];
  const loads: Loads = new Map();
  let file = '';
  for await (const path of testPaths(paths)) {
    for await (const result of runTestFile(path, testerFiles, () => performance.now(), loads)) {
      results.push(result);
      if (format !== 'text') continue;
      if (result.file !== file) {
        file = result.file;
        out.write(`${file}\n`);
      }
      out.write(textOf(result));
    }
  }
  const counts = tally(results);
  const hold = counts.failed + counts.broken === 0 && results.length > 0;
  // What does not hold says nothing about how well the rest is tested.
  const grade = hold ? await gradeTests(paths, thresholds) : undefined;
  const ok = hold && grade!.ok;
  if (format === 'json') out.write(`${JSON.stringify({ ok, ...counts, cases: results, ...grade?.measured }, null, 2)}\n`);
  if (format === 'junit') out.write(junitReport(results));
  if (format === 'text') {
    const parts = Object.entries(counts).filter(([status, count]) => count > 0 || status === 'passed');
    out.write(
      results.length === 0
        ? `no *.test.yaml file in ${paths.join(', ')}\n`
        : `\n${parts.map(([status, count]) => `${count} ${status}`).join(', ')}\n${grade?.text ?? ''}`,
    );
  }
  return ok;
}

const MARKS = { passed: '✓', failed: '✗', broken: '!', todo: '…' } as const;

function textOf({ status, name, line, file, messages }: CaseResult): string {
  const where = status === 'failed' || status === 'broken' ? `  (${file}:${line})` : '';
  return `  ${MARKS[status]} ${name}${where}\n${messages.map((message) => `${message.replace(/^/gm, '      ')}\n`).join('')}`;
}
