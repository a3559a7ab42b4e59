import { type MetricName, metricRow, type Service } from '../../shared/platform/observe/names.ts';
import { archivedClusters, streamName } from './archives.ts';
import { beatingClusters } from './heartbeat.ts';
import type { StageNames } from './names.ts';
import { logGroupsOf, oneLinePerStep, QUERIES } from './queries.ts';
import type { NamedStage } from './read.ts';
import { logGroupOf, type Resources } from './subscriptions.ts';

/** One line of a graph, as CloudWatch has it: namespace, name, dimensions, how to draw it. */
type Line = readonly unknown[];

interface Widget {
  readonly type: 'text' | 'metric' | 'log' | 'alarm';
  readonly width: number;
  readonly height: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

const COLUMNS = 24;

/** The stage's dashboard: is it seeing everything, is it keeping up, what did it do. Names are text, so the body needs no other resource. */
export function dashboard(stage: NamedStage, names: StageNames, alarmArns: readonly string[]): Resources {
  return {
    Dashboard: {
      Type: 'AWS::CloudWatch::Dashboard',
      Properties: { DashboardName: `tiercel-${stage.name}`, DashboardBody: JSON.stringify(dashboardBody(stage, names, alarmArns)) },
    },
  };
}

function dashboardBody(stage: NamedStage, names: StageNames, alarmArns: readonly string[]): object {
  const draw = pen(stage, names);
  const rows: readonly (readonly Widget[])[] = [
    [
      text(
        COLUMNS,
        3,
        `# Tiercel ${stage.name}`,
        'Read it from top to bottom: **is anything ringing**, **is it seeing everything**, **is it keeping up**, **what did it do**. Each alarm has a page: docs/operate/alarms.md.',
        'A flat line at zero is a reading; a line that ends is none.',
      ),
    ],
    ...alarmRows(alarmArns),
    ...seeing(stage, draw),
    ...keepingUp(stage, names, draw),
    ...done(stage, draw),
  ];
  return { start: '-PT12H', periodOverride: 'inherit', widgets: placed(rows) };
}

/** CloudWatch takes this many alarms in a widget; a stage with a dozen clusters has more. */
const ALARMS_IN_A_WIDGET = 100;

function alarmRows(arns: readonly string[]): readonly (readonly Widget[])[] {
  const parts = Array.from({ length: Math.ceil(arns.length / ALARMS_IN_A_WIDGET) }, (_, at) =>
    arns.slice(at * ALARMS_IN_A_WIDGET, (at + 1) * ALARMS_IN_A_WIDGET),
  );
  return parts.map((part, at) => [
    {
      type: 'alarm',
      width: COLUMNS,
      height: 4,
      properties: {
        title: parts.length === 1 ? 'Alarms' : `Alarms (${at + 1} of ${parts.length})`,
        alarms: part,
        sortBy: 'stateUpdatedTimestamp',
      },
    },
  ]);
}

function seeing(stage: NamedStage, draw: Pen): readonly (readonly Widget[])[] {
  return [
    [
      text(
        COLUMNS,
        2,
        '## Is it seeing everything?',
        'Each cluster’s line should move with what EKS writes. Its heartbeat proves the whole road: should it end, an attack there would raise no alert. Quarantined should be zero.',
      ),
    ],
    [
      draw.graph(
        'Events received, by cluster',
        8,
        6,
        'Sum',
        stage.clusters.map((cluster) => draw.ours('EventsReceived', roadOf(cluster), { by: cluster.name, label: cluster.name })),
      ),
      draw.graph(
        'Log events that EKS wrote, by cluster',
        8,
        6,
        'Sum',
        stage.clusters
          .filter((cluster) => isHere(stage, cluster))
          .map((cluster) => ['AWS/Logs', 'IncomingLogEvents', 'LogGroupName', logGroupOf(cluster), { label: cluster.name }]),
      ),
      draw.graph(
        'Heartbeats back, by cluster (one in five minutes)',
        8,
        6,
        'Sum',
        beatingClusters(stage).map(({ name }) => draw.ours('HeartbeatsReturned', 'respond', { by: name, label: name })),
      ),
    ].filter(hasLines),
    [
      draw.graph(
        'Where events went',
        8,
        6,
        'Sum',
        draw.bothRoads(['EventsDelivered', 'EventsDropped', 'EventsSpooled', 'EventsQuarantined']),
      ),
      draw.graph('Cut, mended, sent twice', 8, 6, 'Sum', draw.bothRoads(['EventsReduced', 'EventsSalvaged', 'EventsResent'])),
      draw.graph('Deliveries that CloudWatch Logs could not make', 8, 6, 'Sum', [
        ...stage.clusters
          .filter(({ path }) => path !== 'archive')
          .flatMap((cluster) =>
            ['DeliveryErrors', 'DeliveryThrottling'].map((name) => [
              'AWS/Logs',
              name,
              ...['LogGroupName', logGroupOf(cluster), 'DestinationType', 'Lambda', 'FilterName', `tiercel-audit-${stage.name}`],
              { label: `${name} ${cluster.name}` },
            ]),
          ),
      ]),
    ].filter(hasLines),
    [draw.query('Why events were quarantined', 12, 6), draw.query('Why events were parked', 12, 6)],
  ];
}

function keepingUp(stage: NamedStage, names: StageNames, draw: Pen): readonly (readonly Widget[])[] {
  const functions = [names.auditStream, names.auditArchive, names.respond];
  const lambda = (metric: string) => functions.map((name) => ['AWS/Lambda', metric, 'FunctionName', name, { label: name }]);
  return [
    [
      text(
        COLUMNS,
        2,
        '## Is it keeping up?',
        'Lag is from the API server to delivery: up to three minutes are CloudWatch Logs’, one more is Firehose’s. If Falco’s latency or the spool grows, Falco needs replicas; if only throttles grow, the functions need concurrency.',
      ),
    ],
    [
      draw.graph(
        'Lag, 90th percentile, by cluster (ms)',
        8,
        6,
        'p90',
        stage.clusters.map((cluster) => draw.ours('IngestLag', roadOf(cluster), { by: cluster.name, label: cluster.name })),
      ),
      draw.graph(
        'Falco’s latency (ms)',
        8,
        6,
        'p50',
        ['p50', 'p99'].flatMap((stat) =>
          INGEST.map((service) => draw.ours('FalcoLatency', service, { stat, label: `${stat} ${service}` })),
        ),
      ),
      draw.graph('In the spool', 8, 6, 'Maximum', [
        draw.ours('SpooledObjects', 'audit-archive', { label: 'objects' }),
        draw.ours('SpoolAge', 'audit-archive', { label: 'age of the oldest (s)', yAxis: 'right' }),
      ]),
    ].filter(hasLines),
    [
      draw.graph(
        'Oldest message (s)',
        8,
        6,
        'Maximum',
        [names.archiveQueue, names.spoolQueue, names.respondQueue].map((queue) => [
          'AWS/SQS',
          'ApproximateAgeOfOldestMessage',
          'QueueName',
          queue,
          { label: queue },
        ]),
      ),
      draw.graph(
        'Errors and throttles of the functions',
        8,
        6,
        'Sum',
        [...lambda('Errors'), ...lambda('Throttles')].map(([namespace, name, dimension, value]) => [
          namespace,
          name,
          dimension,
          value,
          { label: `${name} ${value}` },
        ]),
      ),
      draw.graph('Duration, 99th percentile (ms)', 8, 6, 'p99', lambda('Duration')),
    ],
    [
      draw.graph(
        'The whole road: round trip of a heartbeat, by cluster (ms)',
        8,
        6,
        'Maximum',
        beatingClusters(stage).map(({ name }) => draw.ours('HeartbeatRoundTrip', 'respond', { by: name, label: name })),
      ),
      draw.graph(
        'Clusters sent whole, because no heartbeat vouches for Falco’s rules',
        8,
        6,
        'Maximum',
        stage.falco?.rules === undefined ? [] : INGEST.map((service) => draw.ours('PreFilterOff', service, { label: service })),
      ),
      draw.graph(
        'Alerts that the embedded engine raised',
        8,
        6,
        'Sum',
        stage.detection === 'falco' ? [] : INGEST.map((service) => draw.ours('AlertsRaised', service, { label: service })),
      ),
    ].filter(hasLines),
    [
      draw.graph('Events tried again', 8, 6, 'Sum', [
        draw.ours('EventsRetried', 'audit-archive'),
        draw.ours('SpoolRequeued', 'audit-archive', { yAxis: 'right' }),
      ]),
      draw.graph(
        'Firehose: age of the oldest record (s)',
        8,
        6,
        'Maximum',
        archivedClusters(stage).map(({ name }) => [
          'AWS/Firehose',
          'DeliveryToS3.DataFreshness',
          'DeliveryStreamName',
          streamName(stage, name),
          { label: name },
        ]),
      ),
      draw.query('Slow deliveries', 8, 6),
    ].filter(hasLines),
  ];
}

function done(stage: NamedStage, draw: Pen): readonly (readonly Widget[])[] {
  return [
    [
      text(
        COLUMNS,
        2,
        '## What did it do?',
        '`planned` is what shadow would have done, `refused` what a guard kept respond from. The journal has the whole story of each: `tiercel journal show <id>`.',
      ),
    ],
    [
      draw.graph(
        'Alerts, by cluster',
        8,
        6,
        'Sum',
        [...stage.clusters.map(({ name }) => name), 'other'].map((name) =>
          draw.ours('AlertsReceived', 'respond', { by: name, label: name }),
        ),
      ),
      draw.graph('Responses, by result', 8, 6, 'Sum', [draw.search('Responses', 'respond')]),
      draw.graph('Refusals, by guard', 8, 6, 'Sum', [draw.search('Refusals', 'respond')]),
    ],
    [
      draw.graph(
        'From the happening to the last effect (ms)',
        8,
        6,
        'p50',
        ['p50', 'p90'].map((stat) => draw.ours('DetectionToAction', 'respond', { stat, label: stat })),
      ),
      draw.graph(
        'Alerts that led nowhere',
        8,
        6,
        'Sum',
        (['AlertsDuplicate', 'AlertsRejected', 'AlertsFailed', 'OwnCalls'] as const).map((name) => draw.ours(name, 'respond')),
      ),
      draw.graph(
        'To look into',
        8,
        6,
        'Maximum',
        (['ImpostorCalls', 'ModeLowered', 'AlertLogFailures'] as const).map((name) => draw.ours(name, 'respond')),
      ),
    ],
    [draw.query('Alerts, newest first', COLUMNS, 8)],
    [draw.query('Loudest rules', 12, 6), draw.query('Loudest users', 12, 6)],
    [draw.query('What respond did', 12, 6), draw.query('What respond refused, and why', 12, 6)],
    ...(stage.alertLogGroups.length === 0
      ? []
      : [
          [text(COLUMNS, 1, '## Alerts of nodes and tasks (FireLens)')],
          QUERIES.filter(({ over }) => over === 'falco').map(({ name }, _, all) => draw.query(name, COLUMNS / all.length, 6)),
        ]),
  ];
}

const INGEST = ['audit-stream', 'audit-archive'] as const;

/** Which function a cluster's events arrive at. */
function roadOf({ path }: NamedStage['clusters'][number]): Service {
  return path === 'archive' ? 'audit-archive' : 'audit-stream';
}

function isHere(stage: NamedStage, { account, region }: NamedStage['clusters'][number]): boolean {
  return (account ?? stage.account) === stage.account && (region ?? stage.region) === stage.region;
}

type Pen = ReturnType<typeof pen>;

/** Draws for one stage. */
function pen(stage: NamedStage, names: StageNames) {
  const ours = (
    name: MetricName,
    service: Service,
    { by, ...look }: { by?: string; label?: string; stat?: string; yAxis?: string } = {},
  ): Line => {
    const split = metricRow(name).by;
    const further = by === undefined || split === undefined ? [] : [split, by];
    return ['Tiercel', name, 'service', service, 'stage', stage.name, ...further, look];
  };
  return {
    ours,
    bothRoads: (metrics: readonly MetricName[]): readonly Line[] =>
      metrics.flatMap((name) => INGEST.map((service) => ours(name, service, { label: `${name} ${service}` }))),
    /** One line for each value of the further dimension, whichever there are. */
    search: (name: MetricName, service: Service): Line => [
      {
        expression: `SEARCH('{Tiercel,service,stage,${metricRow(name).by}} MetricName="${name}" service="${service}" stage="${stage.name}"', 'Sum', 300)`,
        id: name.toLowerCase(),
      },
    ],
    graph: (title: string, width: number, height: number, stat: string, metrics: readonly Line[]): Widget => ({
      type: 'metric',
      width,
      height,
      properties: { title, region: stage.region, view: 'timeSeries', stat, period: 300, metrics, yAxis: { left: { min: 0 } } },
    }),
    query: (name: string, width: number, height: number): Widget => {
      const { query, over } = QUERIES.find((candidate) => candidate.name === name)!;
      const sources = logGroupsOf(over, stage, names).map((group) => `SOURCE '${group}'`);
      return {
        type: 'log',
        width,
        height,
        properties: { title: name, region: stage.region, view: 'table', query: `${sources.join(' | ')} | ${oneLinePerStep(query)}` },
      };
    },
  };
}

function text(width: number, height: number, ...paragraphs: readonly string[]): Widget {
  return { type: 'text', width, height, properties: { markdown: paragraphs.join('\n\n') } };
}

/** A graph of nothing says nothing: a stage without clusters, or without a Firehose. */
function hasLines({ type, properties }: Widget): boolean {
  return type !== 'metric' || (properties.metrics as readonly Line[]).length > 0;
}

/** Row under row; within one, side by side. */
function placed(rows: readonly (readonly Widget[])[]): readonly object[] {
  let y = 0;
  return rows.flatMap((row) => {
    let x = 0;
    const top = y;
    y += Math.max(0, ...row.map(({ height }) => height));
    return row.map((widget) => {
      const left = x;
      x += widget.width;
      return { ...widget, x: left, y: top };
    });
  });
}
