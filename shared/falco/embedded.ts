import { messageOf } from '../platform/errors.ts';
import type { FalcoAlert } from './alert.ts';
import type { Destination } from './destination.ts';
import type { AlertSink } from './sink/index.ts';

/** What the embedded destination needs of an engine. */
export interface Evaluator {
  /** The alerts that one event raises, in the order of the rules. */
  evaluate(raw: Uint8Array): readonly FalcoAlert[];
}

/**
 * The embedded engine as a destination: the same rules, no Falco. All alerts of a call are published together; when the sink does not take
 * them the records count as undelivered, and are evaluated again later. Alerts may then come twice, events never get lost.
 */
export function createEmbeddedDestination(engine: Evaluator, sink: AlertSink): Destination {
  return {
    async deliver(records) {
      const alerts = records.flatMap((record) => engine.evaluate(record.raw));
      const resent = { bodies: 0, records: 0 };
      try {
        if (alerts.length > 0) await sink.publish(alerts);
      } catch (error) {
        const reason = `the alert sink did not take ${alerts.length} alerts: ${messageOf(error)}`;
        return { outcomes: records.map(() => ({ kind: 'undelivered', reason }) as const), resent };
      }
      return { outcomes: records.map(() => ({ kind: 'delivered' }) as const), resent };
    },
  };
}
