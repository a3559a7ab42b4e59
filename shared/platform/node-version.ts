/** Lambda runs Node 24, so everything here does. npm scripts pick the pinned runtime up from `optionalDependencies`. */
const REQUIRED_MAJOR = 24;

/** @throws Error when the running Node is older than the one Lambda runs; the message says how to get the right one. */
export function assertNodeVersion(version: string = process.versions.node): void {
  const major = Number(version.split('.')[0]);
  if (major >= REQUIRED_MAJOR) return;
  throw new Error(
    `Tiercel needs Node ${REQUIRED_MAJOR} or later, this is ${version}. ` +
      'Run it through npm (`npm start`, `npm test`, `npm run -s tiercel -- …`), which uses the Node that `npm ci` installs; ' +
      'if it still is the wrong one, the optional dependencies were left out: run `npm ci` without `--omit=optional`.',
  );
}
