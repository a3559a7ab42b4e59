// Prints `passed <TAB> failed <TAB> skipped <TAB> detail` for a step: from vitest's JSON report, or from the lines of `go test -v` in its log.
import { existsSync, readFileSync } from 'node:fs';

const [report, log] = process.argv.slice(2);

if (existsSync(report)) {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests = 0, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const conformance = testResults
    .filter(({ name }) => name.includes('/test/conformance/'))
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'passed').length;
  const detail = `${numPassedTests} tests in ${testResults.length} files${conformance > 0 ? `, ${conformance} of them conformance` : ''}`;
  console.log([numPassedTests, numFailedTests, numPendingTests + numTodoTests, detail].join('\t'));
} else {
  const text = readFileSync(log, 'utf8');
  const count = (verdict) => text.match(new RegExp(`^\\s*--- ${verdict}: `, 'gm'))?.length ?? 0;
  const [passed, failed, skipped] = [count('PASS'), count('FAIL'), count('SKIP')];
  if (passed + failed + skipped > 0) console.log([passed, failed, skipped, `${passed} Go tests`].join('\t'));
}
