import { describe, expect, it } from 'vitest';
import { parseWebhookConfig } from '../../../../../shared/falco/client/config.ts';
import { TestAuthority } from '../../../../support/certificates.ts';

const url = 'https://falco.internal:9765/k8s-audit';

describe('parseWebhookConfig', () => {
  it('needs a URL only', () => {
    expect(parseWebhookConfig({ url })).toMatchObject({
      url,
      maxBodyBytes: 1_048_576,
      concurrency: 4,
      retries: 4,
      requestTimeoutMs: 30_000,
    });
  });

  it('names every problem at once and repeats no value', () => {
    const secret = 'hunter2-not-to-be-seen';
    const input = {
      url: `https://user:${secret}@falco.internal/`,
      caPem: secret,
      keyPem: `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`,
      maxBodyBytes: 12_582_913,
      concurrency: 0,
      retrys: 3,
    };
    const message = problemsOf(input);
    for (const word of [
      'user name or password',
      'the path is missing',
      'caPem: is not a PEM certificate',
      'keyPem: is not a PEM private key',
      'maxBodyBytes',
      'concurrency',
      'retrys',
    ]) {
      expect(message).toContain(word);
    }
    expect(message).not.toContain(secret);
  });

  it('wants the client certificate and its own key together, and TLS for both', () => {
    const authority = new TestAuthority();
    const client = authority.issue('client');
    const other = authority.issue('other');
    expect(parseWebhookConfig({ url, caPem: authority.cert, certPem: client.cert, keyPem: client.key })).toMatchObject({
      certPem: client.cert,
    });
    expect(problemsOf({ url, certPem: client.cert })).toContain('keyPem: missing');
    expect(problemsOf({ url, keyPem: client.key })).toContain('certPem: missing');
    expect(problemsOf({ url, certPem: client.cert, keyPem: other.key })).toContain('not the key of the certificate');
    expect(problemsOf({ url: 'http://falco:9765/k8s-audit', caPem: authority.cert })).toContain('must start with https://');
  });

  it.each(['falco:9765/k8s-audit', 'ftp://falco/k8s-audit', '', 'falco'])('refuses %j as a URL', (text) => {
    expect(problemsOf({ url: text })).toContain('url: expected a URL such as');
  });
});

function problemsOf(input: unknown): string {
  try {
    parseWebhookConfig(input);
  } catch (error) {
    return String(error);
  }
  return 'no problem';
}
