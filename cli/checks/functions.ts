import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type FunctionConfiguration,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  type GetFunctionConfigurationCommandOutput,
} from '@aws-sdk/client-lambda';
import { type FunctionSettings, functionKeys, functionSettings } from '../../infra/stage/function-settings.ts';
import { type Check, type CheckContext, type Finding, fault, ok, restore } from './check.ts';
import type { DeployedStage } from './stage.ts';

export const functions: Check = {
  id: 'functions',
  title: 'Every function is there, ready, and set up as the stage file says: mode, detection, rules, clusters.',
  why: 'A change by hand in the console lasts until the next deployment, and nobody sees it.',
  needs: (stage) => [
    {
      actions: ['lambda:GetFunctionConfiguration', 'lambda:GetFunctionConcurrency'],
      resources: functionKeys().map((key) => stage.functionArn(functionSettings(key, stage).name)),
    },
    decryption(stage, 'lambda'),
  ],
  subjects: (context) =>
    functionKeys().map((key) => {
      const wanted = functionSettings(key, context.stage);
      return { name: wanted.name, look: () => look(wanted, context) };
    }),
};

/** Variables and table items lie under the data key. */
export function decryption(stage: DeployedStage, service: 'lambda' | 'dynamodb') {
  const condition = {
    StringEquals: { 'kms:ViaService': [`${service}.${stage.region}.amazonaws.com`] },
    ...(stage.dataKeyArn === undefined ? { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': [`alias/tiercel-${stage.name}`] } } : {}),
  };
  return { actions: ['kms:Decrypt'], resources: [stage.dataKeyArn ?? stage.arn('kms', 'key/*')], condition };
}

async function look(wanted: FunctionSettings, { stage, aws, packageFolder }: CheckContext): Promise<readonly Finding[]> {
  const FunctionName = wanted.name;
  let came: GetFunctionConfigurationCommandOutput;
  try {
    came = await aws.lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  } catch (error) {
    if ((error as Error).name !== 'ResourceNotFoundException') throw error;
    return [fault(`function ${FunctionName}`, 'there is none', restore(stage))];
  }
  const { ReservedConcurrentExecutions: reserved } = await aws.lambda.send(new GetFunctionConcurrencyCommand({ FunctionName }));
  const findings = [
    ...readiness(came, stage),
    ...settings(wanted, came, stage),
    ...concurrency(wanted, reserved, stage),
    ...(await code(wanted, came, stage, packageFolder)),
  ];
  return findings.length > 0 ? findings : [ok(`current, changed ${came.LastModified?.slice(0, 16) ?? 'at an unknown time'}`)];
}

function readiness({ State = 'Active', StateReason, LastUpdateStatus = 'Successful' }: FunctionConfiguration, stage: DeployedStage) {
  // Lambda lets functions that nobody called for weeks go idle; the next call wakes them.
  if (['Active', 'Inactive'].includes(State) && LastUpdateStatus !== 'Failed') return [];
  return [
    fault('a function that is ready', `${State}, last update ${LastUpdateStatus}: ${StateReason ?? 'no reason given'}`, restore(stage)),
  ];
}

function settings(wanted: FunctionSettings, came: FunctionConfiguration, stage: DeployedStage): readonly Finding[] {
  const pairs: [string, string | number, string | number | undefined][] = [
    ['runtime', wanted.runtime, came.Runtime],
    ['timeout', wanted.timeoutSeconds, came.Timeout],
    ['memory', wanted.memoryMiB, came.MemorySize],
  ];
  const findings: Finding[] = [];
  if (came.Environment?.Error !== undefined) {
    findings.push({
      verdict: 'unknown',
      why: `the function's variables cannot be read: ${came.Environment.Error.Message ?? came.Environment.Error.ErrorCode}`,
      fix: `Allow kms:Decrypt on the data key; \`tiercel doctor --stage ${stage.name} --policy\` prints all that doctor needs.`,
    });
  } else {
    const variables = came.Environment?.Variables ?? {};
    // Addresses of the stage's own endpoints are known to CloudFormation alone.
    const added = Object.keys(variables).filter((name) => !name.startsWith('AWS_ENDPOINT_URL'));
    for (const name of new Set([...Object.keys(wanted.environment), ...added]))
      pairs.push([name, wanted.environment[name] ?? '', variables[name] ?? '']);
  }
  const differing = pairs.filter(([, expected, found]) => expected !== found);
  if (differing.length > 0)
    findings.push(
      fault(
        differing.map(([name, expected]) => `${name}=${shown(expected)}`).join(', '),
        differing.map(([name, , found]) => `${name}=${shown(found)}`).join(', '),
        restore(stage),
      ),
    );
  return findings;
}

/** Values are no secrets (a test holds the templates to that), only long. */
function shown(value: string | number | undefined): string {
  const text = value === undefined || value === '' ? '(nothing)' : String(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
}

function concurrency(wanted: FunctionSettings, reserved: number | undefined, stage: DeployedStage): readonly Finding[] {
  const cap = (stage.concurrency as Readonly<Record<string, number | undefined>>)[wanted.key];
  if (reserved === cap || (cap === undefined && reserved !== 0)) return [];
  const fix =
    cap === undefined
      ? `aws lambda delete-function-concurrency --function-name ${wanted.name}`
      : `aws lambda put-function-concurrency --function-name ${wanted.name} --reserved-concurrent-executions ${cap}`;
  if (reserved === 0) return [fault('a function that may run', 'its reserved concurrency is 0: somebody has switched it off', fix)];
  return [fault(`at most ${cap} at the same time`, `the cap is ${reserved ?? 'not set'}`, fix)];
}

async function code(
  wanted: FunctionSettings,
  { CodeSha256 }: FunctionConfiguration,
  stage: DeployedStage,
  packageFolder: string | undefined,
): Promise<readonly Finding[]> {
  if (packageFolder === undefined) return [];
  const file = join(packageFolder, `${wanted.key}.zip`);
  const expected = createHash('sha256')
    .update(await readFile(file))
    .digest('base64');
  return expected === CodeSha256 ? [] : [fault(`the code of ${file}`, 'other code', restore(stage))];
}
