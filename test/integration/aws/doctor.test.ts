import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckContext } from '../../../cli/checks/check.ts';
import { CHECKS } from '../../../cli/checks/registry.ts';
import { type CheckResult, runChecks } from '../../../cli/checks/run.ts';
import { OWN_POLICIES, openPolicies } from '../../../cli/respond/policies.ts';
import { systemClock } from '../../../shared/platform/clock.ts';
import { createDynamoDBModeSwitch } from '../../../shared/respond/index.ts';
import { MOTO_ACCOUNT, motoEndpoint } from '../../support/moto.ts';
import { deployInMoto, type MotoDeployment } from '../../support/moto-deployment.ts';
import { DIGEST, faultsOfTheRoad } from './doctor-faults-road.ts';
import { faultsOfWhatKeeps } from './doctor-faults-stores.ts';

const root = resolve(import.meta.dirname, '../../..');
const stageFile = (port: number) => `
account: '${MOTO_ACCOUNT}'
region: eu-central-1
detection: falco
falco:
  url: http://127.0.0.1:${port}/k8s-audit
  allowPlainHttp: true
  rules: [rules/falco]
  rulesDigest: ${DIGEST}
  loadBalancer: { targets: [10.0.0.0/16] }
mode: shadow
clusters:
  - { name: doctor-shop, path: stream+store }
  - { name: doctor-web, path: stream }
vpc: { id: vpc-1, subnetIds: [subnet-1, subnet-2], securityGroupIds: [sg-1] }
alertLogGroups: [doctor-falco]
alertTopicArn: arn:aws:sns:eu-central-1:${MOTO_ACCOUNT}:doctor-alerts
alarmTopicArn: arn:aws:sns:eu-central-1:${MOTO_ACCOUNT}:doctor-on-call
logRetentionDays: 30
concurrency: { respond: 3 }
`;

describe.skipIf(!motoEndpoint)('tiercel doctor', () => {
  let falco: Server;
  const webhook = { answer: 405 };
  let d: MotoDeployment;
  let context: CheckContext;

  beforeAll(async () => {
    falco = createServer((_, response) => response.writeHead(webhook.answer).end());
    falco.listen(0, '127.0.0.1');
    await once(falco, 'listening');
    d = await deployInMoto('doctor', stageFile((falco.address() as AddressInfo).port));
    for (const { name } of d.stage.watched) await d.beat(name, { minutesAgo: 3, digest: DIGEST });
    await createDynamoDBModeSwitch({ client: d.aws.dynamodb, tableName: d.stage.names.journalTable }).turn({
      mode: 'shadow',
      by: 'carol',
      at: '2026-11-21T08:00:00.000Z',
      why: 'trying it out',
    });
    context = { ...d, clock: systemClock, policies: await openPolicies(OWN_POLICIES) };
  });
  afterAll(() => falco?.close());

  const results = async (changed: Partial<CheckContext> = {}) => await runChecks(CHECKS, { ...context, ...changed });
  const faultsOf = (all: readonly CheckResult[]) => all.filter((result) => result.verdict === 'fault');

  it('finds a healthy stage well, every check of it', async () => {
    const all = await results();
    expect(all.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(new Set(all.map(({ check }) => check))).toEqual(new Set(CHECKS.map(({ id }) => id)));
    expect(all.find(({ check }) => check === 'mode')).toMatchObject({
      note: expect.stringMatching(/^shadow: 0 of \d+ policies act; .*switch at shadow, turned by carol .*: trying it out$/),
    });
    expect(all.find(({ check }) => check === 'heartbeat')).toMatchObject({ note: expect.stringContaining('back after 9 s') });
  });

  it('asks nothing in the wrong account, where everything would be missing', async () => {
    const env = { PATH: process.env.PATH, AWS_ENDPOINT_URL: motoEndpoint, AWS_ACCESS_KEY_ID: 'testing', AWS_SECRET_ACCESS_KEY: 'testing' };
    const run = promisify(execFile)(process.execPath, ['cli/main.ts', 'doctor', '--stage', 'dev'], { cwd: root, env });
    await expect(run).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^tiercel doctor: Stage dev is in account 111111111111, your credentials are for 123456789012/),
    });
  });

  const PLANTED = [...faultsOfTheRoad(() => d, webhook), ...faultsOfWhatKeeps(() => d)];

  it('plants at least ten different faults', () => {
    expect(new Set(PLANTED.map(({ finds: [check] }) => check)).size).toBeGreaterThanOrEqual(10);
  });

  it.each(PLANTED)('$fault: finds that, nothing else, and says what to do', async ({ plant, mend, finds, also = [], context: changed }) => {
    await plant();
    try {
      const found = faultsOf(await results(changed?.())).filter(
        ({ check, subject }) => !also.includes(check) && !also.includes(`${check} ${subject}`),
      );
      const [check, subject, fix] = finds;
      expect(found).toEqual([expect.objectContaining({ check, subject: expect.stringMatching(subject), fix: expect.stringMatching(fix) })]);
    } finally {
      await mend();
    }
  });
});
