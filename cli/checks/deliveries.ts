import { type Check, deploy, type Finding, fault, ok } from './check.ts';
import { READ_METRICS, read, WINDOW_SECONDS } from './metrics.ts';

export const deliveries: Check = {
  id: 'deliveries',
  title: `CloudWatch Logs hands on what is logged, without errors or throttling in the last ${WINDOW_SECONDS / 60} minutes.`,
  why: 'An error that is not retried (missing permission, missing function) skips up to ten minutes of events for good; throttling delays them, and loses them after 24 hours.',
  needs: () => [READ_METRICS],
  subjects: (context) =>
    context.stage.wantedSubscriptions.map(({ logGroup, filterName, destinationType }) => ({
      name: `${logGroup} (${filterName})`,
      async look() {
        const dimensions = { LogGroupName: logGroup, DestinationType: destinationType, FilterName: filterName };
        const metric = (name: string) => ({ namespace: 'AWS/Logs', name, statistic: 'Sum', dimensions }) as const;
        const [errors = 0, throttled = 0] = await read(context, [metric('DeliveryErrors'), metric('DeliveryThrottling')]);
        const faults: Finding[] = [];
        if (errors > 0)
          faults.push(
            fault(
              'no DeliveryErrors',
              `${errors}`,
              `See subscriptions and triggers; then evaluate the gap from the log group (docs/operate/alarms.md#deliveryerrors)`,
            ),
          );
        if (throttled > 0)
          faults.push(
            fault(
              'no DeliveryThrottling',
              `${throttled}`,
              destinationType === 'Firehose'
                ? 'aws service-quotas list-service-quotas --service-code firehose, and ask for more'
                : `Raise concurrency (auditStream, or respond for alerts) in infra/stages/${context.stage.name}.yml, then ${deploy(context.stage)}`,
            ),
          );
        return faults.length > 0 ? faults : ok('no errors, no throttling');
      },
    })),
};
