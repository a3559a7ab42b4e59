import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deployment } from '../../../../infra/stage/deployment.ts';
import { type NamedStage, readStage } from '../../../../infra/stage/read.ts';
import { createMeter } from '../../../../shared/platform/observe/meter.ts';
import { METRICS, type MetricName, metricRow, type Service } from '../../../../shared/platform/observe/names.ts';
import { guardSummaries } from '../../../../shared/respond/guard/index.ts';
import { captureStdout } from '../../../support/stdout.ts';

const STAGES = readdirSync(join(resolve(import.meta.dirname, '../../../..'), 'infra/stages')).map((file) => file.replace('.yml', ''));

/** A series as CloudWatch knows it: name, and dimensions with their values. */
const series = (name: string, dimensions: Readonly<Record<string, unknown>>) =>
  `${name} ${Object.entries(dimensions)
    .map(([dimension, value]) => `${dimension}=${String(value)}`)
    .sort()
    .join(' ')}`;

/** What the functions' meters write, as CloudWatch reads it, when every metric of the table is recorded for every value it may have. */
function written(stage: NamedStage): Set<string> {
  const out = captureStdout();
  const clusters = stage.clusters.map(({ name }) => name);
  const values = {
    cluster: [...clusters, 'unheard-of'],
    guard: guardSummaries.map(({ name }) => name),
    reason: ['any'],
    result: ['any'],
  } as const;
  for (const service of ['audit-stream', 'audit-archive', 'respond', 'heartbeat'] satisfies Service[]) {
    const meter = createMeter({ service, stage: stage.name, clusters });
    for (const name of Object.keys(METRICS) as MetricName[]) {
      const { from, by } = metricRow(name);
      if (!from.includes(service)) continue;
      for (const value of by === undefined ? [undefined] : values[by]) meter.record(name, 1, value);
    }
    meter.flush();
  }
  const lines = out.lines();
  out.restore();
  return new Set(
    lines.flatMap((line) => {
      const blob = JSON.parse(line) as Record<string, unknown> & {
        _aws: { CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string }[] }[] };
      };
      return blob._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) => {
        expect(Namespace).toBe('Tiercel');
        return Dimensions.flatMap((set) =>
          Metrics.map(({ Name }) => series(Name, Object.fromEntries(set.map((dimension) => [dimension, blob[dimension]])))),
        );
      });
    }),
  );
}

describe.each(STAGES)('what the meters of stage %s write', (name) => {
  const stage = readStage(name);
  const { alarms, views } = deployment(stage);
  let there: Set<string>;
  beforeAll(() => {
    there = written(stage);
  });
  afterAll(() => there.clear());

  it('is what every alarm of ours reads, under the same dimensions', () => {
    const read = Object.values(alarms.Resources)
      .map(({ Properties }) => Properties as { Namespace: string; MetricName: string; Dimensions: { Name: string; Value: unknown }[] })
      .filter(({ Namespace }) => Namespace === 'Tiercel')
      .map(({ MetricName, Dimensions }) => series(MetricName, Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value]))));
    expect(read.length).toBeGreaterThan(10);
    expect(read.filter((each) => !there.has(each))).toEqual([]);
  });

  it('is what every line of the dashboard draws, under the same dimensions', () => {
    const { Properties } = views.Resources.Dashboard as unknown as { Properties: { DashboardBody: string } };
    const { widgets } = JSON.parse(Properties.DashboardBody) as { widgets: { type: string; properties: { metrics: unknown[][] } }[] };
    const drawn = widgets
      .filter(({ type }) => type === 'metric')
      .flatMap(({ properties }) => properties.metrics)
      .filter(([namespace]) => namespace === 'Tiercel')
      .map(([, metric, ...rest]) => {
        const pairs = rest.filter((part) => typeof part === 'string');
        return series(
          String(metric),
          Object.fromEntries(Array.from({ length: pairs.length / 2 }, (_, at) => pairs.slice(2 * at, 2 * at + 2))),
        );
      });
    expect(drawn.length).toBeGreaterThan(20);
    expect(drawn.filter((each) => !there.has(each))).toEqual([]);
  });
});
