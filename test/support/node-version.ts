import { assertNodeVersion } from '../../shared/platform/node-version.ts';

assertNodeVersion();
