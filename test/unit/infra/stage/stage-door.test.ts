import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../../../infra/stage/deployment.ts';

type Door = (framework: { readonly options: { readonly stage?: string; readonly region?: string | null } }) => Promise<Deployment>;
const door = createRequire(import.meta.url)('../../../../infra/stage.cjs') as Door;

it('anything unknown in serverless.yml is an error, unless somebody asks for less', () => {
  const text = readFileSync(resolve(import.meta.dirname, '../../../../serverless.yml'), 'utf8');
  expect(text).toMatch(/^configValidationMode: \$\{env:TIERCEL_CONFIG_VALIDATION, 'error'\}$/m);
});

describe('what serverless.yml reads', () => {
  it('is the stage that was asked for, or dev', async () => {
    expect((await door({ options: {} })).name).toBe('dev');
    expect((await door({ options: { stage: 'prod', region: 'eu-central-1' } })).name).toBe('prod');
    // As the framework says that there is none.
    expect((await door({ options: { stage: 'prod', region: null } })).name).toBe('prod');
  });

  it('is refused for another region, which would outweigh the stage file', async () => {
    await expect(door({ options: { stage: 'prod', region: 'us-east-1' } })).rejects.toThrow(
      /prod\.yml is for eu-central-1, got --region us-east-1/,
    );
  });

  it('says what is wrong without where in our code, because the framework shows the stack', async () => {
    const error = await door({ options: { stage: 'nowhere' } }).catch((error: Error) => error);
    expect((error as Error).stack).toBe((error as Error).message);
  });

  it('knows its own account only', async () => {
    const { accountCheck, account } = await door({ options: {} });
    expect(accountCheck.Mappings).toEqual({ AccountOfTheStage: { [account]: { heartbeat: expect.any(String) } } });
  });
});
