import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import { NodeSha256 } from '../../shared/platform/aws/sha256.ts';

/** Services that one question is asked of: a client of their own would be a dependency for a line. */
const SERVICES = { kms: 'TrentService', firehose: 'Firehose_20150804' } as const;

/** Asks one operation of a service that speaks AWS's JSON protocol. @throws an error of the name that the service gave it */
export type AwsJson = (
  service: keyof typeof SERVICES,
  operation: string,
  input: Readonly<Record<string, unknown>>,
) => Promise<Readonly<Record<string, unknown>>>;

interface AwsJsonOptions {
  readonly region: string;
  readonly credentials: AwsCredentialIdentityProvider;
  /** In place of the service's own address. */
  readonly endpoint?: string;
  /** **Milliseconds**. */
  readonly timeoutMs: number;
}

export function createAwsJson({ region, credentials, endpoint, timeoutMs }: AwsJsonOptions): AwsJson {
  return async (service, operation, input) => {
    const url = new URL(endpoint ?? `https://${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`);
    const body = JSON.stringify(input);
    const headers = {
      host: url.host,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `${SERVICES[service]}.${operation}`,
    };
    const signer = new SignatureV4({ credentials, region, service, sha256: NodeSha256 });
    const request = { method: 'POST', protocol: url.protocol, hostname: url.hostname, path: '/', query: {}, headers, body };
    const signed = await signer.sign(request);
    const { host: _, ...sent } = signed.headers;
    const answer = await fetch(url, { method: 'POST', headers: sent, body, signal: AbortSignal.timeout(timeoutMs) });
    const text = await answer.text();
    if (!answer.ok) throw refusal(text, answer.status);
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  };
}

/** As the SDK's errors are: the service's name for it, and the status. */
function refusal(text: string, httpStatusCode: number): Error {
  const { __type = 'UnknownError', message, Message } = parsed(text);
  const error = new Error(message ?? Message ?? text.slice(0, 200));
  return Object.assign(error, { name: __type.split('#').at(-1), $metadata: { httpStatusCode } });
}

function parsed(text: string): { readonly __type?: string; readonly message?: string; readonly Message?: string } {
  try {
    return JSON.parse(text) as object;
  } catch {
    return {};
  }
}
