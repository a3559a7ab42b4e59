import { deployment } from '../infra/stage/deployment.ts';
import { functionSettings } from '../infra/stage/function-settings.ts';
import { readStage } from '../infra/stage/read.ts';
import { METRICS } from '../shared/platform/observe/names.ts';

/** List prices of us-east-1, **US dollars**, as of {@link AS_OF}. Check them before relying on the last digit. */
const PRICE = {
  logsPerGb: 0.5,
  lambdaPerGbSecond: 0.000_013_333_4,
  lambdaPerMillion: 0.2,
  tracesPerMillion: 5,
  dynamodbPerMillionWrites: 0.625,
  firehosePerGb: 0.029,
  putsPerThousand: 0.005,
  s3PerGbMonth: 0.023,
  sqsPerMillion: 0.4,
  zonePerGb: 0.01,
  balancerHour: 0.0225,
  balancerUnitHour: 0.006,
  endpointHour: 0.01,
  metric: 0.3,
  alarm: 0.1,
  key: 1,
  keyPerTenThousand: 0.03,
  secret: 0.4,
} as const;
const AS_OF = 'November 2026';

const HOURS = 720;
const SECONDS = HOURS * 3600;
const GB = 1e9;

/** What is assumed; every one of these changes the result in proportion. */
const ASSUMED = {
  eventBytes: 2000,
  /** Events in one delivery of CloudWatch Logs, by rate; in between, the geometric middle. */
  eventsPerDelivery: (rate: number) => (rate <= 1 ? 1 : Math.min(200, Math.round(50 * (rate / 100) ** 0.3))),
  /** Duration of an invocation, **milliseconds**: what it takes at all, and what each event adds (decode, post, wait). */
  invocationMs: 30,
  eventMs: 0.1,
  compression: 5,
  chunkEvents: 500,
  /** Firehose, per cluster. */
  bufferSeconds: 60,
  bufferBytes: 64 * 1024 * 1024,
  /** What Firehose counts a record as, at least and in steps, bytes. */
  recordBytes: 5 * 1024,
  /** Log lines of an invocation, metrics included, bytes. */
  logBytes: 1500,
  /** Active tracing: the first of each second and one in twenty of the rest. */
  traced: (perSecond: number) => Math.min(perSecond, 1) + 0.05 * Math.max(0, perSecond - 1),
  archiveDays: 400,
} as const;

interface Bill {
  readonly logs: number;
  readonly lambda: number;
  readonly claims: number;
  readonly firehose: number;
  readonly objects: number;
  readonly history: number;
  readonly telemetry: number;
}

/** Dollars a month for one cluster at `rate` events a second. */
function bill(rate: number, path: 'stream' | 'archive' | 'stream+store'): Bill {
  const events = rate * SECONDS;
  const gb = (events * ASSUMED.eventBytes) / GB;
  const stored = gb / ASSUMED.compression;
  const objects = Math.max(SECONDS / ASSUMED.bufferSeconds, (events * ASSUMED.eventBytes) / ASSUMED.bufferBytes);
  const deliveries = events / ASSUMED.eventsPerDelivery(rate);
  const archived = path !== 'stream';
  const recordBytes = (ASSUMED.eventsPerDelivery(rate) * ASSUMED.eventBytes) / ASSUMED.compression;
  const counted = (deliveries * Math.ceil(recordBytes / ASSUMED.recordBytes) * ASSUMED.recordBytes) / GB;
  const invocations = path === 'archive' ? objects : deliveries;
  const memory = memoryGb(path === 'archive' ? 'auditArchive' : 'auditStream');
  const seconds = (invocations * ASSUMED.invocationMs + events * ASSUMED.eventMs) / 1000;
  const chunks = Math.max(invocations, events / ASSUMED.chunkEvents);
  // A claim and its confirmation; an object also notes how far it was read.
  const writes = path === 'archive' ? 3 * chunks + 2 * objects : 2 * chunks;
  return {
    logs: gb * PRICE.logsPerGb,
    lambda: seconds * memory * PRICE.lambdaPerGbSecond + (invocations / 1e6) * PRICE.lambdaPerMillion,
    claims: (writes / 1e6) * PRICE.dynamodbPerMillionWrites,
    firehose: archived ? counted * PRICE.firehosePerGb : 0,
    objects:
      (archived ? (objects / 1000) * PRICE.putsPerThousand : 0) + (path === 'archive' ? ((objects * 3) / 1e6) * PRICE.sqsPerMillion : 0),
    history: archived ? stored * (ASSUMED.archiveDays / 30) * PRICE.s3PerGbMonth : 0,
    telemetry: ((invocations * ASSUMED.logBytes) / GB) * PRICE.logsPerGb + traces(invocations),
  };
}

/** Dollars a month for the traces of so many invocations. */
function traces(invocations: number): number {
  return ((ASSUMED.traced(invocations / SECONDS) * SECONDS) / 1e6) * PRICE.tracesPerMillion;
}

function memoryGb(key: string): number {
  return functionSettings(key, deployment(readStage('prod'))).memoryMiB / 1024;
}

const RATES = [1, 10, 100, 1000, 10_000] as const;

/** Two digits that matter, thousands apart. */
function dollars(amount: number): string {
  if (amount === 0) return '–';
  if (amount < 0.1) return '< $0.1';
  if (amount < 10) return `$${amount.toFixed(1)}`;
  const digits = 10 ** Math.max(0, Math.floor(Math.log10(amount)) - 1);
  return `$${(Math.round(amount / digits) * digits).toLocaleString('en-US')}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function costsPage(): string {
  const own = ({ logs: _, ...rest }: Bill) => Object.values(rest).reduce((sum, part) => sum + part, 0);
  const total = RATES.map((rate) => [
    rate.toLocaleString('en-US'),
    `${((rate * SECONDS) / 1e6).toLocaleString('en-US', { maximumSignificantDigits: 3 })} million`,
    dollars(bill(rate, 'stream').logs),
    ...(['stream', 'archive', 'stream+store'] as const).map((path) => dollars(own(bill(rate, path)))),
  ]);
  const parts: readonly (readonly [keyof Bill, string])[] = [
    ['lambda', 'Lambda: invocations and GB-seconds'],
    ['claims', 'DynamoDB: claims and checkpoints'],
    ['firehose', 'Firehose: compressed bytes, each record in steps of 5 KB'],
    ['objects', 'S3 and SQS: objects written and announced'],
    ['history', `S3: history, once ${ASSUMED.archiveDays} days of it lie there`],
    ['telemetry', 'function logs, metrics in them, traces'],
  ];
  const [stream, archive, store] = (['stream', 'archive', 'stream+store'] as const).map((path) => bill(1000, path));
  const stage = deployment(readStage('prod'));
  const alarms = Object.values(stage.alarms.Resources).filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm').length;
  const metrics = Object.values(METRICS) as readonly { readonly by?: string; readonly from: readonly string[] }[];
  const plain = metrics.reduce((sum, { from }) => sum + from.length, 0);
  const perCluster = metrics.filter(({ by }) => by === 'cluster').reduce((sum, { from }) => sum + from.length, 0);
  const falcoGb = (1000 * SECONDS * ASSUMED.eventBytes) / GB;
  return `<!-- Generated by \`npm run docs\`. Change the source it names, not this page. -->

# What it costs

List prices of us-east-1, ${AS_OF}, 30 days, without free tiers and discounts; other regions are up to a third dearer. Prices change: take the tables for their proportions. Source, with every price and
formula: \`docs/costs-page.ts\`.

## By rate and path

One cluster, dollars a month.

${table(['events/s', 'events a month', 'CloudWatch Logs ingestion, paid with or without Tiercel', '`stream`', '`archive`', '`stream+store`'], total)}

So ingestion into CloudWatch Logs is the bill, and what brings it to Falco is small beside it. (At one event a second \`stream\` costs more than at ten: every delivery holds one event then,
and the first request of each second is traced; \`tracing: false\` saves ${dollars(traces(SECONDS))} of the ${dollars(own(bill(1, 'stream')))}.) The rows for 1,000 events/s, in parts:

${table(
  ['part', '`stream`', '`archive`', '`stream+store`'],
  parts.map(([part, what]) => [what, dollars(stream![part]), dollars(archive![part]), dollars(store![part])]),
)}

Assumed: events of ${ASSUMED.eventBytes.toLocaleString('en-US')} bytes; ${RATES.map((rate) => ASSUMED.eventsPerDelivery(rate)).join(', ')} of them in a delivery of CloudWatch Logs at the rates above (AWS does not say; see \`EventsReceived\` over
\`Invocations\`); ${ASSUMED.invocationMs} ms for an invocation and ${ASSUMED.eventMs} ms for an event, at the deployed memory; a claim for each delivery, or each ${ASSUMED.chunkEvents} events of it; ${ASSUMED.compression}-fold compression; a Firehose buffer of ${ASSUMED.bufferSeconds} s or
64 MiB; ${ASSUMED.logBytes.toLocaleString('en-US')} bytes of log for an invocation; traces of one request a second and of one in twenty of the rest (\`tracing: false\` in the stage file leaves them out: ${dollars(traces((1000 * SECONDS) / ASSUMED.eventsPerDelivery(1000)))} of the ${dollars(stream!.telemetry)} above). Decompression by Firehose is not in it.

The cheapest event is one that is not sent: with the rules of Falco named in the stage file (\`falco.rules\`, \`falco.rulesDigest\`) the pre-filter drops what none of them could match, before it
costs network or Falco's time.

## Whatever the rate

${table(
  ['what', 'when', 'dollars a month'],
  [
    [
      'alarms',
      `$${PRICE.alarm} each; ${alarms} for the sample stage \`prod\` with its ${stage.clusters.length} clusters`,
      dollars(alarms * PRICE.alarm),
    ],
    [
      'metrics',
      `$${PRICE.metric} each, if it was written in that hour: ${plain} at most, and ${perCluster} for each cluster; the splits by reason, guard and result add what occurs`,
      `${dollars(plain * PRICE.metric)}, and ${dollars(perCluster * PRICE.metric)} for each cluster`,
    ],
    ['dashboard', 'the first three of an account are free', '$3'],
    ['data key', `and $${PRICE.keyPerTenThousand} for 10,000 uses; buckets use bucket keys`, dollars(PRICE.key)],
    ['MAC key', 'a secret; read every five minutes by each function that runs', dollars(PRICE.secret)],
    ['heartbeat', 'a beat every five minutes for each cluster: invocations, writes, one log event', '< $0.1 for each cluster'],
    [
      'queues',
      'Lambda asks each of the three some fifteen times a minute, also when they are empty',
      dollars(((3 * 15 * 60 * HOURS) / 1e6) * PRICE.sqsPerMillion),
    ],
    ['respond', 'nothing more between alerts; journal and claims are about ten writes for each response', '< $0.1 for 1,000 responses'],
  ],
)}

## With Falco

${table(
  ['what', 'when', 'dollars a month'],
  [
    [
      'internal load balancer',
      `\`falco.loadBalancer\`: $${PRICE.balancerHour} an hour, and $${PRICE.balancerUnitHour} for a unit of capacity, of which 1 GB an hour takes one`,
      `${dollars(HOURS * PRICE.balancerHour)}, and ${dollars(falcoGb * PRICE.balancerUnitHour)} at 1,000 events/s`,
    ],
    [
      'interface endpoints',
      `\`vpc.endpoints: own\`: Secrets Manager and SQS; \`respondInVpc\` adds EKS, EventBridge Scheduler, CloudWatch Logs and, for other accounts, STS. $${PRICE.endpointHour} an hour for each, in each zone, and $${PRICE.zonePerGb} a GB`,
      `${dollars(PRICE.endpointHour * HOURS)} for each, in each zone: two in three zones are ${dollars(6 * PRICE.endpointHour * HOURS)}`,
    ],
    ['gateway endpoints', 'S3 and DynamoDB', '–'],
    ['private name', '`falco.loadBalancer.hostedZoneId`', '$0.5 for the zone'],
    [
      'traffic between zones',
      `the load balancer spreads over all zones: with three, two bodies in three cross. $${PRICE.zonePerGb} a GB, each way`,
      `${dollars(falcoGb * (2 / 3) * 2 * PRICE.zonePerGb)} at 1,000 events/s, unfiltered`,
    ],
    ['NAT gateway', 'none is needed; one that is there already costs $0.045 for each GB that takes it', '–'],
    ['Falco itself', 'pods in a cluster of yours: two CPUs for every 8,000 to 12,500 events/s', 'yours'],
  ],
)}

With \`detection: embedded\` all of this falls away, and Lambda takes longer: measure an event of yours with \`npm run -s tiercel -- evaluate --stats\`.

## Look for yourself

Every resource carries the tags \`service: tiercel\` and \`stage\`: switch them on as cost allocation tags, and the bill says what a stage costs.
`;
}
