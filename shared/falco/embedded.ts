import { messageOf } from '../platform/errors.ts';
import type { FalcoAlert } from './alert.ts';
import type { DeliveryOutcome, Destination } from './destination.ts';
import type { Evaluator } from './engine/index.ts';
import type { AlertSink } from './sink/index.ts';

/**
 * The embedded engine as a destination: the same rules, no Falco. All alerts of a call are published together; when the sink does not take
 * them the records count as undelivered, and are evaluated again later. Alerts may then come twice, events never get lost.
 */
export function createEmbeddedDestination(
  engine: Pick<Evaluator, 'evaluate'>,
  sink: AlertSink,
  /** Hears how many alerts the sink took over. */
  observe?: (alerts: number) => void,
): Destination {
  return {
    async deliver(records) {
      const alerts: FalcoAlert[] = [];
      const outcomes = records.map((record): DeliveryOutcome => {
        const verdict = engine.evaluate(record.raw);
        if (verdict.kind === 'rejected') return { kind: 'refused', reason: `the engine does not read it: ${verdict.rejection.reason}` };
        if (verdict.kind === 'evaluated') alerts.push(...verdict.alerts);
        return { kind: 'delivered' };
      });
      const resent = { bodies: 0, records: 0 };
      try {
        if (alerts.length > 0) {
          await sink.publish(alerts);
          observe?.(alerts.length);
        }
        return { outcomes, resent };
      } catch (error) {
        const reason = `the alert sink did not take ${alerts.length} alerts: ${messageOf(error)}`;
        return { outcomes: outcomes.map((outcome) => (outcome.kind === 'delivered' ? { kind: 'undelivered', reason } : outcome)), resent };
      }
    },
  };
}
