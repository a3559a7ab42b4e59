import type { FunctionConfiguration } from '@aws-sdk/client-lambda';
import { GetFunctionConcurrencyCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import type { CheckContext, Finding } from '../../../../cli/checks/check.ts';
import { functions } from '../../../../cli/checks/functions.ts';
import { deployedStage } from '../../../../cli/checks/stage.ts';
import { functionSettings } from '../../../../infra/stage/function-settings.ts';
import { readStage } from '../../../../infra/stage/read.ts';

const stage = deployedStage(readStage('dev'));
const { name, handler, runtime, timeoutSeconds, memoryMiB, environment } = functionSettings('respond', stage);
const WELL: FunctionConfiguration = {
  State: 'Active',
  LastUpdateStatus: 'Successful',
  LastModified: '2026-11-21T08:00:00.000+0000',
  Runtime: runtime as 'nodejs24.x',
  Timeout: timeoutSeconds,
  MemorySize: memoryMiB,
  Handler: handler,
  Role: stage.respondRoleArn,
  TracingConfig: { Mode: 'Active' },
  Environment: { Variables: { ...environment } },
};

async function look(came: FunctionConfiguration): Promise<readonly Finding[]> {
  const lambda = Object.assign(Object.create(LambdaClient.prototype), {
    send: async (command: object) => (command instanceof GetFunctionConcurrencyCommand ? {} : came),
  });
  const subject = functions.subjects({ stage, aws: { lambda } } as unknown as CheckContext).find((each) => each.name === name);
  return [await subject!.look()].flat() as readonly Finding[];
}
const withVariables = (changed: Record<string, string>) => ({ ...WELL, Environment: { Variables: { ...environment, ...changed } } });

describe('the check of functions', () => {
  it('is well with what the stage file says', async () => {
    expect(await look(WELL)).toEqual([{ verdict: 'ok', note: 'current, changed 2026-11-21T08:00' }]);
  });

  it('shows what differs, and of long values the part where they do', async () => {
    const clusters = environment.CLUSTERS!.replace('"region"', '"regoin"');
    const [finding] = await look(withVariables({ MODE: 'enforce', CLUSTERS: `${clusters}${' '.repeat(100)}` }));
    expect(finding).toMatchObject({
      verdict: 'fault',
      expected: expect.stringContaining('MODE=shadow'),
      came: expect.stringContaining('MODE=enforce'),
    });
    expect(finding).toMatchObject({ expected: expect.stringContaining('"region"'), came: expect.stringContaining('"regoin"') });
    expect((finding as { came: string }).came.length).toBeLessThan(200);
  });

  it('names what somebody added, and does not show it', async () => {
    const [finding] = await look(withVariables({ API_TOKEN: 'hunter2' }));
    expect(finding).toMatchObject({ expected: 'no API_TOKEN', came: 'API_TOKEN=(not shown)' });
    expect(JSON.stringify(finding)).not.toContain('hunter2');
  });

  it('takes the stage’s own endpoints as they come, and no others', async () => {
    const own = { AWS_ENDPOINT_URL_SQS: 'https://vpce-0a1-2b3.sqs.eu-central-1.vpce.amazonaws.com' };
    expect(await look(withVariables(own))).toMatchObject([{ verdict: 'ok' }]);
    expect(await look(withVariables({ AWS_ENDPOINT_URL_SQS: 'https://evil.example/.vpce.amazonaws.com' }))).toMatchObject([
      { verdict: 'fault' },
    ]);
  });

  it('looks at the rest where variables cannot be read, and says which right is missing', async () => {
    const Environment = { Error: { ErrorCode: 'AccessDeniedException', Message: 'no kms:Decrypt' } };
    expect(await look({ ...WELL, MemorySize: 128, Environment })).toMatchObject([
      { verdict: 'unknown', fix: expect.stringMatching(/^Allow kms:Decrypt/) },
      { verdict: 'fault', expected: `memory=${memoryMiB}`, came: 'memory=128' },
    ]);
  });

  it('finds a key that nobody can use, which is no missing right', async () => {
    const Environment = { Error: { ErrorCode: 'KMSDisabledException', Message: 'the KMS key used is disabled' } };
    expect(await look({ ...WELL, Environment })).toMatchObject([{ verdict: 'fault', fix: expect.stringMatching(/^See data-key/) }]);
  });

  it.each([
    [
      { Layers: [{ Arn: 'arn:aws:lambda:eu-central-1:999999999999:layer:wrap:1' }] },
      'layers=arn:aws:lambda:eu-central-1:999999999999:layer:wrap:1',
    ],
    [{ Role: 'arn:aws:iam::111111111111:role/admin' }, 'role=arn:aws:iam::111111111111:role/admin'],
    [{ Handler: 'other.handler' }, 'handler=other.handler'],
    [{ VpcConfig: { SubnetIds: ['subnet-2', 'subnet-1'] } }, 'subnets=subnet-1 subnet-2'],
    [{ TracingConfig: { Mode: 'PassThrough' as const } }, 'tracing=PassThrough'],
  ])('finds what somebody changed around the code: %j', async (changed, came) => {
    expect(await look({ ...WELL, ...changed })).toMatchObject([{ verdict: 'fault', came }]);
  });

  it.each([
    [{ State: 'Failed', StateReason: 'The KMS key is disabled' }, /Failed.*KMS key is disabled/],
    [{ LastUpdateStatus: 'Failed' }, /last update Failed/],
  ] as const)('finds a function that is not ready: %j', async (changed, came) => {
    expect(await look({ ...WELL, ...changed })).toMatchObject([{ verdict: 'fault', came: expect.stringMatching(came) }]);
  });
});
