import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import type { Random } from '../clock.ts';
import { TiercelError } from '../errors.ts';

/** What Secrets Manager sends a rotation function, once for each step and again when one has failed. Other fields may come with it. */
export const rotationEvent = z.object({
  Step: z.enum(['createSecret', 'setSecret', 'testSecret', 'finishSecret']),
  /** ARN of the secret. */
  SecretId: z.string().min(1),
  /** Names the rotation, and becomes the id of the new version. */
  ClientRequestToken: z.string().min(1),
});
export type RotationEvent = z.output<typeof rotationEvent>;

export interface RotationDeps {
  readonly client: Pick<SecretsManagerClient, 'send'>;
  readonly random: Pick<Random, 'hex'>;
}

/** 64 characters, 256 bits. */
const RANDOM_BYTES = 32;
const LEAST_CHARACTERS = 32;

/**
 * One step of the rotation of a secret that is a random text and known to nobody else, so that nothing but Secrets Manager has to be told.
 * Each step may run again, at any time after a crash: a version that has its text keeps it, and a version that is current stays so.
 * The version before it stays readable as AWSPREVIOUS until the next rotation.
 * @throws TiercelError ROTATION_UNKNOWN when Secrets Manager has not begun such a rotation, ROTATION_TEST_FAILED.
 */
export async function rotateSecret(event: RotationEvent, deps: RotationDeps): Promise<void> {
  const { SecretId, ClientRequestToken: token } = event;
  const { VersionIdsToStages: versions = {} } = await deps.client.send(new DescribeSecretCommand({ SecretId }));
  if (versions[token]?.includes('AWSCURRENT')) return;
  if (!versions[token]?.includes('AWSPENDING')) {
    throw new TiercelError(
      'ROTATION_UNKNOWN',
      `Expected version ${token} of the secret ${SecretId} to be AWSPENDING, but it is ${versions[token]?.join(', ') || 'not there'}. Rotations are begun by Secrets Manager: aws secretsmanager rotate-secret.`,
    );
  }
  const step = { createSecret: create, setSecret: async () => {}, testSecret: test, finishSecret: finish }[event.Step];
  await step(event, deps, versions);
}

async function create({ SecretId, ClientRequestToken }: RotationEvent, { client, random }: RotationDeps): Promise<void> {
  if ((await pendingText(SecretId, ClientRequestToken, client)) !== undefined) return;
  try {
    await client.send(
      new PutSecretValueCommand({
        SecretId,
        ClientRequestToken,
        SecretString: random.hex(RANDOM_BYTES),
        VersionStages: ['AWSPENDING'],
      }),
    );
  } catch (error) {
    // Another attempt at the same step was faster; its text is as good.
    if (!(error instanceof ResourceExistsException)) throw error;
  }
}

/** Secrets Manager also asks this of a version it has made itself, to see whether the function works: any text that can be a key will do. */
async function test({ SecretId, ClientRequestToken }: RotationEvent, { client }: RotationDeps): Promise<void> {
  const text = await pendingText(SecretId, ClientRequestToken, client);
  if (text !== undefined && text.length >= LEAST_CHARACTERS) return;
  throw new TiercelError(
    'ROTATION_TEST_FAILED',
    `Expected version ${ClientRequestToken} of the secret ${SecretId} to hold a text of at least ${LEAST_CHARACTERS} characters, but ${text === undefined ? 'it holds none' : `it is ${text.length} long`}. Cancel the rotation and begin another.`,
  );
}

async function finish(
  { SecretId, ClientRequestToken }: RotationEvent,
  { client }: RotationDeps,
  versions: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  const current = Object.keys(versions).find((id) => versions[id]?.includes('AWSCURRENT'));
  await client.send(
    new UpdateSecretVersionStageCommand({
      SecretId,
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: ClientRequestToken,
      ...(current === undefined ? {} : { RemoveFromVersionId: current }),
    }),
  );
}

async function pendingText(SecretId: string, VersionId: string, client: RotationDeps['client']): Promise<string | undefined> {
  try {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId, VersionId, VersionStage: 'AWSPENDING' }));
    return SecretString;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}
