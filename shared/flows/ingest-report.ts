import type { Logger } from '@aws-lambda-powertools/logger';
import { describeOrigin, type Reject } from '../audit/index.ts';
import type { Meter } from '../platform/observe/meter.ts';
import type { ChunkReport } from './ingest.ts';

/** Metrics of one chunk, and a line for each reason for which something of it was quarantined. Of what was in the events nothing is logged. */
export function reportChunk(report: ChunkReport, meter: Meter, logger: Pick<Logger, 'warn'>): void {
  if (report.duplicate) {
    meter.record('DuplicateChunks', 1);
    return;
  }
  const { tally, clusters, skipped, rejects, lagMs } = report;
  if (report.retried) meter.record('EventsRetried', tally.received);
  else {
    // At zero, too, so that silence can be told from nothing.
    meter.record('EventsReceived', tally.quarantined);
    for (const [cluster, events] of clusters) meter.record('EventsReceived', events, cluster);
    const cluster = clusters.size === 1 ? [...clusters.keys()][0] : undefined;
    for (const lag of lagMs) meter.record('IngestLag', lag, cluster);
  }
  for (const [reason, count] of skipped) meter.record('EventsSkipped', count, reason);
  const counted = {
    EventsDelivered: tally.delivered,
    EventsDropped: tally.dropped,
    EventsSpooled: tally.spooled,
    EventsQuarantined: tally.quarantined,
    EventsReduced: tally.reduced,
    EventsSalvaged: tally.salvaged,
    EventsResent: tally.resent,
  } as const;
  for (const [name, count] of Object.entries(counted)) if (count > 0) meter.record(name as keyof typeof counted, count);
  for (const [reason, found] of byReason(rejects)) {
    logger.warn('events were quarantined', {
      reason,
      events: found.length,
      chunk: report.chunk,
      first: describeOrigin(found[0]!.origin),
      clusters: [...clusters.keys()],
    });
  }
}

function byReason(rejects: readonly Reject[]): Map<string, Reject[]> {
  const reasons = new Map<string, Reject[]>();
  for (const reject of rejects) {
    const found = reasons.get(reject.reason);
    if (found === undefined) reasons.set(reject.reason, [reject]);
    else found.push(reject);
  }
  return reasons;
}
