// Prints `passed <TAB> failed <TAB> skipped <TAB> detail` for a step: from vitest's JSON report, or from the lines of `go test -v` in its log.
import { existsSync, readFileSync } from 'node:fs';

const [report, log] = process.argv.slice(2);

if (existsSync(report)) {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests = 0, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const conformance = testResults
    .filter(({ name }) => name.includes('/test/conformance/'))
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'passed').length;
  const broken = testResults.flatMap(({ name, message, assertionResults }) => {
    const tests = assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName }) => `${name.replace(/^.*\/test\//, 'test/')}: ${fullName}`);
    return tests.length === 0 && message ? [`${name.replace(/^.*\/test\//, 'test/')}: ${message.split('\n')[0]}`] : tests;
  });
  const detail = `${numPassedTests} tests in ${testResults.length} files${conformance > 0 ? `, ${conformance} of them conformance` : ''}${broken.length > 0 ? `; failed: ${broken.slice(0, 10).join('; ')}` : ''}`;
  // A file that could not be loaded has no failed test, but is one.
  console.log([numPassedTests, Math.max(numFailedTests, broken.length), numPendingTests + numTodoTests, detail].join('\t'));
} else {
  const text = readFileSync(log, 'utf8');
  const count = (verdict) => text.match(new RegExp(`^\\s*--- ${verdict}: `, 'gm'))?.length ?? 0;
  const [passed, failed, skipped] = [count('PASS'), count('FAIL'), count('SKIP')];
  if (passed + failed + skipped > 0) console.log([passed, failed, skipped, `${passed} Go tests`].join('\t'));
}
