#!/usr/bin/env node
import { assertNodeVersion } from '../shared/platform/node-version.ts';

assertNodeVersion();
// npm starts scripts in the folder of package.json; files on the command line are named from where the person stands.
const { npm_lifecycle_event: script, INIT_CWD: caller } = process.env;
if (script === 'tiercel' && caller !== undefined) process.chdir(caller);
// Whoever reads our output may stop early (`| head`). That is no failure of ours; and that nobody reads what we say beside it is no reason to stop.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.stderr.on('error', () => {});

const { run } = await import('./program.ts');
process.exitCode = await run(process.argv.slice(2));
