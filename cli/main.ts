#!/usr/bin/env node
import { TiercelError } from '../shared/platform/errors.ts';
import { assertNodeVersion } from '../shared/platform/node-version.ts';

assertNodeVersion();
// Whoever reads our output may stop early (`| head`). That is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const { EXIT, run } = await import('./program.ts');
try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  // An error that was foreseen says by itself what to do; anything else is a defect and keeps its stack.
  if (!(error instanceof TiercelError)) throw error;
  process.stderr.write(`tiercel: ${error.message}\n`);
  process.exitCode = EXIT.failed;
}
