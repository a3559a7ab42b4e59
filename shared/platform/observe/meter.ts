import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { type MetricName, metricRow, type Service } from './names.ts';

/** Takes readings. Where nobody measures (command line, fault harness) there is none. */
export interface Meter {
  /**
   * One reading. Counts are summed, of everything else each reading is kept.
   * @param by value of the metric's further dimension, if it has one and the value is known.
   */
  record(name: MetricName, value: number, by?: string): void;
}

export interface FlushingMeter extends Meter {
  /** Writes what was recorded since the last time, at the end of an invocation. Nothing recorded, nothing written. */
  flush(): void;
}

export interface MeterOptions {
  readonly service: Service;
  readonly stage: string;
  /** The clusters that may become a dimension. Any other is `other`: whoever can write an event or an alert must not be able to make metrics. */
  readonly clusters: readonly string[];
}

/** Embedded metric format takes 100 readings of a metric; Powertools writes at once, and forgets the dimensions, when it reaches that. */
const MAX_READINGS = 99;

/** A {@link Meter} that writes embedded metric format to standard output: no call, no wait. One line for each value of a further dimension. */
export function createMeter({ service, stage, clusters }: MeterOptions): FlushingMeter {
  const metrics = new Metrics({ namespace: 'Tiercel', serviceName: service, defaultDimensions: { stage } });
  let groups = new Map<string, Group>();
  return {
    record(name, value, by) {
      const split = metricRow(name).by;
      const dimension =
        split !== undefined && by !== undefined ? { [split]: split === 'cluster' && !clusters.includes(by) ? 'other' : by } : {};
      const key = JSON.stringify(dimension);
      const group = groups.get(key) ?? { dimension, readings: new Map<MetricName, number[]>() };
      groups.set(key, group);
      const readings = group.readings.get(name);
      if (readings === undefined) group.readings.set(name, [value]);
      else if (metricRow(name).unit === 'Count') readings[0]! += value;
      else readings.push(value);
    },
    flush() {
      const recorded = groups;
      groups = new Map();
      for (const { dimension, readings } of recorded.values()) {
        const longest = Math.max(...[...readings.values()].map((values) => values.length));
        for (let from = 0; from < longest; from += MAX_READINGS) {
          // The set without the further dimension is the total over all its values.
          metrics.addDimensions({});
          if (Object.keys(dimension).length > 0) metrics.addDimensions(dimension);
          for (const [name, values] of readings) {
            for (const value of values.slice(from, from + MAX_READINGS)) metrics.addMetric(name, MetricUnit[metricRow(name).unit], value);
          }
          metrics.publishStoredMetrics();
        }
      }
    },
  };
}

interface Group {
  readonly dimension: Readonly<Record<string, string>>;
  readonly readings: Map<MetricName, number[]>;
}

/** middy: flushes when the invocation ends, well or not. */
export function flushing(meter: FlushingMeter): { after: () => void; onError: () => void } {
  const flush = () => meter.flush();
  return { after: flush, onError: flush };
}
