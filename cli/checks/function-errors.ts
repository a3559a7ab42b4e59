import { functionKeys, functionSettings } from '../../infra/stage/function-settings.ts';
import { type Check, type Finding, fault, ok } from './check.ts';
import { READ_METRICS, read, WINDOW_SECONDS } from './metrics.ts';

export const functionErrors: Check = {
  id: 'function-errors',
  title: `No function failed, was throttled, or lost an event for good in the last ${WINDOW_SECONDS / 60} minutes.`,
  why: 'What fails is tried again, so nothing is lost yet; three failures in a row are no passing fault.',
  needs: () => [READ_METRICS],
  subjects: (context) =>
    functionKeys().map((key) => {
      const { name } = functionSettings(key, context.stage);
      return {
        name,
        async look() {
          const metric = (metricName: string) =>
            ({ namespace: 'AWS/Lambda', name: metricName, statistic: 'Sum', dimensions: { FunctionName: name } }) as const;
          const names = ['Errors', 'Throttles', 'DestinationDeliveryFailures'];
          const [invocations = 0, ...counts] = await read(context, [metric('Invocations'), ...names.map(metric)]);
          const faults = names.flatMap((metricName, at): Finding[] => {
            const count = counts[at] ?? 0;
            return count > 0 ? [fault(`no ${metricName}`, `${count} of ${invocations} invocations`, FIX[metricName]!(name))] : [];
          });
          return faults.length > 0 ? faults : ok(`${invocations} invocations, none failed`);
        },
      };
    }),
};

const FIX: Readonly<Record<string, (name: string) => string>> = {
  Errors: (name) => `aws logs tail /aws/lambda/${name} --since 15m --filter-pattern ERROR`,
  Throttles: () =>
    'Raise the function’s concurrency in the stage file, or the account’s (aws service-quotas list-service-quotas --service-code lambda)',
  DestinationDeliveryFailures: () =>
    'See docs/operate/alarms.md#failuredestination: these events are lost unless they are evaluated from the log group',
};
