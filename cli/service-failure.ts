import { TiercelError } from '../shared/platform/errors.ts';

/** What the AWS SDK throws when it has nobody to sign for, or no region to ask in. */
const NOT_SIGNED_IN = /^(CredentialsProviderError|TokenProviderError)$|^Region is missing/;

/**
 * What a service answered, or that it did not, as an error for people: it is no defect of ours. `undefined` for what is not from the AWS SDK,
 * whose errors carry `$metadata`; those from before a request have names of their own.
 */
export function serviceFailure(error: unknown): TiercelError | undefined {
  if (!(error instanceof Error)) return undefined;
  if (NOT_SIGNED_IN.test(error.name) || NOT_SIGNED_IN.test(error.message)) {
    return new TiercelError(
      'NOT_SIGNED_IN',
      `Expected AWS credentials and a region, but: ${error.message}. Sign in (aws sso login, AWS_PROFILE, AWS_REGION, …) and run it again.`,
      { cause: error },
    );
  }
  if (!('$metadata' in error)) return undefined;
  const { httpStatusCode } = error.$metadata as { readonly httpStatusCode?: number };
  const came = httpStatusCode === undefined ? 'AWS did not answer' : `AWS answered ${httpStatusCode}`;
  const said = [error.name, error.message].filter((part) => part !== '').join(': ');
  return new TiercelError('SERVICE_FAILED', `${came}: ${said}. Is it the right account and region, and may you ask this?`, {
    cause: error,
  });
}
