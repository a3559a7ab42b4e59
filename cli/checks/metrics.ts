import { GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import type { CheckContext } from './check.ts';

/** How far back metrics are looked at, **seconds**: as far as the alarm on a silent log. */
export const WINDOW_SECONDS = 900;

export interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly statistic: 'Sum' | 'Maximum';
  readonly dimensions: Readonly<Record<string, string>>;
}

/** One number for each metric over the last `windowSeconds`: the sum, or the highest. `undefined` where there is no reading. */
export async function read(
  context: CheckContext,
  metrics: readonly Metric[],
  windowSeconds = WINDOW_SECONDS,
): Promise<readonly (number | undefined)[]> {
  const now = context.clock.now();
  const { MetricDataResults = [] } = await context.aws.cloudwatch.send(
    new GetMetricDataCommand({
      StartTime: new Date(now - windowSeconds * 1000),
      EndTime: new Date(now),
      MetricDataQueries: metrics.map(({ namespace, name, statistic, dimensions }, at) => ({
        Id: `m${at}`,
        MetricStat: {
          Metric: {
            Namespace: namespace,
            MetricName: name,
            Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
          },
          Period: 60,
          Stat: statistic,
        },
      })),
    }),
  );
  return metrics.map(({ statistic }, at) => {
    const values = MetricDataResults.find(({ Id }) => Id === `m${at}`)?.Values ?? [];
    if (values.length === 0) return undefined;
    return statistic === 'Sum' ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values);
  });
}

/** Metrics know no resources in IAM. */
export const READ_METRICS = { actions: ['cloudwatch:GetMetricData'], resources: ['*'] } as const;
