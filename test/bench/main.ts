import { readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../../cli/print/table.ts';
import { assertNodeVersion } from '../../shared/platform/node-version.ts';

/** What a benchmark file returns: a table, and lines that say what its ratios mean. Ratios are of one run on one machine; the rest is colour. */
export interface BenchResult {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  readonly notes: readonly string[];
}

/** This file, and processes that benchmarks start. */
const NOT_BENCHMARKS = new Set(['main.ts', 'receiver.ts', 'tables.ts']);

assertNodeVersion();
const { positionals, values } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean', default: false } } });
const known = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.ts') && !NOT_BENCHMARKS.has(name))
  .map((name) => basename(name, '.ts'))
  .sort();
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`npm run bench -- [--json] [${known.join(' | ')}]: there is no benchmark ${unknown.join(', ')}\n`);
  process.exit(64);
}

process.stderr.write(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}\n`);
const results: Record<string, BenchResult> = {};
for (const name of positionals.length > 0 ? positionals : known) {
  process.stderr.write(`${name} …\n`);
  const { run } = (await import(`./${name}.ts`)) as { run(): Promise<BenchResult> };
  const result = await run();
  results[name] = result;
  if (!values.json)
    process.stdout.write(
      `\n${result.title}\n${table([result.columns, ...result.rows], { indent: 2 })}\n${result.notes.map((note) => `  ${note}\n`).join('')}`,
    );
}
if (values.json) process.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
