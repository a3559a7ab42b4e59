import { GetSecretValueCommand, ResourceNotFoundException, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Clock } from '../clock.ts';
import { messageOf, TiercelError } from '../errors.ts';

/** The two newest versions of a secret: sign with `current`, accept both while a rotation is under way. */
export interface RotatingSecret {
  readonly current: SecretVersion;
  readonly previous?: SecretVersion;
}

interface SecretVersion {
  /** Secrets Manager's version id; public, it only says which version was used. */
  readonly id: string;
  readonly value: string;
  /** When the version was made, epoch **ms**; a rotation makes it current within seconds. */
  readonly createdAtMs: number;
}

/** A rotation is noticed after at most this long, **ms**. */
export const SECRET_KEPT_MS = 5 * 60_000;

/** Reads a secret of Secrets Manager, and again when what it has is five minutes old. @throws TiercelError when there is none to be had. */
export function createRotatingSecret(client: SecretsManagerClient, secretId: string, clock: Clock): () => Promise<RotatingSecret> {
  let held: { readonly secret: RotatingSecret; readonly readAtMs: number } | undefined;
  const read = async (stage: 'AWSCURRENT' | 'AWSPREVIOUS'): Promise<SecretVersion | undefined> => {
    try {
      const { SecretString, VersionId, CreatedDate } = await client.send(
        new GetSecretValueCommand({ SecretId: secretId, VersionStage: stage }),
      );
      if (SecretString === undefined || VersionId === undefined) return undefined;
      return { id: VersionId, value: SecretString, createdAtMs: CreatedDate?.getTime() ?? 0 };
    } catch (error) {
      // A secret that was never rotated has no previous version.
      if (stage === 'AWSPREVIOUS' && error instanceof ResourceNotFoundException) return undefined;
      throw new TiercelError(
        'SECRET_UNREADABLE',
        `Expected to read the secret ${secretId}, but: ${messageOf(error)}. The function's role needs secretsmanager:GetSecretValue on it.`,
        { retryable: true, cause: error },
      );
    }
  };
  return async () => {
    if (held && clock.now() - held.readAtMs < SECRET_KEPT_MS) return held.secret;
    // One after the other: a rotation between the two calls must not hide the version that was current until then.
    const current = await read('AWSCURRENT');
    const previous = await read('AWSPREVIOUS');
    if (!current)
      throw new TiercelError(
        'SECRET_EMPTY',
        `Expected the secret ${secretId} to hold a text, but it holds none. Put a random key of at least 32 characters there.`,
      );
    held = { secret: previous ? { current, previous } : { current }, readAtMs: clock.now() };
    return held.secret;
  };
}
