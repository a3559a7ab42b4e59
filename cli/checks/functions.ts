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
import type { FunctionVpc } from '../../infra/stage/network.ts';
import { type Check, type CheckContext, type Finding, fault, ok, restore } from './check.ts';
import type { DeployedStage } from './stage.ts';

export const functions: Check = {
  id: 'functions',
  title:
    'Every function is there, ready, and set up as the stage file says: mode, detection, rules, clusters; in its role, its network, and without a layer.',
  why: 'A change by hand in the console stays through deployments, which compare templates, and nobody sees it.',
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
  const findings: Finding[] = [];
  const differences = [
    ...difference('runtime', wanted.runtime, came.Runtime),
    ...difference('timeout', String(wanted.timeoutSeconds), String(came.Timeout)),
    ...difference('memory', String(wanted.memoryMiB), String(came.MemorySize)),
    ...difference('handler', wanted.handler, came.Handler),
    ...difference('role', roleArn(wanted, stage), came.Role),
    ...difference('tracing', stage.tracing ? 'Active' : 'PassThrough', came.TracingConfig?.Mode ?? 'PassThrough'),
    ...difference('subnets', sorted(placeOf(wanted, stage)?.subnetIds), sorted(came.VpcConfig?.SubnetIds)),
    // A layer runs before our code, and may change what it does.
    ...difference('layers', undefined, sorted(came.Layers?.map(({ Arn }) => Arn ?? 'one without a name'))),
  ];
  if (came.Environment?.Error !== undefined) {
    const { ErrorCode = '', Message = ErrorCode } = came.Environment.Error;
    const why = `the function's variables cannot be read: ${Message}`;
    findings.push(
      KEY_UNUSABLE.test(ErrorCode)
        ? fault('variables that the function can read', why, 'See data-key below: the function cannot start without it')
        : {
            verdict: 'unknown',
            why,
            fix: `Allow kms:Decrypt on the data key; \`tiercel doctor --stage ${stage.name} --iam-policy\` prints all that doctor needs.`,
          },
    );
  } else {
    const variables = came.Environment?.Variables ?? {};
    differences.push(...Object.entries(wanted.environment).flatMap(([name, value]) => difference(name, value, variables[name])));
    const added = Object.entries(variables).filter(([name, value]) => !(name in wanted.environment) && !isOwnEndpoint(name, value));
    // Whoever added it may have put a secret there.
    differences.push(...added.map(([name]) => ({ expected: `no ${name}`, found: `${name}=(not shown)` })));
  }
  if (differences.length > 0) {
    const list = (side: 'expected' | 'found') => differences.map((each) => each[side]).join(', ');
    findings.push(fault(list('expected'), list('found'), restore(stage)));
  }
  return findings;
}

/** What Lambda says of a key that is disabled, deleted or waits for its deletion; of a missing right it says AccessDenied. */
const KEY_UNUSABLE = /^(KMS)?(Disabled|InvalidState|NotFound)/;

/** Roles are called as their functions are. */
function roleArn({ name }: FunctionSettings, { partition, account }: DeployedStage): string {
  return `arn:${partition}:iam::${account}:role/${name}`;
}

function placeOf({ key }: FunctionSettings, stage: DeployedStage): FunctionVpc | undefined {
  return (
    { auditStream: stage.auditVpc, auditArchive: stage.auditVpc, respond: stage.respondVpc } as Record<string, FunctionVpc | undefined>
  )[key];
}

function sorted(names: readonly string[] = []): string {
  return [...names].sort().join(' ');
}

/** Addresses of the stage's own endpoints are known to CloudFormation alone. */
function isOwnEndpoint(name: string, value: string): boolean {
  return name.startsWith('AWS_ENDPOINT_URL_') && /^https:\/\/[\w.-]+\.vpce\.amazonaws\.com(\.cn)?$/.test(value);
}

/** Characters of a value that are shown. */
const SHOWN = 80;

/** Both values, from shortly before they part. What the stage names is no secret (a test holds the templates to that), only long. */
function difference(name: string, expected = '', found = ''): { readonly expected: string; readonly found: string }[] {
  if (expected === found) return [];
  let at = 0;
  while (expected[at] === found[at]) at++;
  const from = Math.max(expected.length, found.length) > SHOWN ? Math.max(0, at - 20) : 0;
  const shown = (text: string) =>
    text === ''
      ? `${name}=(nothing)`
      : `${name}=${from > 0 ? '…' : ''}${text.slice(from, from + SHOWN)}${text.length > from + SHOWN ? '…' : ''}`;
  return [{ expected: shown(expected), found: shown(found) }];
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
