// node .ci/checkov.mjs TEMPLATE…: checkov's findings against those listed in infra/guard/checkov.yml. Exits with 1 for a finding that is not
// listed and for a listed one that does not occur. Needs .cache/venv-checkov (bash .ci/venv checkov).
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '..');
const list = 'infra/guard/checkov.yml';
const templates = process.argv.slice(2);
const output = execFileSync(
  join(root, '.cache/venv-checkov/bin/checkov'),
  [
    '--framework',
    'cloudformation',
    '--skip-download',
    '--compact',
    '--soft-fail',
    '--output',
    'json',
    ...templates.flatMap((file) => ['--file', file]),
  ],
  { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'inherit'] },
);
const { results, summary } = [JSON.parse(output)].flat()[0];
if (!summary || summary.parsing_errors > 0 || summary.resource_count === 0) {
  console.error(`Expected checkov to read ${templates.join(', ')}, got ${JSON.stringify(summary)} ${results?.parsing_errors ?? ''}.`);
  process.exit(1);
}

const entries = parse(readFileSync(join(root, list), 'utf8'));
const without = entries.filter(({ check, reason, resources }) => !check || !reason || !resources?.length);
const listed = new Map(
  entries.flatMap((entry) => entry.resources.map((resource) => [`${entry.check} ${resource}${entry.at ? ` at ${entry.at}` : ''}`, entry])),
);
const narrowed = new Set(entries.filter(({ at }) => at).map(({ check }) => check));
const found = new Map(
  results.failed_checks.map((finding) => {
    const at = narrowed.has(finding.check_id) ? ` at ${finding.check_result.evaluated_keys[0]}` : '';
    return [`${finding.check_id} ${finding.resource}${at}`, `${finding.check_name} (${finding.file_path})`];
  }),
);

const fresh = [...found].filter(([key]) => !listed.has(key)).map(([key, what]) => `not listed in ${list}: ${key}: ${what}`);
const gone = [...listed.keys()].filter((key) => !found.has(key)).map((key) => `listed in ${list}, but does not occur: ${key}`);
for (const problem of [...fresh, ...gone, ...without.map((entry) => `without check, resources or reason: ${JSON.stringify(entry)}`)])
  console.error(problem);
console.log(
  `checkov: ${summary.passed} checks passed on ${summary.resource_count} resources; ${found.size} findings, ${listed.size} listed with a reason`,
);
process.exit(fresh.length + gone.length + without.length > 0 ? 1 : 0);
