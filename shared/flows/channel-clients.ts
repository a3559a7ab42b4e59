import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SNSClient } from '@aws-sdk/client-sns';
import { answeredWithin } from '../platform/aws/answered-within.ts';
import { createRotatingSecret } from '../platform/aws/rotating-secret.ts';
import type { Clock } from '../platform/clock.ts';
import { HttpTransport } from '../platform/http.ts';
import type { openChannels } from '../respond/index.ts';

/** Who sends tries again: a channel that does not answer must not take the time of the others. */
const ONE_TRY = { ...answeredWithin(5_000), maxAttempts: 1 };

/** What channels are reached with: each client in the region of what it reaches. */
export function awsChannelClients(clock: Clock): Parameters<typeof openChannels>[1] {
  const transport = new HttpTransport(
    { maxSockets: 8, socketMaxAgeMs: 60_000, socketMaxIdleMs: 10_000, socketMaxRequests: 100, connectTimeoutMs: 3_000 },
    clock,
  );
  return {
    clock,
    transport,
    sns: (region) => new SNSClient({ ...ONE_TRY, region }),
    eventBridge: (region) => new EventBridgeClient({ ...ONE_TRY, region }),
    secretOf: (secretArn) => {
      const secret = createRotatingSecret(new SecretsManagerClient({ ...ONE_TRY, region: secretArn.split(':')[3]! }), secretArn, clock);
      return async () => (await secret()).current.value;
    },
  };
}
