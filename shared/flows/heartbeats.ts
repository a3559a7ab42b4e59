/** One beat: a synthetic audit event that was sent through a cluster's own road. */
export interface Beat {
  /** The `auditID` of its event; random, so that nobody can answer a beat they have not seen. */
  readonly id: string;
  /** When it was sent, epoch milliseconds: the `requestReceivedTimestamp` of its event. */
  readonly sentAtMs: number;
}

/** A beat that came back as an alert. */
export interface ReturnedBeat extends Beat {
  /** When respond took the alert, epoch milliseconds. */
  readonly returnedAtMs: number;
  /** Digest of the rules whoever evaluated it runs, as its heartbeat rule says; absent where the alert named none. */
  readonly digest?: string;
}

/** What is known about the heartbeat of one cluster. */
export interface Heartbeat {
  /** Name of the cluster in its stage. */
  readonly cluster: string;
  /** When the last beat was sent, epoch milliseconds. It may not have got into the log. */
  readonly sentAtMs: number;
  /** The newest beat that came back; absent before the first. */
  readonly returned?: {
    readonly sentAtMs: number;
    readonly returnedAtMs: number;
    readonly roundTripMs: number;
    readonly digest?: string;
    /**
     * What the one or two beats before it said, newest first; `undefined` is one that named no digest. Each beat asks one replica of Falco, so
     * several know more than the last.
     */
    readonly earlier: readonly (string | undefined)[];
  };
}

/** Notes down beats. */
export interface HeartbeatLog {
  /** Before the event is written: an alert must find its beat noted down. */
  sent(cluster: string, beat: Beat): Promise<void>;
  /**
   * Whether the beat was noted down. It is not if it is none of the cluster's last {@link REMEMBERED_BEATS} that were sent, nor if it or a
   * newer one came back before: a second delivery of its alert changes nothing.
   */
  returned(cluster: string, beat: ReturnedBeat): Promise<boolean>;
}

/** Beats that may be under way at the same time, per cluster: one that is slower than the sender must still be known when it comes back. */
export const REMEMBERED_BEATS = 3;

/** Digests that are remembered besides that of the newest beat. */
const EARLIER_DIGESTS = 2;

/** {@link HeartbeatLog} and what is known, for one process: tests, local stages. */
export function createMemoryHeartbeats(): HeartbeatLog & { read(): Promise<ReadonlyMap<string, Heartbeat>> } {
  const known = new Map<string, Heartbeat & { readonly beats: readonly string[] }>();
  return {
    async sent(cluster, { id, sentAtMs }) {
      const before = known.get(cluster);
      known.set(cluster, { ...before, cluster, sentAtMs, beats: [id, ...(before?.beats ?? [])].slice(0, REMEMBERED_BEATS) });
    },
    async returned(cluster, { id, sentAtMs, returnedAtMs, digest }) {
      const before = known.get(cluster);
      if (!before?.beats.includes(id) || (before.returned && before.returned.sentAtMs >= sentAtMs)) return false;
      const earlier = before.returned === undefined ? [] : [before.returned.digest, ...before.returned.earlier].slice(0, EARLIER_DIGESTS);
      const returned = {
        sentAtMs,
        returnedAtMs,
        roundTripMs: returnedAtMs - sentAtMs,
        ...(digest === undefined ? {} : { digest }),
        earlier,
      };
      known.set(cluster, { ...before, returned });
      return true;
    },
    async read() {
      return new Map([...known].map(([cluster, { beats: _, ...heartbeat }]) => [cluster, heartbeat]));
    },
  };
}
