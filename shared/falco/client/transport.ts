import type { Clock } from '../../platform/clock.ts';
import { HttpTransport } from '../../platform/http.ts';
import type { WebhookConfig } from './config.ts';

/** The network to the webhook of this configuration. As many connections as bodies may be under way. */
export function createTransport(config: WebhookConfig, clock: Clock): HttpTransport {
  return new HttpTransport(
    {
      maxSockets: config.concurrency,
      socketMaxAgeMs: config.socketMaxAgeMs,
      socketMaxIdleMs: config.socketMaxIdleMs,
      socketMaxRequests: config.socketMaxRequests,
      connectTimeoutMs: config.connectTimeoutMs,
      ...(config.caPem ? { ca: config.caPem } : {}),
      ...(config.certPem && config.keyPem ? { cert: config.certPem, key: config.keyPem } : {}),
    },
    clock,
  );
}
