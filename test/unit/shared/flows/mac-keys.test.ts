import { ResourceNotFoundException, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { macKeysOf, signingKeyOf } from '../../../../shared/flows/mac-keys.ts';
import { createRotatingSecret, SECRET_KEPT_MS } from '../../../../shared/platform/aws/rotating-secret.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

const version = (letter: string, createdAtMs: number) => ({
  id: `${letter.repeat(8)}-0000-4000-8000-000000000000`,
  value: letter.repeat(64),
  createdAtMs,
});

describe('MAC keys', () => {
  it('are both good while a rotation is under way, the new one first', () => {
    expect(macKeysOf({ current: version('b', 2), previous: version('a', 1) }).map(({ id }) => id)).toEqual(['bbbbbbbb', 'aaaaaaaa']);
    expect(macKeysOf({ current: version('a', 1) })).toHaveLength(1);
  });

  it('sign with the first key at once, for nobody can know another', () => {
    expect(signingKeyOf({ current: version('a', 0) }, 1).id).toBe('aaaaaaaa');
  });

  it('sign with a new key only when nobody can still hold the secret as it was before', () => {
    const rotatedAtMs = 1_000_000;
    const secret = { current: version('b', rotatedAtMs), previous: version('a', 0) };
    // respond may have read the secret just before the rotation, and keeps what it has until then.
    const lastUnaware = rotatedAtMs + SECRET_KEPT_MS;
    for (const nowMs of [rotatedAtMs, lastUnaware - 1, lastUnaware]) expect(signingKeyOf(secret, nowMs).id).toBe('aaaaaaaa');
    expect(signingKeyOf(secret, rotatedAtMs + 2 * SECRET_KEPT_MS).id).toBe('bbbbbbbb');
  });
});

describe('a rotation', () => {
  const MINUTE = 60_000;
  const DAY = 24 * 60 * MINUTE;

  /** Secrets Manager at one moment: rotations are the times at which a version was made and, seconds later, became current. */
  function manager(rotations: readonly number[], now: () => number) {
    const versions = [0, ...rotations].map((at, index) => ({
      VersionId: `${String(index).padStart(8, '0')}-0000-4000-8000-000000000000`,
      SecretString: String(index).padStart(64, '0'),
      CreatedDate: new Date(at),
      currentAtMs: at + 5000,
    }));
    return {
      send: async ({ input }: { input: { VersionStage: string } }) => {
        const current = versions.findLastIndex(({ currentAtMs }, index) => index === 0 || currentAtMs <= now());
        const version = versions[input.VersionStage === 'AWSCURRENT' ? current : current - 1];
        if (version === undefined) throw new ResourceNotFoundException({ $metadata: {}, message: 'none' });
        return version;
      },
    } as unknown as SecretsManagerClient;
  }

  it('makes respond refuse nothing, whenever whoever read the secret', async () => {
    const events = fc.record({ afterMs: fc.integer({ min: 1, max: 4 * MINUTE }), delayMs: fc.integer({ min: 0, max: 10 * MINUTE }) });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -30 * MINUTE, max: MINUTE }),
        fc.array(events, { minLength: 1, maxLength: 30 }),
        async (offset, gaps) => {
          const signing = new VirtualClock(DAY + offset);
          const verifying = new VirtualClock(DAY + offset);
          const rotations = [DAY, 2 * DAY];
          const signer = createRotatingSecret(
            manager(rotations, () => signing.now()),
            'mac',
            signing,
          );
          const verifier = createRotatingSecret(
            manager(rotations, () => verifying.now()),
            'mac',
            verifying,
          );
          for (const { afterMs, delayMs } of gaps) {
            signing.jump(afterMs);
            const { id } = signingKeyOf(await signer(), signing.now());
            verifying.jump(Math.max(0, signing.now() + delayMs - verifying.now()));
            expect(macKeysOf(await verifier()).map((key) => key.id)).toContain(id);
          }
        },
      ),
    );
  });
});
