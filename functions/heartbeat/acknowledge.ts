import type { Logger } from '@aws-lambda-powertools/logger';
import type { SentBeat } from '../../shared/flows/heartbeat-send.ts';
import { TiercelError } from '../../shared/platform/errors.ts';

/** What an invocation answers, for whoever invoked it by hand. */
export interface HeartbeatResult {
  readonly sent: readonly string[];
  readonly failed: readonly string[];
}

/** No cluster got its beat: not one cluster's fault, and worth Lambda's second attempt. */
class NoBeatSentError extends TiercelError {
  constructor(why: string) {
    super('NO_HEARTBEAT_SENT', `Expected at least one cluster to get its beat, but none did: ${why}`, { retryable: true });
  }
}

/** @throws NoBeatSentError when all failed; a single cluster's failure is logged, and its own alarm rings. */
export function acknowledge(beats: readonly SentBeat[], logger: Logger): HeartbeatResult {
  const failed = beats.filter((beat) => 'failed' in beat);
  for (const { cluster, failed: why } of failed) logger.error('heartbeat not sent', { cluster, why });
  if (failed.length > 0 && failed.length === beats.length) throw new NoBeatSentError(failed[0]!.failed);
  return {
    sent: beats.flatMap((beat) => ('sent' in beat ? beat.cluster : [])),
    failed: failed.map(({ cluster }) => cluster),
  };
}
