import { parseArgs } from 'node:util';
import { simulate } from './ingest.ts';

/** `npm run sim -- --seed N` replays one run with its trace; `--seeds N [--from M]` runs many and stops at the first that fails. */
const { values } = parseArgs({ options: { seed: { type: 'string' }, seeds: { type: 'string' }, from: { type: 'string' } } });
if (values.seed !== undefined) {
  const report = await simulate(Number(values.seed));
  console.log(report.trace.join('\n'));
  console.log(report.stats);
  console.log(report.violations.length === 0 ? 'No violation.' : `Violations:\n  ${report.violations.join('\n  ')}`);
  process.exitCode = report.violations.length === 0 ? 0 : 1;
} else {
  const from = Number(values.from ?? 1);
  const count = Number(values.seeds ?? 1000);
  const startedMs = Date.now();
  const total = { events: 0, bodies: 0, twice: 0, deaths: 0, condemned: 0, virtualMinutes: 0 };
  for (let seed = from; seed < from + count; seed++) {
    const { violations, stats } = await simulate(seed);
    for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += stats[name];
    if (violations.length === 0) continue;
    console.log(`Seed ${seed}:\n  ${violations.join('\n  ')}\nReplay it: npm run sim -- --seed ${seed}`);
    process.exitCode = 1;
    break;
  }
  console.log(`${count} seeds in ${((Date.now() - startedMs) / 1000).toFixed(1)} s`, total);
}
