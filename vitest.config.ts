import { defineConfig } from 'vitest/config';

/** `npm test` is the project `laptop`: Node and npm only. `aws` needs moto (see test/integration/aws), `cluster` a kube-apiserver, `long` patience. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'laptop',
          include: ['test/{unit,contract,conformance,simulation,integration/local}/**/*.test.ts'],
          exclude: ['**/*.long.test.ts'],
          testTimeout: 60_000,
          setupFiles: ['test/support/node-version.ts'],
        },
      },
      {
        test: {
          name: 'aws',
          include: ['test/integration/aws/**/*.test.ts'],
          globalSetup: ['test/support/moto.ts'],
          setupFiles: ['test/support/node-version.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'cluster',
          include: ['test/integration/cluster/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      { test: { name: 'long', include: ['test/**/*.long.test.ts'], testTimeout: 3_600_000, hookTimeout: 600_000, fileParallelism: false } },
    ],
  },
});
