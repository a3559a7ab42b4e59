import { randomUUID } from 'node:crypto';
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describe, expect, it } from 'vitest';
import { macKeysOf } from '../../../shared/flows/mac-keys.ts';
import { rotateSecret } from '../../../shared/platform/aws/rotate-secret.ts';
import { createRotatingSecret } from '../../../shared/platform/aws/rotating-secret.ts';
import { systemClock, systemRandom } from '../../../shared/platform/clock.ts';
import { motoEndpoint } from '../../support/moto.ts';

const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;

describe.skipIf(!motoEndpoint)('rotation of the MAC key', () => {
  it('leaves both keys readable, and only both, rotation after rotation', async () => {
    const client = new SecretsManagerClient({
      endpoint: motoEndpoint,
      region: 'eu-central-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    const { ARN } = await client.send(new CreateSecretCommand({ Name: 'tiercel/test/mac-key', SecretString: 'f'.repeat(64) }));
    const keys = async () => macKeysOf(await createRotatingSecret(client, ARN!, systemClock)()).map(({ secret }) => String(secret));
    let before = await keys();
    expect(before).toEqual(['f'.repeat(64)]);
    for (let rotation = 0; rotation < 3; rotation++) {
      // moto cannot begin a rotation without a Lambda of its own, so this one begins where a first attempt at createSecret has crashed.
      const token = randomUUID();
      const begun = { SecretId: ARN!, ClientRequestToken: token, SecretString: systemRandom.hex(32), VersionStages: ['AWSPENDING'] };
      await client.send(new PutSecretValueCommand(begun));
      for (const Step of STEPS) {
        // Each step twice: Secrets Manager tries again when it has not heard an answer.
        for (let attempt = 0; attempt < 2; attempt++)
          await rotateSecret({ Step, SecretId: ARN!, ClientRequestToken: token }, { client, random: systemRandom });
      }
      const now = await keys();
      expect(now).toHaveLength(2);
      expect(now[0]).toBe(begun.SecretString);
      expect(now[1]).toBe(before[0]);
      before = now;
    }
  });
});
