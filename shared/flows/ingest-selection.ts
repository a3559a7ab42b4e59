import type { Logger } from '@aws-lambda-powertools/logger';
import type { Clock } from '../platform/clock.ts';
import type { Meter } from '../platform/observe/meter.ts';
import { openSelection, type RulesPack } from './detection.ts';
import { createHeartbeatGate } from './heartbeat-gate.ts';
import type { Heartbeat } from './heartbeats.ts';
import type { IngestDeps } from './ingest.ts';

export interface SelectionDeps {
  /** The rules Falco may run, each with its digest; more than one while new ones are rolled out, none to send everything. */
  readonly packs: readonly RulesPack[];
  /** A file with Falco's `append_output`. */
  readonly appendOutput: string;
  /** Reads what is known of heartbeats; absent where none are sent. */
  readonly readHeartbeats: ((signal: AbortSignal) => Promise<ReadonlyMap<string, Heartbeat>>) | undefined;
  /** Names of the watched clusters. */
  readonly clusters: readonly string[];
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly meter: Meter;
}

const keepAll: IngestDeps['couldMatch'] = () => true;

/**
 * What each invocation selects by, for a remote Falco. The stage says which rules Falco runs, and that is believed of a cluster only while its
 * heartbeat comes back from those very rules; of every other cluster all events are sent.
 */
export function createSelection(deps: SelectionDeps): () => Promise<IngestDeps['couldMatch']> {
  const { packs, appendOutput, readHeartbeats, clusters, clock, logger, meter } = deps;
  if (packs.length === 0) return async () => keepAll;
  const selection = openSelection(packs, appendOutput);
  if (!selection.on || readHeartbeats === undefined) {
    const why = selection.on ? 'no heartbeat vouches for the rules that Falco runs' : selection.why;
    logger.warn('every event is sent to Falco, none is selected away', { why });
    return async () => {
      meter.record('PreFilterOff', clusters.length);
      return keepAll;
    };
  }
  const gate = createHeartbeatGate({ read: readHeartbeats, digests: selection.digests, clock });
  let told: string | undefined;
  return async () => {
    await gate.refresh();
    const shut = clusters.flatMap((cluster) => {
      const why = gate.whyShut(cluster);
      return why === undefined ? [] : [{ cluster, why }];
    });
    meter.record('PreFilterOff', shut.length);
    const state = shut.map(({ cluster }) => cluster).join();
    if (state !== told) logger.info(shut.length === 0 ? 'events are selected for Falco' : 'all events of some clusters are sent', { shut });
    told = state;
    return ({ identity, raw }) => gate.whyShut(identity.cluster) !== undefined || selection.couldMatch(raw);
  };
}
