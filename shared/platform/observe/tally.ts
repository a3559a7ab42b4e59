import { type Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { METRIC } from './names.ts';

const METRIC_OF: Readonly<Record<string, string>> = {
  received: METRIC.eventsReceived,
  delivered: METRIC.eventsDelivered,
  dropped: METRIC.eventsDropped,
  spooled: METRIC.eventsSpooled,
  quarantined: METRIC.eventsQuarantined,
  skipped: METRIC.eventsSkipped,
  reduced: METRIC.eventsReduced,
  salvaged: METRIC.eventsSalvaged,
  resent: METRIC.eventsResent,
  duplicateChunks: METRIC.duplicateChunks,
};

/** Emits the counts that are not zero. A count that is always there (received) is emitted at zero too, so that silence can be told from nothing. */
export function countTally(metrics: Metrics, counts: Readonly<Record<string, unknown>>): void {
  for (const [name, metric] of Object.entries(METRIC_OF)) {
    const count = counts[name];
    if (typeof count === 'number' && (count > 0 || name === 'received')) metrics.addMetric(metric, MetricUnit.Count, count);
  }
}
