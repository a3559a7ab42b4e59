export { parseWebhookConfig, type WebhookConfig, webhookSchema } from './config.ts';
export { createTransport } from './transport.ts';
export { createWebhookDestination, type WebhookDeps } from './webhook.ts';
