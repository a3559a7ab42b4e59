/**
 * Settings for a client of the AWS SDK: each attempt ends after so many milliseconds, as an error that the SDK tries again. Left alone it waits for ever: where a
 * subnet has no way to the service, and where a connection was forgotten by what stands in between while a sandbox was frozen.
 */
export function answeredWithin(ms: number): {
  readonly requestHandler: { readonly connectionTimeout: number; readonly requestTimeout: number; readonly throwOnRequestTimeout: true };
} {
  // Without the last, the SDK only warns.
  return { requestHandler: { connectionTimeout: Math.min(ms, 3_000), requestTimeout: ms, throwOnRequestTimeout: true } };
}
