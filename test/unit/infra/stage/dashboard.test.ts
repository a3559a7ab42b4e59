import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALARMS } from '../../../../infra/stage/alarm-table.ts';
import { deployment } from '../../../../infra/stage/deployment.ts';
import { oneLinePerStep, QUERIES, savedQueries } from '../../../../infra/stage/queries.ts';
import { parseStage, readStage } from '../../../../infra/stage/read.ts';
import { METRICS, type MetricName, metricRow, type Service } from '../../../../shared/platform/observe/names.ts';

const root = resolve(import.meta.dirname, '../../../..');
const STAGES = readdirSync(join(root, 'infra/stages')).map((file) => file.replace('.yml', ''));

/** Metrics of AWS that are drawn, with their dimensions, as the services document them. */
const OF_AWS: Readonly<Record<string, readonly string[]>> = {
  'AWS/Logs IncomingLogEvents': ['LogGroupName'],
  'AWS/Logs DeliveryErrors': ['LogGroupName', 'DestinationType', 'FilterName'],
  'AWS/Logs DeliveryThrottling': ['LogGroupName', 'DestinationType', 'FilterName'],
  'AWS/Lambda Errors': ['FunctionName'],
  'AWS/Lambda Throttles': ['FunctionName'],
  'AWS/Lambda Duration': ['FunctionName'],
  'AWS/SQS ApproximateAgeOfOldestMessage': ['QueueName'],
  'AWS/Firehose DeliveryToS3.DataFreshness': ['DeliveryStreamName'],
};

const MANY = "account: '111111111111'\nregion: eu-central-1\ndetection: embedded\nlogRetentionDays: 30\n";

interface Widget {
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: { readonly [name: string]: unknown };
}

function bodyOf(name: string) {
  const stage = deployment(readStage(name));
  const made = stage.views.Resources.Dashboard as unknown as { Properties: { DashboardName: string; DashboardBody: string } };
  const body = JSON.parse(made.Properties.DashboardBody) as { widgets: readonly Widget[] };
  return { stage, size: Buffer.byteLength(made.Properties.DashboardBody), name: made.Properties.DashboardName, widgets: body.widgets };
}

describe.each(STAGES)('dashboard of stage %s', (name) => {
  const { stage, widgets, size, name: dashboardName } = bodyOf(name);
  const lines = widgets
    .filter(({ type }) => type === 'metric')
    .flatMap(({ properties }) => properties.metrics as readonly (readonly unknown[])[]);

  it('stays within what CloudWatch takes', () => {
    expect(dashboardName).toMatch(/^[\w-]+$/);
    expect(size).toBeLessThan(1_000_000);
    expect(widgets.length).toBeLessThanOrEqual(500);
    expect(lines.length).toBeLessThanOrEqual(2_500);
    for (const { type, properties } of widgets) {
      if (type === 'metric') expect((properties.metrics as unknown[]).length, String(properties.title)).toBeLessThanOrEqual(500);
      if (type === 'alarm') expect((properties.alarms as unknown[]).length).toBeLessThanOrEqual(100);
    }
  });

  it('lays every widget on the grid, and none over another', () => {
    const taken = new Set<string>();
    for (const { x, y, width, height } of widgets) {
      expect([x, y, width, height].every(Number.isInteger)).toBe(true);
      expect(x + width).toBeLessThanOrEqual(24);
      for (let column = x; column < x + width; column++)
        for (let row = y; row < y + height; row++) {
          expect(taken.has(`${column}/${row}`)).toBe(false);
          taken.add(`${column}/${row}`);
        }
    }
  });

  it('draws nothing that is not emitted, each under its very dimensions', () => {
    for (const line of lines) {
      const [namespace, metric, ...rest] = line;
      if (typeof namespace === 'object') {
        const { expression } = namespace as { expression: string };
        const [, dimensions, searched, service, of] =
          /^SEARCH\('\{Tiercel,([\w,]+)\} MetricName="(\w+)" service="([\w-]+)" stage="(\w+)"', 'Sum', 300\)$/.exec(expression) ?? [];
        expect(of).toBe(name);
        expect(dimensions).toBe(`service,stage,${metricRow(searched as MetricName).by}`);
        expect(metricRow(searched as MetricName).from).toContain(service);
        continue;
      }
      const given = rest.filter((part): part is string => typeof part === 'string');
      const dimensions = given.filter((_, at) => at % 2 === 0);
      if (namespace !== 'Tiercel') {
        expect(dimensions, `${namespace} ${metric}`).toEqual(OF_AWS[`${namespace} ${metric}`]);
        continue;
      }
      expect(Object.keys(METRICS)).toContain(metric);
      const { by, from } = metricRow(metric as MetricName);
      expect([...dimensions.slice(0, 2), given[3]], String(metric)).toEqual(['service', 'stage', name]);
      expect(from, String(metric)).toContain(given[1] as Service);
      expect(dimensions.slice(2).filter((dimension) => dimension !== by)).toEqual([]);
    }
  });

  it('shows every alarm of the stage', () => {
    const shown = widgets.flatMap(({ type, properties }) => (type === 'alarm' ? (properties.alarms as string[]) : []));
    const names = Object.values(stage.alarms.Resources).map(({ Properties }) => (Properties as { AlarmName: string }).AlarmName);
    expect(shown.map((arn) => arn.split(':alarm:')[1])).toEqual(names);
  });

  it('shows saved queries, over log groups of the stage', () => {
    const logs = widgets.filter(({ type }) => type === 'log');
    expect(logs.length).toBeGreaterThan(5);
    const { names } = stage;
    const known = [
      names.alertLogGroup,
      ...[names.auditStream, names.auditArchive, names.respond].map((fn) => `/aws/lambda/${fn}`),
      ...stage.alertLogGroups,
    ];
    for (const { properties } of logs) {
      const query = String(properties.query);
      const sources = [...query.matchAll(/SOURCE '([^']+)'/g)].map(([, group]) => group);
      expect(sources.length).toBeGreaterThan(0);
      expect(known).toEqual(expect.arrayContaining(sources));
      expect(QUERIES.some((saved) => query.endsWith(`| ${oneLinePerStep(saved.query)}`))).toBe(true);
    }
  });

  it('has a line for every cluster in what it says about seeing', () => {
    const graph = widgets.find(({ properties }) => properties.title === 'Events received, by cluster');
    const drawn = ((graph?.properties.metrics ?? []) as unknown[][]).map((line) => line[7]);
    expect(drawn).toEqual(stage.clusters.map((cluster) => cluster.name));
  });
});

describe('dashboard of a stage with many clusters', () => {
  it('has no more alarms in a widget than CloudWatch takes, and shows all of them', () => {
    const clusters = Array.from({ length: 14 }, (_, at) => `{ name: c${at}, path: stream+store }`).join(', ');
    const stage = { name: 'many', ...parseStage('many.yml', `${MANY}clusters: [${clusters}]\n`) };
    const { views, alarms } = deployment(stage);
    const { Properties } = views.Resources.Dashboard as unknown as { Properties: { DashboardBody: string } };
    const { widgets } = JSON.parse(Properties.DashboardBody) as { widgets: readonly Widget[] };
    const shown = widgets.filter(({ type }) => type === 'alarm').map(({ properties }) => properties.alarms as string[]);
    expect(shown.length).toBeGreaterThan(1);
    for (const arns of shown) expect(arns.length).toBeLessThanOrEqual(100);
    expect(shown.flat()).toHaveLength(Object.keys(alarms.Resources).length);
  });
});

describe('saved queries', () => {
  const made = Object.values(savedQueries(readStage('prod'), deployment(readStage('prod')).names)).map(
    ({ Properties }) => Properties as { Name: string; QueryString: string; LogGroupNames: string[] },
  );

  it('are those of the table and of FireLens, each once', () => {
    expect(made.map(({ Name }) => Name)).toEqual(QUERIES.map(({ name }) => `tiercel/prod/${name}`));
    expect(new Set(made.map(({ Name }) => Name)).size).toBe(made.length);
    for (const { QueryString, Name } of made) {
      expect(QueryString.length, Name).toBeLessThan(10_000);
      expect(QueryString, Name).toMatch(/^(fields|filter|stats|parse)/);
    }
  });

  it('are not made for alerts of nodes where none come', () => {
    expect(
      Object.values(savedQueries(readStage('dev'), deployment(readStage('dev')).names)).some((query) =>
        JSON.stringify(query).includes('/Nodes: '),
      ),
    ).toBe(false);
  });

  it('ask for messages and members that the functions log', () => {
    const source = ['functions', 'shared/flows']
      .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(root, folder, file)))
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(file, 'utf8'))
      .join('\n');
    for (const { query, over, name } of QUERIES.filter(({ over }) => over === 'ingest' || over === 'respond')) {
      expect(over, name).toBeTruthy();
      for (const [, message] of query.matchAll(/"([a-z][\w ’'-]* [\w ’'-]+)"/g)) {
        const [first, ...rest] = message!.split(' ');
        // The kind of an object's outcome is put into the message.
        expect(
          source.includes(`'${message}'`) ||
            (first === 'object' && source.includes(`'${rest.join(' ')}'`)) ||
            (first === 'object' && source.includes(`${rest.join(' ')}:`)),
          message,
        ).toBe(true);
      }
      const displayed = /\| display ([^\n]+)/.exec(query)?.[1]?.split(', ') ?? [];
      for (const field of displayed.filter((candidate) => !candidate.startsWith('@')))
        expect(source, `${name}: ${field}`).toMatch(new RegExp(`\\b${field.split('.')[0]}\\b`));
    }
  });

  it('are there when a runbook names them', () => {
    const named = ALARMS.flatMap(({ runbook }) =>
      runbook.flatMap((step) => [...step.matchAll(/[Ss]aved query `([^`]+)`/g)].map(([, query]) => query)),
    );
    expect(named.length).toBeGreaterThan(3);
    expect(QUERIES.map((query) => query.name)).toEqual(expect.arrayContaining(named));
  });
});
