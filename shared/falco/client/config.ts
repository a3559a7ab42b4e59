import { createPrivateKey, X509Certificate } from 'node:crypto';
import * as z from 'zod';
import { TiercelError } from '../../platform/errors.ts';
import { WEBHOOK_MAX_BYTES } from './body.ts';

/** Where Falco's k8saudit plugin listens, and how it is spoken to. PEM members hold PEM text; whoever reads configuration reads files. */
const webhookSchema = z
  .strictObject({
    /** For example `https://falco.internal:9765/k8s-audit`. The path is part of it: the plugin answers 404 elsewhere. */
    url: z.string().superRefine((text, context) => {
      for (const message of urlProblems(text)) context.addIssue({ code: 'custom', message });
    }),
    /** Authorities that may have signed Falco's certificate, PEM. Default: the system's. */
    caPem: pem('certificate').optional(),
    /** Client certificate, PEM, for a proxy in front of Falco that asks for one (Falco itself does not). */
    certPem: pem('certificate').optional(),
    /** Its private key, PEM. */
    keyPem: pem('key').optional(),
    /** Bytes of a body, at most; a single larger event still goes alone. Default 1 MiB, limit 12,582,912 (Falco's `webhookMaxBatchSize`). */
    maxBodyBytes: z.int().min(1024).max(WEBHOOK_MAX_BYTES).default(1_048_576),
    /** Events in a body, at most. Default 1,000: larger lists are not evaluated any faster. */
    maxBodyEvents: z.int().min(1).max(100_000).default(1000),
    /** Bodies under way at the same time. Default 4. */
    concurrency: z.int().min(1).max(64).default(4),
    /** Wait for an answer, milliseconds. Default 30 s: a busy Falco answers late, and a time-out leads to duplicates. */
    requestTimeoutMs: z.int().min(100).max(900_000).default(30_000),
    /** Wait for a connection, milliseconds. Default 5 s. */
    connectTimeoutMs: z.int().min(50).max(60_000).default(5_000),
    /** Age at which a connection is given up, milliseconds. Default 60 s, so that new replicas behind the balancer get their share. */
    socketMaxAgeMs: z.int().min(0).max(3_600_000).default(60_000),
    /** Idle time after which a connection is given up, milliseconds. Default 30 s; a Network Load Balancer forgets it after 350 s. */
    socketMaxIdleMs: z.int().min(0).max(350_000).default(30_000),
    /** Requests after which a connection is given up. Default 200. */
    socketMaxRequests: z.int().min(1).max(1_000_000).default(200),
    /** Further tries of a body that was not taken, while time is left. Default 4; 0 turns retries off. */
    retries: z.int().min(0).max(100).default(4),
    /** Upper bound of the wait before the first further try, milliseconds; it doubles each time. Default 200. */
    backoffBaseMs: z.int().min(0).max(60_000).default(200),
    /** No wait is longer, milliseconds. Default 5 s. */
    backoffCapMs: z.int().min(0).max(600_000).default(5_000),
    /** Failed tries in a row after which Falco is left alone for a while. Default 10. */
    breakerFailures: z.int().min(1).max(10_000).default(10),
    /** For how long, milliseconds. Default 5 s; then one body tries. */
    breakerOpenMs: z.int().min(0).max(600_000).default(5_000),
  })
  .superRefine((config, context) => {
    const say = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (config.certPem !== undefined && config.keyPem === undefined) say('keyPem', 'missing: a client certificate needs its private key');
    if (config.keyPem !== undefined && config.certPem === undefined) say('certPem', 'missing: a private key needs its client certificate');
    const tls = (['caPem', 'certPem', 'keyPem'] as const).filter((name) => config[name] !== undefined);
    if (tls.length > 0 && URL.canParse(config.url) && new URL(config.url).protocol === 'http:') {
      say('url', `must start with https:// when ${tls.join(', ')} ${tls.length > 1 ? 'are' : 'is'} set`);
    }
    if (config.certPem && config.keyPem && !keyFits(config.certPem, config.keyPem))
      say('keyPem', 'is not the key of the certificate in certPem');
  });

export type WebhookConfig = z.output<typeof webhookSchema>;

/**
 * Checks a webhook configuration and fills in the defaults.
 * @throws TiercelError `CONFIG_WEBHOOK` naming every problem at once. No value is repeated in the message: some are secret.
 */
export function parseWebhookConfig(input: unknown): WebhookConfig {
  const result = webhookSchema.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `  ${issue.path.join('.') || 'configuration'}: ${issue.message}`);
  const wrong = problems.length === 1 ? 'one setting is' : `${problems.length} settings are`;
  throw new TiercelError('CONFIG_WEBHOOK', `Falco's webhook cannot be used, ${wrong} wrong:\n${problems.join('\n')}`);
}

function urlProblems(text: string): string[] {
  const form = 'expected a URL such as https://falco.internal:9765/k8s-audit';
  if (!URL.canParse(text)) return [`${form}, this is not a URL`];
  const url = new URL(text);
  const problems: string[] = [];
  if (url.protocol !== 'http:' && url.protocol !== 'https:') problems.push(`${form}, the scheme ${url.protocol} cannot be used`);
  if (url.username || url.password)
    problems.push('must not hold a user name or password: the webhook has no authentication, and URLs are logged');
  if (url.pathname === '/')
    problems.push(`${form}: the path is missing; it is the one in open_params of the k8saudit plugin, by convention /k8s-audit`);
  return problems;
}

function pem(what: 'certificate' | 'key') {
  return z.string().refine((text) => (what === 'key' ? isKey(text) : isCertificate(text)), {
    error: `is not a PEM ${what === 'key' ? 'private key without a passphrase' : 'certificate'} (it should begin with -----BEGIN)`,
  });
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).serialNumber !== '';
  } catch {
    return false;
  }
}

function isKey(text: string): boolean {
  try {
    return createPrivateKey(text).type === 'private';
  } catch {
    return false;
  }
}

function keyFits(certPem: string, keyPem: string): boolean {
  try {
    return new X509Certificate(certPem).checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return true; // One of them is not readable, which is said elsewhere.
  }
}
