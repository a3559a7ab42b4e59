import { settleAll } from '../../platform/concurrency.ts';
import { TiercelError } from '../../platform/errors.ts';
import type { Transport } from '../../platform/http.ts';
import { type AlertSink, alertText } from './sink.ts';

const UNDER_WAY = 4;
const TIMEOUT_MS = 10_000;

/** Falcosidekick: one POST per alert, as Falco does. Its 200 comes before it delivers, and it has no queue: see docs/concepts.md. */
export function createFalcosidekickSink(url: URL, transport: Transport): AlertSink {
  return {
    async publish(alerts) {
      const settled = await settleAll(alerts, UNDER_WAY, async (alert) => {
        const request = {
          method: 'POST',
          url,
          headers: { 'content-type': 'application/json' },
          body: Buffer.from(alertText(alert)),
        } as const;
        const { status, text } = await transport.send(request, AbortSignal.timeout(TIMEOUT_MS));
        if (status < 200 || status > 299)
          throw new TiercelError(
            'FALCOSIDEKICK_REFUSED',
            `Expected Falcosidekick at ${url.origin} to take an alert, but it answered ${status} (${text.slice(0, 200)}).`,
            { retryable: true },
          );
      });
      for (const result of settled) if (result.status === 'rejected') throw result.reason;
    },
  };
}
