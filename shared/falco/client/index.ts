/** The door to a remote Falco: configuration → transport → destination. */
export { parseWebhookConfig, type WebhookConfig } from './config.ts';
export { createTransport } from './transport.ts';
export { createWebhookDestination } from './webhook.ts';
