import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { readStage } from '../../infra/stage/read.ts';
import { systemClock } from '../../shared/platform/clock.ts';
import { messageOf, TiercelError } from '../../shared/platform/errors.ts';
import { type AwsClients, createAwsClients } from '../checks/aws-clients.ts';
import type { Check } from '../checks/check.ts';
import { CHECKS } from '../checks/registry.ts';
import { runChecks } from '../checks/run.ts';
import { type DeployedStage, deployedStage } from '../checks/stage.ts';
import { createProgress } from '../print/progress.ts';
import type { Out } from '../print/terminal.ts';
import { OWN_POLICIES, openPolicies } from '../respond/policies.ts';
import { UsageError } from '../usage.ts';
import { clusterOpener } from './clusters.ts';
import { doctorPolicy } from './policy.ts';
import { outcomeOf, reportAsJson, reportAsText } from './report.ts';

export interface DoctorOptions {
  readonly stage: string;
  readonly json?: true;
  readonly check?: readonly string[];
  readonly kubeconfig?: string;
  readonly package?: string;
  readonly iamPolicy?: true;
}

/**
 * Runs the checks and prints what they found.
 * @throws UsageError for a stage or a check that does not exist; TiercelError when nothing can be asked at all.
 */
export async function doctor(
  options: DoctorOptions,
  { out, log }: { readonly out: Out; readonly log: Out },
): Promise<'well' | 'faults' | 'unknown'> {
  const stage = readDeployed(options.stage);
  const checks = chosen(options.check);
  if (options.iamPolicy) {
    out.write(`${JSON.stringify(doctorPolicy(checks, stage), null, 2)}\n`);
    return 'well';
  }
  const aws = createAwsClients(stage.region);
  const caller = await identify(aws, stage);
  const started = systemClock.now();
  const progress = log.isTTY ? createProgress(log) : undefined;
  const results = await runChecks(
    checks,
    {
      stage,
      aws,
      clock: systemClock,
      kube: clusterOpener(stage, options.kubeconfig),
      policies: await openPolicies(OWN_POLICIES),
      ...(options.package === undefined ? {} : { packageFolder: options.package }),
    },
    (done, of) => progress?.update(`${done} of ${of} looked at`, done / of),
  );
  progress?.end();
  const report = { stage, caller, results, seconds: (systemClock.now() - started) / 1000 };
  out.write(options.json ? reportAsJson(report) : reportAsText(report, out));
  return outcomeOf(results);
}

function readDeployed(name: string): DeployedStage {
  if (name === 'local') throw new UsageError('BAD_STAGE', 'Stage local is not deployed anywhere; name one that is (infra/stages/).');
  try {
    return deployedStage(readStage(name));
  } catch (error) {
    throw new UsageError('BAD_STAGE', messageOf(error), { cause: error });
  }
}

function chosen(ids: readonly string[] | undefined): readonly Check[] {
  const unknown = ids?.filter((id) => !CHECKS.some((check) => check.id === id)) ?? [];
  if (unknown.length > 0)
    throw new UsageError('NO_SUCH_CHECK', `There is no check ${unknown.join(', ')}. There are ${CHECKS.map(({ id }) => id).join(', ')}.`);
  return ids === undefined ? CHECKS : CHECKS.filter(({ id }) => ids.includes(id));
}

/** Who asks. In another account every name would be missing, and every finding wrong. */
async function identify({ sts }: AwsClients, { name, account }: DeployedStage): Promise<string> {
  const caller = await sts.send(new GetCallerIdentityCommand({})).catch((error: unknown) => {
    throw new TiercelError(
      'NOT_SIGNED_IN',
      `Expected AWS credentials, but: ${messageOf(error)}. Sign in (aws sso login, AWS_PROFILE, …) and run doctor again.`,
      { cause: error },
    );
  });
  if (caller.Account !== account)
    throw new TiercelError(
      'WRONG_ACCOUNT',
      `Stage ${name} is in account ${account}, your credentials are for ${caller.Account} (${caller.Arn}). Use credentials of ${account}.`,
    );
  return caller.Arn ?? 'somebody';
}
