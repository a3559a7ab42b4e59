import type { Context } from 'aws-lambda';

/** What Lambda hands to a handler beside the event, of which ours read the time that is left. */
export function lambdaContext(remainingMs = 60_000): Context {
  const endsAtMs = Date.now() + remainingMs;
  return { awsRequestId: 'r', functionName: 'f', getRemainingTimeInMillis: () => endsAtMs - Date.now() } as unknown as Context;
}
