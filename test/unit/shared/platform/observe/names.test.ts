import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METRICS, type MetricName, metricRow, type Service } from '../../../../../shared/platform/observe/names.ts';
import { loadedFrom } from '../../../../support/sdk-calls.ts';

const root = resolve(import.meta.dirname, '../../../../..');
const SERVICES: readonly Service[] = ['audit-stream', 'audit-archive', 'respond', 'heartbeat'];
/** The code each function loads. */
const codeOf = Object.fromEntries(
  SERVICES.map((service) => [
    service,
    loadedFrom(`functions/${service}/handler.ts`)
      .filter((file) => !file.endsWith('observe/names.ts'))
      .map((file) => readFileSync(resolve(root, file), 'utf8'))
      .join('\n'),
  ]),
);

describe('the table of metrics', () => {
  it.each(Object.keys(METRICS) as MetricName[])('names no function that has no code to emit %s', (name) => {
    const { from } = metricRow(name);
    expect(from.length).toBeGreaterThan(0);
    expect(from.filter((service) => !new RegExp(`['"]${name}['"]|\\b${name}:`).test(codeOf[service]!))).toEqual([]);
  });
});
