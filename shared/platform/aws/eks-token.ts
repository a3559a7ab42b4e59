import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import type { Clock } from '../clock.ts';
import { NodeSha256 } from './sha256.ts';

/** EKS takes a token for 15 minutes after it was signed, while the credentials that signed it last; ours are made anew well before. */
export const TOKEN_KEPT_MS = 10 * 60_000;
/** What the signature itself says: STS, which checks it, accepts no more than a minute of waiting to be used by the cluster's authenticator. */
const EXPIRES_SECONDS = 60;

/**
 * Bearer tokens for one EKS cluster: `k8s-aws-v1.` and the base64url of a presigned STS GetCallerIdentity, with the cluster's name among the
 * signed headers. Signing is local; nothing is sent.
 */
export function createEksToken(options: {
  readonly cluster: string;
  readonly region: string;
  readonly credentials: AwsCredentialIdentityProvider;
  readonly clock: Clock;
}): (refused?: string) => Promise<string> {
  const { cluster, region, clock } = options;
  const hostname = `sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  const signer = new SignatureV4({ credentials: options.credentials, region, service: 'sts', sha256: NodeSha256 });
  let held: { readonly token: string; readonly signedAtMs: number } | undefined;
  return async (refused) => {
    if (held && held.token !== refused && clock.now() - held.signedAtMs < TOKEN_KEPT_MS) return held.token;
    const signedAtMs = clock.now();
    const signed = await signer.presign(
      {
        method: 'GET',
        protocol: 'https:',
        hostname,
        path: '/',
        query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
        headers: { host: hostname, 'x-k8s-aws-id': cluster },
      },
      {
        expiresIn: EXPIRES_SECONDS,
        signingDate: new Date(signedAtMs),
        unhoistableHeaders: new Set(['x-k8s-aws-id']),
        unsignableHeaders: new Set(),
      },
    );
    const query = Object.entries(signed.query ?? {})
      .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`)
      .join('&');
    held = { token: `k8s-aws-v1.${Buffer.from(`https://${hostname}/?${query}`).toString('base64url')}`, signedAtMs };
    return held.token;
  };
}
