import { type Check, fault, ok } from './check.ts';
import { READ_METRICS, read } from './metrics.ts';

/** As the alarm `EventsSilent`: longer than Firehose may gather, **seconds**. */
const WINDOW_SECONDS = 1200;
/** Fewer are no more than heartbeats. */
const FEWEST = 40;

export const eventsReceived: Check = {
  id: 'events-received',
  title: `Audit events of every cluster have reached the functions in the last ${WINDOW_SECONDS / 60} minutes, and more than heartbeats.`,
  why: 'A log group that is alive proves nothing: other logs of the control plane go there too. Of clusters of other accounts and regions this is all that is seen from here.',
  needs: () => [READ_METRICS],
  subjects: (context) =>
    context.stage.watched.map(({ name, path, account, region }) => ({
      name,
      async look() {
        const { stage } = context;
        const service = path === 'archive' ? 'audit-archive' : 'audit-stream';
        const dimensions = { service, stage: stage.name, cluster: name };
        const [events = 0] = await read(
          context,
          [{ namespace: 'Tiercel', name: 'EventsReceived', statistic: 'Sum', dimensions }],
          WINDOW_SECONDS,
        );
        if (events >= FEWEST) return ok(`${Math.round(events / (WINDOW_SECONDS / 60))} events a minute`);
        return fault(
          `at least ${FEWEST} audit events at ${service}`,
          `${events} in ${WINDOW_SECONDS / 60} minutes`,
          account === stage.account && region === stage.region
            ? `Follow the road: audit-logging, log-events, subscriptions, ${path === 'archive' ? 'archive' : 'deliveries'}, triggers, function-errors`
            : `Look in account ${account}, region ${region}: audit logging, the subscription, the Firehose and whether it may write the archive bucket`,
        );
      },
    })),
};
