import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SNSClient } from '@aws-sdk/client-sns';
import { createRotatingSecret } from '../platform/aws/rotating-secret.ts';
import type { Clock } from '../platform/clock.ts';
import { HttpTransport } from '../platform/http.ts';
import type { openChannels } from '../respond/index.ts';

/** What channels are reached with: each client in the region of what it reaches. */
export function awsChannelClients(clock: Clock): Parameters<typeof openChannels>[1] {
  const transport = new HttpTransport(
    { maxSockets: 8, socketMaxAgeMs: 60_000, socketMaxIdleMs: 10_000, socketMaxRequests: 100, connectTimeoutMs: 3_000 },
    clock,
  );
  return {
    clock,
    transport,
    sns: (region) => new SNSClient({ region }),
    eventBridge: (region) => new EventBridgeClient({ region }),
    secretOf: (secretArn) => {
      const secret = createRotatingSecret(new SecretsManagerClient({ region: secretArn.split(':')[3]! }), secretArn, clock);
      return async () => (await secret()).current.value;
    },
  };
}
