import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCases } from './cases.ts';

/**
 * `npm run test:fastjson [-- --require]`: fuzzed events through our preparation and body builder, then into the parser that Falco uses.
 * Without a Go toolchain it says that it did not run; with `--require` that is a failure.
 */
const folder = mkdtempSync(join(tmpdir(), 'tiercel-fastjson-'));
try {
  if (spawnSync('go', ['version']).status !== 0) {
    console.log('fastjson: not run, there is no Go toolchain (https://go.dev/dl, 1.22 or later)');
    process.exitCode = process.argv.includes('--require') ? 1 : 0;
  } else {
    const { seed } = writeCases(folder);
    console.log(`fastjson: cases written, seed ${seed} (SEED=${seed} repeats them)`);
    const { status } = spawnSync('go', ['run', '.', folder], { cwd: import.meta.dirname, stdio: 'inherit' });
    process.exitCode = status ?? 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
