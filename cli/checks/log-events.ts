import { type Check, fault, ok } from './check.ts';
import { READ_METRICS, read, WINDOW_SECONDS } from './metrics.ts';
import { isHere } from './stage.ts';

/** Fewer in the window are no log that is alive: the stage's own heartbeat writes one in five minutes. The alarm on silence counts alike. */
const FEWEST = 30;

export const logEvents: Check = {
  id: 'log-events',
  title: `Every cluster has logged more than its heartbeat in the last ${WINDOW_SECONDS / 60} minutes.`,
  why: 'A running cluster writes hundreds of audit events a minute, if only for its own controllers.',
  needs: () => [READ_METRICS],
  subjects: (context) =>
    context.stage.watched
      .filter((cluster) => isHere(cluster, context.stage))
      .map(({ name, logGroup, eksName, region }) => ({
        name,
        async look() {
          const dimensions = { LogGroupName: logGroup };
          const [events = 0] = await read(context, [{ namespace: 'AWS/Logs', name: 'IncomingLogEvents', statistic: 'Sum', dimensions }]);
          if (events >= FEWEST) return ok(`${Math.round(events / (WINDOW_SECONDS / 60))} log events a minute`);
          return fault(
            `at least ${FEWEST} log events in ${logGroup}`,
            `${events} in ${WINDOW_SECONDS / 60} minutes`,
            `See audit-logging above; then who changed the cluster: aws cloudtrail lookup-events --region ${region} --lookup-attributes AttributeKey=ResourceName,AttributeValue=${eksName}`,
          );
        },
      })),
};
