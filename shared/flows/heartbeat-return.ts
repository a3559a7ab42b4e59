import { type MacKey, verifyMac } from '../audit/index.ts';
import type { FalcoAlert } from '../falco/alert.ts';
import { HEARTBEAT_RULE, packDigest } from '../falco/heartbeat.ts';
import type { Clock } from '../platform/clock.ts';
import { eventIdentity, fieldText, happenedAtMs } from '../respond/index.ts';
import { TRUSTED_MS } from './heartbeat-gate.ts';
import type { HeartbeatLog } from './heartbeats.ts';

export interface ReturnDeps {
  readonly clock: Clock;
  readonly macKeys: readonly MacKey[];
  /** Absent where no heartbeat is sent: then none is expected back. */
  readonly heartbeats?: Pick<HeartbeatLog, 'returned'>;
  /** Digests of the rules that Falco may run; empty where the stage does not say. */
  readonly rulesDigests?: readonly string[];
}

/** What a heartbeat's alert said. Set aside: nothing was noted down. */
export type HeartbeatAnswer =
  | {
      readonly kind: 'noted';
      readonly cluster: string;
      readonly roundTripMs: number;
      readonly digest: string | undefined;
      /** Whether these are not the rules that the stage names; absent where it names none. */
      readonly differs?: boolean;
    }
  /** `doubtful`: not merely late or a second delivery; somebody should look how it came about. */
  | { readonly kind: 'set-aside'; readonly why: string; readonly doubtful: boolean };

/** Falco's clock is the API server's here: the sender's. More than this ahead is no skew, **milliseconds**. */
const MAX_FUTURE_MS = 60_000;

export function isHeartbeat({ rule, source }: FalcoAlert): boolean {
  return rule === HEARTBEAT_RULE && source === 'k8s_audit';
}

/**
 * Notes down that a beat came back. The alert must carry the MAC of an event that this deployment took from the log, be young, and name
 * one of the last beats that were sent; the MAC covers cluster, id and time, and the digest is the word of whoever evaluated the event.
 * @throws when it cannot be noted down: the alert should come again.
 */
export async function takeHeartbeat(alert: FalcoAlert, deps: ReturnDeps): Promise<HeartbeatAnswer> {
  const { clock, macKeys, heartbeats, rulesDigests = [] } = deps;
  if (heartbeats === undefined) return aside('this stage sends no heartbeat');
  const identity = eventIdentity(alert);
  if (!identity.known) return aside(`fields are missing or cut: ${[...identity.missing, ...identity.truncated].join(', ')}`, true);
  const verdict = verifyMac(macKeys, fieldText(alert, 'tiercel.mac'), identity.facts);
  if (!verdict.ok) return aside(`its MAC does not verify: ${verdict.reason}`, true);
  const { cluster, auditID, requestReceivedTimestamp } = identity.facts;
  const sentAtMs = Date.parse(requestReceivedTimestamp);
  const returnedAtMs = clock.now();
  const ageMs = returnedAtMs - Math.min(sentAtMs, happenedAtMs(alert) ?? sentAtMs);
  if (!(ageMs < TRUSTED_MS && ageMs > -MAX_FUTURE_MS)) return aside(`it was sent ${Math.round(ageMs / 1000)} s ago`);
  const digest = packDigest(alert.tags);
  const beat = { id: auditID, sentAtMs, returnedAtMs, ...(digest === undefined ? {} : { digest }) };
  if (!(await heartbeats.returned(cluster, beat))) return aside(`${cluster} did not send it lately, or it is no news`);
  return {
    kind: 'noted',
    cluster,
    roundTripMs: Math.max(0, returnedAtMs - sentAtMs),
    digest,
    ...(rulesDigests.length === 0 ? {} : { differs: digest === undefined || !rulesDigests.includes(digest) }),
  };
}

function aside(why: string, doubtful = false): HeartbeatAnswer {
  return { kind: 'set-aside', why, doubtful };
}
