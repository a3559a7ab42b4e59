import { describe, expect, it } from 'vitest';
import { createEksToken } from '../../../../../shared/platform/aws/eks-token.ts';

/** AWS's documented example key, which signs nothing anywhere. */
const KEY = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const SIGNED_AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

function tokens(credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }, region = 'eu-west-1') {
  let now = SIGNED_AT_MS;
  const token = createEksToken({
    cluster: 'prod-1',
    region,
    credentials: async () => credentials,
    clock: { now: () => now, sleep: async () => {} },
  });
  return { token, pass: (ms: number) => (now += ms) };
}

const urlOf = (token: string) => new URL(Buffer.from(token.replace(/^k8s-aws-v1\./, ''), 'base64url').toString('utf8'));

describe('the EKS token', () => {
  // Signatures computed by botocore 1.x for the same key, time, region and header.
  it.each([
    ['a long-lived key', KEY, 'c5cba13da633a38286cc4f0ada0b6945f268ff3d0aa0d68bc3333d567158b04e'],
    ['a session', { ...KEY, sessionToken: 'SESSION/TOKEN+=' }, 'db9c01ab50f5d907b1ba7fd84195b5534633d7f7df5a67ccb48dc4efa022d596'],
  ])('is signed as the AWS SDK for Python signs, with %s', async (_name, credentials, signature) => {
    const url = urlOf(await tokens(credentials).token());
    expect(url.origin + url.pathname).toBe('https://sts.eu-west-1.amazonaws.com/');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      Action: 'GetCallerIdentity',
      Version: '2011-06-15',
      'X-Amz-Expires': '60',
      'X-Amz-Date': '20260102T030405Z',
      'X-Amz-SignedHeaders': 'host;x-k8s-aws-id',
      'X-Amz-Signature': signature,
    });
  });

  it('is kept for ten minutes, and then made anew', async () => {
    const { token, pass } = tokens(KEY);
    const first = await token();
    pass(9 * 60_000);
    expect(await token()).toBe(first);
    pass(2 * 60_000);
    expect(await token()).not.toBe(first);
  });

  it('is made anew when the server refused it', async () => {
    const { token, pass } = tokens(KEY);
    const first = await token();
    pass(1_000);
    const second = await token(first);
    expect(second).not.toBe(first);
    // Whoever was refused with the first one meanwhile gets the second.
    expect(await token(first)).toBe(second);
  });

  it('has no padding, which EKS refuses, and the address of its partition', async () => {
    const token = await tokens(KEY, 'cn-north-1').token();
    expect(token).toMatch(/^k8s-aws-v1\.[\w-]+$/);
    expect(urlOf(token).hostname).toBe('sts.cn-north-1.amazonaws.com.cn');
  });
});
