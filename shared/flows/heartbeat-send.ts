import type { Clock, Random } from '../platform/clock.ts';
import { settleAll } from '../platform/concurrency.ts';
import { messageOf, TiercelError } from '../platform/errors.ts';
import type { Meter } from '../platform/observe/meter.ts';
import { withTimeLimit } from '../platform/retry.ts';
import { heartbeatEvent, newBeat } from './heartbeat-event.ts';
import type { Beat, HeartbeatLog } from './heartbeats.ts';

/** A cluster, and where its beat enters its own road: its log group, or, where only its objects come here, a prefix of the archive. */
export type HeartbeatTarget = { readonly cluster: string } & (
  | { readonly logGroup: string; readonly region: string }
  | { readonly prefix: string }
);

export interface SendDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly heartbeats: Pick<HeartbeatLog, 'sent'>;
  /** Puts a beat's event at the beginning of the road. */
  readonly write: (target: HeartbeatTarget, event: string, beat: Beat) => Promise<void>;
  readonly meter?: Meter;
}

export type SentBeat = { readonly cluster: string } & ({ readonly sent: Beat } | { readonly failed: string });

const UNDER_WAY = 8;
/** A region that does not answer must not cost the other clusters their beat, **milliseconds**. */
const LIMIT_MS = 10_000;

/** One beat for each cluster: note down → write. One failure stops nobody else; it is counted, and the beat is missing at the other end. */
export async function sendHeartbeats(targets: readonly HeartbeatTarget[], deps: SendDeps): Promise<readonly SentBeat[]> {
  const { clock, random, heartbeats, write, meter } = deps;
  const settled = await settleAll(targets, UNDER_WAY, async (target) => {
    const beat = newBeat(random, clock.now());
    const send = async () => {
      // First: an alert may be back before the second of two calls has answered.
      await heartbeats.sent(target.cluster, beat);
      await write(target, heartbeatEvent(beat), beat);
    };
    await withTimeLimit(LIMIT_MS, clock, (signal) => Promise.race([send(), refusedOn(signal)]));
    return beat;
  });
  return settled.map((result, at): SentBeat => {
    const { cluster } = targets[at]!;
    const sent = result.status === 'fulfilled';
    meter?.record(sent ? 'HeartbeatsSent' : 'HeartbeatsFailed', 1);
    return sent ? { cluster, sent: result.value } : { cluster, failed: messageOf(result.reason) };
  });
}

/** A call that hangs is left to itself. */
function refusedOn(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new SlowBeatError()), { once: true });
  });
}

class SlowBeatError extends TiercelError {
  constructor() {
    super('HEARTBEAT_SLOW', `Expected the beat to be written within ${LIMIT_MS / 1000} s, but the service has not answered.`, {
      retryable: true,
    });
  }
}
