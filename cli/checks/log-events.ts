import { type Check, fault, ok } from './check.ts';
import { READ_METRICS, read, WINDOW_SECONDS } from './metrics.ts';
import { isHere } from './stage.ts';

export const logEvents: Check = {
  id: 'log-events',
  title: `Every cluster has logged something in the last ${WINDOW_SECONDS / 60} minutes.`,
  why: 'A running cluster writes audit events all the time, if only for its own controllers.',
  needs: () => [READ_METRICS],
  subjects: (context) =>
    context.stage.watched
      .filter((cluster) => isHere(cluster, context.stage))
      .map(({ name, logGroup, eksName, region }) => ({
        name,
        async look() {
          const dimensions = { LogGroupName: logGroup };
          const [events = 0] = await read(context, [{ namespace: 'AWS/Logs', name: 'IncomingLogEvents', statistic: 'Sum', dimensions }]);
          if (events > 0) return ok(`${Math.round(events / (WINDOW_SECONDS / 60))} log events a minute`);
          return fault(
            `log events in ${logGroup}`,
            `none in ${WINDOW_SECONDS / 60} minutes`,
            `See audit-logging above; then who changed the cluster: aws cloudtrail lookup-events --region ${region} --lookup-attributes AttributeKey=ResourceName,AttributeValue=${eksName}`,
          );
        },
      })),
};
