import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMeter, flushing } from '../../../../../shared/platform/observe/meter.ts';
import { METRICS, type MetricName, metricRow } from '../../../../../shared/platform/observe/names.ts';
import { captureStdout } from '../../../../support/stdout.ts';

const meter = () => createMeter({ service: 'audit-stream', stage: 'test', clusters: ['a', 'b'] });
const names = Object.keys(METRICS) as MetricName[];

interface Blob {
  readonly _aws: { CloudWatchMetrics: { Namespace: string; Dimensions: string[][]; Metrics: { Name: string; Unit: string }[] }[] };
  readonly [member: string]: unknown;
}

describe('meter', () => {
  let out: ReturnType<typeof captureStdout>;
  beforeEach(() => {
    out = captureStdout();
  });
  afterEach(() => out.restore());
  const blobs = () => out.lines().map((line) => JSON.parse(line) as Blob);

  it('writes nothing, and warns of nothing, when nothing was recorded', () => {
    meter().flush();
    flushing(meter()).after();
    expect(out.lines()).toEqual([]);
  });

  it('carries service and stage, and a total beside each value of the further dimension', () => {
    const it = meter();
    it.record('EventsReceived', 2, 'a');
    it.record('EventsReceived', 3, 'a');
    it.record('EventsReceived', 4);
    it.flush();
    expect(blobs()).toMatchObject([
      { service: 'audit-stream', stage: 'test', cluster: 'a', EventsReceived: 5 },
      { service: 'audit-stream', stage: 'test', EventsReceived: 4 },
    ]);
    expect(blobs().map(({ _aws }) => _aws.CloudWatchMetrics[0]!.Dimensions)).toEqual([
      [
        ['service', 'stage'],
        ['service', 'stage', 'cluster'],
      ],
      [['service', 'stage']],
    ]);
  });

  it('lets nobody make a metric by naming a cluster', () => {
    const it = meter();
    for (let at = 0; at < 50; at++) it.record('AlertsReceived', 1, `made-up-${at}`);
    it.flush();
    expect(blobs()).toMatchObject([{ cluster: 'other', AlertsReceived: 50 }]);
  });

  it('ignores a further value of a metric that has no further dimension', () => {
    const it = meter();
    it.record('EventsDelivered', 1, 'a');
    it.flush();
    expect(blobs()).toMatchObject([{ EventsDelivered: 1 }]);
    expect(blobs()[0]).not.toHaveProperty('cluster');
  });

  it('forgets nothing and exceeds no limit of the format, whatever is recorded', () => {
    const reading = fc.record({
      name: fc.constantFrom(...names),
      value: fc.nat(1000),
      by: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 400 }), (readings) => {
        out.clear();
        const it = meter();
        const sums = new Map<string, number>();
        for (const { name, value, by } of readings) {
          it.record(name, value, by);
          sums.set(name, (sums.get(name) ?? 0) + value);
        }
        it.flush();
        const written = new Map<string, number>();
        for (const blob of blobs()) {
          const [directive] = blob._aws.CloudWatchMetrics;
          expect(directive!.Metrics.length).toBeLessThanOrEqual(100);
          for (const set of directive!.Dimensions) for (const dimension of set) expect(blob).toHaveProperty(dimension);
          for (const { Name, Unit } of directive!.Metrics) {
            expect(Unit).toBe(metricRow(Name as MetricName).unit);
            const values = [blob[Name]].flat() as number[];
            expect(values.length).toBeLessThanOrEqual(100);
            written.set(
              Name,
              values.reduce((sum, value) => sum + value, written.get(Name) ?? 0),
            );
          }
        }
        expect(written).toEqual(sums);
      }),
    );
  });
});
