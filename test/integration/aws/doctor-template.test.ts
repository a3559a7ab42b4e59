import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAwsClients } from '../../../cli/checks/aws-clients.ts';
import type { CheckContext } from '../../../cli/checks/check.ts';
import { CHECKS } from '../../../cli/checks/registry.ts';
import { type CheckResult, runChecks } from '../../../cli/checks/run.ts';
import { deployedStage } from '../../../cli/checks/stage.ts';
import { parseStage } from '../../../infra/stage/read.ts';
import { systemClock } from '../../../shared/platform/clock.ts';
import { deployStage, packageStage } from '../../support/deployed-stage.ts';
import { MOTO_ACCOUNT, motoClientOptions, motoEndpoint } from '../../support/moto.ts';

const NAME = 'examined';
const STAGE = `account: "${MOTO_ACCOUNT}"
region: ${motoClientOptions.region}
detection: embedded
clusters: [{ name: examined, path: stream }]
logRetentionDays: 30
concurrency: { respond: 3 }
`;

/** Checks of what the stand-in's CloudFormation makes; test/support/deployed-stage.ts says what it does not. */
const COMPARED = ['functions', 'triggers', 'schedules', 'buckets', 'queues', 'tables', 'spool', 'mode'];
/** It makes tables, buckets, queues and functions without these. */
const NOT_MADE = /^(expiry by expiration|point-in-time recovery|all public access blocked|bucket \S+ let in|tracing=Active)$/;

describe.skipIf(!motoEndpoint)('doctor on the packaged template', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tiercel-doctor-'));
  let results: readonly CheckResult[];

  beforeAll(async () => {
    const packageFolder = await packageStage(folder, NAME, STAGE);
    await deployStage(packageFolder, folder, NAME);
    const context = {
      stage: deployedStage({ name: NAME, ...parseStage(`${NAME}.yml`, STAGE) }),
      aws: createAwsClients(motoClientOptions.region, motoClientOptions),
      clock: systemClock,
      policies: { policies: [] },
      packageFolder,
    } as unknown as CheckContext;
    results = await runChecks(
      CHECKS.filter(({ id }) => COMPARED.includes(id)),
      context,
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('finds what is deployed under the names, with the settings and the code that it expects', () => {
    const faults = results.filter((result) => result.verdict !== 'ok' && !(result.verdict === 'fault' && NOT_MADE.test(result.expected)));
    expect(faults).toEqual([]);
    expect(new Set(results.map(({ check }) => check))).toEqual(new Set(COMPARED));
  });
});
