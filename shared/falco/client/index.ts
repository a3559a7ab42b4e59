export { parseWebhookConfig, type WebhookConfig, webhookSchema } from './config.ts';
export { createWebhookDestination, type WebhookDeps } from './webhook.ts';
