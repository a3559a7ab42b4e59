import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import middy from '@middy/core';
import { answeredWithin } from '../../shared/platform/aws/answered-within.ts';
import { rotateSecret, rotationEvent } from '../../shared/platform/aws/rotate-secret.ts';
import { systemRandom } from '../../shared/platform/clock.ts';

const logger = new Logger({ serviceName: 'rotate-mac-key' });
const client = new SecretsManagerClient(answeredWithin(5_000));

/** Called by Secrets Manager, for each step of a rotation and again when one has failed. Its role reaches the MAC key and no other secret. */
export const handler = middy<unknown, void>()
  .use(injectLambdaContext(logger))
  .handler(async (event) => {
    const step = rotationEvent.parse(event);
    await rotateSecret(step, { client, random: systemRandom });
    logger.info('a step of the rotation is done', { step: step.Step, version: step.ClientRequestToken });
  });
