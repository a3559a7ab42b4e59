#!/usr/bin/env node
import { assertNodeVersion } from '../shared/platform/node-version.ts';

assertNodeVersion();
const { run } = await import('./program.ts');
process.exitCode = await run(process.argv.slice(2));
