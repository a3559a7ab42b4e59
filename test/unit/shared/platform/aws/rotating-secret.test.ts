import { GetSecretValueCommand, ResourceNotFoundException, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { createRotatingSecret } from '../../../../../shared/platform/aws/rotating-secret.ts';
import { VirtualClock } from '../../../../support/virtual-clock.ts';

const manager = mockClient(SecretsManagerClient);
const client = new SecretsManagerClient({ region: 'eu-central-1' });
const none = new ResourceNotFoundException({ $metadata: {}, message: 'no such version' });

beforeEach(() => manager.reset());

function holds(current: string | undefined, previous?: string): void {
  manager
    .on(GetSecretValueCommand, { VersionStage: 'AWSCURRENT' })
    .resolves({ ...(current === undefined ? {} : { SecretString: current }), VersionId: `id-${current}`, CreatedDate: new Date(7) });
  const before = manager.on(GetSecretValueCommand, { VersionStage: 'AWSPREVIOUS' });
  if (previous === undefined) before.rejects(none);
  else before.resolves({ SecretString: previous, VersionId: `id-${previous}`, CreatedDate: new Date(5) });
}

describe('a rotating secret', () => {
  it('has no previous version before its first rotation', async () => {
    holds('one');
    expect(await createRotatingSecret(client, 'mac', new VirtualClock())()).toEqual({
      current: { id: 'id-one', value: 'one', createdAtMs: 7 },
    });
  });

  it('is read once in five minutes, and shows both versions after a rotation', async () => {
    const clock = new VirtualClock();
    const read = createRotatingSecret(client, 'mac', clock);
    holds('one');
    await read();
    holds('two', 'one');
    clock.jump(4 * 60_000);
    expect((await read()).current.value).toBe('one');
    clock.jump(60_000);
    expect(await read()).toEqual({
      current: { id: 'id-two', value: 'two', createdAtMs: 7 },
      previous: { id: 'id-one', value: 'one', createdAtMs: 5 },
    });
  });

  it('says which right is missing, and never what it holds', async () => {
    manager.on(GetSecretValueCommand).rejects(new Error('AccessDeniedException'));
    await expect(createRotatingSecret(client, 'mac', new VirtualClock())()).rejects.toThrow(
      /the secret mac.*AccessDenied.*secretsmanager:GetSecretValue/,
    );
  });

  it('must hold a text', async () => {
    holds(undefined);
    await expect(createRotatingSecret(client, 'mac', new VirtualClock())()).rejects.toThrow('at least 32 characters');
  });
});
