import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { eventFacts, type MacKey, macOf } from '../shared/audit/index.ts';

/**
 * Builds every trigger in this folder from the recorded samples in audit/ and falco/.
 * `node events/generate.ts` writes them; `--check` says which are stale; `--large <folder>` writes the ones that are too large for the tree.
 */

const folder = import.meta.dirname;

/** The key under which the sample alerts are stamped: 32 bytes `sample`, for tests and demonstrations only. */
export const SAMPLE_MAC_KEY: MacKey = { id: 'sample', secret: Buffer.alloc(32, 'sample') };

const IDENTITY = { cluster: 'prod', account: '123456789012', region: 'eu-west-1' };
const LOG_GROUP = '/aws/eks/prod/cluster';
const AUDIT_STREAM = 'kube-apiserver-audit-2f5ba1d5e3a64b0f9b8c6f0e6a1d4c37';
const BUCKET = 'tiercel-prod-audit-archive';
const OBJECT_KEY = 'audit/2026/11/21/08/audit-1-2026-11-21-08-24-19-3c1f5a52-8f0e-4a52-9d5f-2f6c1d4b7a90';

type Json = Readonly<Record<string, unknown>>;

/** The raw text of the sample `audit/<name>.json`. */
export function auditEvent(name: string): string {
  return readFileSync(join(folder, 'audit', `${name}.json`), 'utf8').trimEnd();
}

/** A CloudWatch Logs delivery as Lambda gets it. */
export function delivery(messages: readonly string[], members: Json = {}): Json {
  return { awslogs: { data: gzipped(envelope(messages, members)).toString('base64') } };
}

function envelope(messages: readonly string[], members: Json = {}): string {
  return JSON.stringify({
    messageType: 'DATA_MESSAGE',
    owner: IDENTITY.account,
    logGroup: LOG_GROUP,
    logStream: AUDIT_STREAM,
    subscriptionFilters: ['tiercel-prod-audit-stream'],
    logEvents: messages.map((message, index) => ({
      id: `3934${String(index).padStart(52, '0')}`,
      timestamp: Date.parse('2026-11-21T08:24:55.000Z') + index,
      message,
    })),
    ...members,
  });
}

/** gzip with a header that says nothing about the machine, so that the same text always gives the same bytes. */
function gzipped(text: string | Buffer): Buffer {
  const bytes = gzipSync(text, { level: 9 });
  bytes[9] = 0xff;
  return bytes;
}

/** The alert `falco/<name>.json` as Falcosidekick spells it, about an event that this project stamped. */
function alert(name: string, event: string): Json {
  const { hostname, output, output_fields, priority, rule, source, tags, time } = JSON.parse(
    readFileSync(join(folder, 'falco', `${name}.json`), 'utf8'),
    // Nanoseconds exceed what a double holds: they are carried over as text and written as a number again below.
    (_key, value: unknown, context?: { source?: string }) => (typeof value === 'number' ? `#${context?.source}#` : value),
  ) as { output_fields: Json; time: string } & Json;
  const record = {
    raw: Buffer.from(auditEvent(event)),
    identity: IDENTITY,
    origin: { kind: 'file', path: event, offset: 0, line: 1 },
  } as const;
  return {
    uuid: '3e1b9c53-5b3a-4c64-9f0f-5a8d2f7c1e64',
    output,
    priority,
    rule,
    // Go drops trailing zeros.
    time: time.replace(/0+Z$/, 'Z'),
    source,
    output_fields: {
      ...output_fields,
      'ka.cluster.name': IDENTITY.cluster,
      'tiercel.account': IDENTITY.account,
      'tiercel.region': IDENTITY.region,
      'tiercel.mac': macOf(SAMPLE_MAC_KEY, eventFacts(record)),
    },
    hostname,
    tags,
  };
}

const compact = (value: unknown) => JSON.stringify(value).replace(/"#(\d+)#"/g, '$1');
/** As text inside another JSON text the numbers have to be restored first. */
const pretty = (value: unknown) => `${JSON.stringify(value, undefined, 2).replace(/"#(\d+)#"/g, '$1')}\n`;

function sqs(bodies: readonly string[], queue: string): Json {
  return {
    Records: bodies.map((body, index) => ({
      messageId: `059f36b4-87a3-44ab-83d2-66197${String(index).padStart(7, '0')}`,
      receiptHandle: 'AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a',
      body,
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: '1795249499000',
        SenderId: 'AIDAIENQZJOLO23YVJ4VO',
        ApproximateFirstReceiveTimestamp: '1795249499010',
      },
      messageAttributes: {},
      md5OfBody: 'e4e68fb7bd0e697a0ae8f1bb342846b3',
      eventSource: 'aws:sqs',
      eventSourceARN: `arn:aws:sqs:eu-west-1:123456789012:${queue}`,
      awsRegion: 'eu-west-1',
    })),
  };
}

function sns(message: string): Json {
  return {
    Type: 'Notification',
    MessageId: '95df01b4-ee98-5cb9-9903-4c221d41eb5e',
    TopicArn: 'arn:aws:sns:eu-west-1:123456789012:tiercel-prod',
    Message: message,
    Timestamp: '2026-11-21T08:25:01.111Z',
    SignatureVersion: '1',
  };
}

function snsTrigger(message: string): Json {
  return {
    Records: [
      {
        EventSource: 'aws:sns',
        EventVersion: '1.0',
        EventSubscriptionArn: 'arn:aws:sns:eu-west-1:123456789012:tiercel-prod:2bcfbf39',
        Sns: sns(message),
      },
    ],
  };
}

function s3Notification(key: string, eventName = 'ObjectCreated:Put'): Json {
  return {
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: 'eu-west-1',
        eventTime: '2026-11-21T08:25:20.000Z',
        eventName,
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: 'audit-archive',
          bucket: { name: BUCKET, ownerIdentity: { principalId: 'A3NL1KOZZKExample' }, arn: `arn:aws:s3:::${BUCKET}` },
          object: {
            key,
            size: 18_432,
            eTag: 'd41d8cd98f00b204e9800998ecf8427e',
            versionId: '096fKKXTRTtl3on89fVO.nfljtsv6qko',
            sequencer: '0055AED6DCD90281E5',
          },
        },
      },
    ],
  };
}

const eventBridge: Json = {
  version: '0',
  id: '17793124-05d4-b198-2fde-7ededc63b103',
  'detail-type': 'Object Created',
  source: 'aws.s3',
  account: IDENTITY.account,
  time: '2026-11-21T08:25:20Z',
  region: IDENTITY.region,
  resources: [`arn:aws:s3:::${BUCKET}`],
  detail: {
    version: '0',
    bucket: { name: BUCKET },
    // Not encoded here: the plus sign and the percent sign belong to the key.
    object: {
      key: 'audit/eu+us/100%/part 1',
      size: 18_432,
      etag: 'd41d8cd98f00b204e9800998ecf8427e',
      'version-id': '096fKKXTRTtl3on89fVO.nfljtsv6qko',
      sequencer: '0055AED6DCD90281E5',
    },
    'request-id': 'N4N7GDK58NMKJ12R',
    requester: IDENTITY.account,
    'source-ip-address': '1.2.3.4',
    reason: 'PutObject',
  },
};

const testEvent: Json = {
  Service: 'Amazon S3',
  Event: 's3:TestEvent',
  Time: '2026-11-21T08:00:00.000Z',
  Bucket: BUCKET,
  RequestId: '5582815E1AEA5ADF',
  HostId: '8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR',
};

function onFailure(requestPayload: Json): Json {
  return {
    version: '1.0',
    timestamp: '2026-11-21T08:31:00.000Z',
    requestContext: {
      requestId: 'e4b46cbf-b738-4a9b-8c5a-1f2c6a5f0d3a',
      functionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:tiercel-prod-audit-stream:$LATEST',
      condition: 'RetriesExhausted',
      approximateInvokeCount: 3,
    },
    requestPayload,
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload: { errorMessage: 'DELIVERY_UNFINISHED' },
  };
}

/** A line of Falco's log as FireLens sends it from an ECS task. */
function fireLens(log: string): string {
  return JSON.stringify({
    container_id: '8c2f1d3b0c8e4f0f9f0f8f3e4f5b6a7d-1234567890',
    container_name: 'falco',
    ecs_cluster: 'runtime',
    ecs_task_arn: 'arn:aws:ecs:eu-west-1:123456789012:task/runtime/8c2f1d3b0c8e4f0f9f0f8f3e4f5b6a7d',
    ecs_task_definition: 'falco:7',
    log,
    source: 'stdout',
  });
}

function reusedAuditId(): string {
  const id = /"auditID":"([^"]+)"/;
  return auditEvent('bind-cluster-admin').replace(id, `"auditID":"${id.exec(auditEvent('list-services'))![1]}"`);
}

const withAnnotation = (event: string, member: string) => event.replace('"annotations":{', `"annotations":{${member},`);

/** Everything that is in the tree, by path. */
export function samples(): Map<string, string> {
  const everything = readdirSync(join(folder, 'audit')).map((file) => auditEvent(basename(file, '.json')));
  const exec = delivery([auditEvent('exec-started'), auditEvent('exec-complete')]);
  const clusterAdmin = alert('attach-to-cluster-admin', 'bind-cluster-admin');
  const cut = `${auditEvent('privileged-pod').slice(0, auditEvent('privileged-pod').indexOf('"securityContext"'))}[Truncated...]`;
  const half = Math.floor(auditEvent('privileged-pod').length / 2);
  const files: Readonly<Record<string, Json>> = {
    'audit-stream/exec': exec,
    'audit-stream/everything': delivery(everything),
    'audit-stream/control-message': delivery(['CWL CONTROL MESSAGE: Checking health of destination'], {
      messageType: 'CONTROL_MESSAGE',
      owner: 'CloudwatchLogs',
      logGroup: '',
      logStream: '',
    }),
    'audit-stream/scheduler-log': delivery(
      ['I1121 08:24:20.000000      10 schedule_one.go:314] "Successfully bound pod to node" pod="prod/web-1"'],
      { logStream: 'kube-scheduler-2f5ba1d5e3a64b0f9b8c6f0e6a1d4c37' },
    ),
    'audit-stream/unknown-keys': delivery([], {
      logEvents: [{ id: '1'.repeat(56), timestamp: 1795249495000, message: auditEvent('secret-get'), extractedFields: { verb: 'get' } }],
      '@aws.account': IDENTITY.account,
    }),
    'audit-stream/truncated': delivery([cut]),
    'audit-stream/split-in-two': delivery([auditEvent('privileged-pod').slice(0, half), auditEvent('privileged-pod').slice(half)]),
    'audit-stream/tail-only': delivery([auditEvent('privileged-pod').slice(half)]),
    'audit-stream/broken-among-good': delivery([
      auditEvent('exec-started'),
      auditEvent('secret-get').replace('"verb"', 'verb'),
      auditEvent('delete-namespace'),
    ]),
    'audit-stream/no-audit-id': delivery([auditEvent('secret-get').replace(/"auditID":"[^"]+",/, '')]),
    'audit-stream/no-timestamp': delivery([auditEvent('secret-get').replace(/"stageTimestamp":"[^"]+",/, '')]),
    'audit-stream/reused-audit-id': delivery([auditEvent('list-services'), reusedAuditId()]),
    'audit-stream/foreign-cluster-name': delivery([
      withAnnotation(auditEvent('bind-cluster-admin'), '"cluster_name":"somewhere-else","tiercel.dev/mac":"forged"'),
    ]),
    'audit-stream/broken-gzip': { awslogs: { data: gzipped('{}').subarray(0, 12).toString('base64') } },
    'audit-stream/broken-base64': { awslogs: { data: 'not base64 at all!' } },
    'audit-archive/s3': s3Notification(OBJECT_KEY),
    'audit-archive/sqs': sqs([compact(s3Notification(OBJECT_KEY))], 'tiercel-prod-archive'),
    'audit-archive/encoded-key': sqs([compact(s3Notification('audit/eu%2Bus/100%25/part+1'))], 'tiercel-prod-archive'),
    'audit-archive/sns': snsTrigger(compact(s3Notification(OBJECT_KEY))),
    'audit-archive/sns-in-sqs': sqs([compact(sns(compact(s3Notification(OBJECT_KEY))))], 'tiercel-prod-archive'),
    'audit-archive/eventbridge': eventBridge,
    'audit-archive/eventbridge-in-sqs': sqs([compact(eventBridge)], 'tiercel-prod-archive'),
    'audit-archive/test-event': sqs([compact(testEvent)], 'tiercel-prod-archive'),
    'audit-archive/removed': sqs([compact(s3Notification(OBJECT_KEY, 'ObjectRemoved:Delete'))], 'tiercel-prod-archive'),
    'audit-archive/on-failure': sqs([compact(onFailure(exec))], 'tiercel-prod-archive'),
    'audit-archive/not-a-notification': sqs(['hello', compact(s3Notification(OBJECT_KEY))], 'tiercel-prod-archive'),
    'respond/invoke': clusterAdmin,
    'respond/sqs': sqs([compact(clusterAdmin), compact(alert('create-privileged-pod', 'privileged-pod'))], 'tiercel-prod-respond'),
    'respond/sns': snsTrigger(compact(clusterAdmin)),
    'respond/sns-in-sqs': sqs([compact(sns(compact(clusterAdmin)))], 'tiercel-prod-respond'),
    'respond/sns-text': snsTrigger(clusterAdmin.output as string),
    'respond/exec': alert('exec-pod', 'exec-started'),
    'respond/forbidden': alert('exec-pod-forbidden', 'exec-forbidden'),
    'respond/forged': { ...clusterAdmin, output_fields: { ...(clusterAdmin.output_fields as Json), 'ka.target.name': 'system:node' } },
    'respond/own-alert': { ...clusterAdmin, source: 'tiercel' },
    'respond/no-fields': { ...clusterAdmin, output_fields: undefined },
    'respond/firelens': delivery(
      [
        fireLens(readFileSync(join(folder, 'falco/runtime-shell.json'), 'utf8').trimEnd()),
        fireLens('Sat Nov 21 08:20:00 2026: Loading rules from file /etc/falco/falco_rules.yaml'),
      ],
      { logGroup: 'falco', logStream: 'falco/falco/8c2f1d3b0c8e4f0f9f0f8f3e4f5b6a7d', subscriptionFilters: ['tiercel-prod-respond'] },
    ),
  };
  return new Map([
    ...Object.entries(files).map(([path, value]): [string, string] => [`${path}.json`, pretty(value)]),
    [
      `objects/${BUCKET}/${OBJECT_KEY}`,
      firehoseObject([auditEvent('exec-started')], [auditEvent('bind-cluster-admin'), auditEvent('list-services')]),
    ],
  ]);
}

/** What Firehose writes with decompression and delimiters on: an envelope a line. */
function firehoseObject(...deliveries: readonly (readonly string[])[]): string {
  return deliveries.map((messages) => `${envelope(messages)}\n`).join('');
}

/** A pod whose annotation is so long that the whole event has `bytes` bytes. */
function padded(bytes: number): string {
  const event = auditEvent('privileged-pod');
  const at = event.indexOf('"requestObject":{');
  const annotations = '"annotations":{"padding":"';
  const start = event.indexOf('"metadata":{', at) + '"metadata":{'.length;
  const size = bytes - event.length - annotations.length - 3;
  return `${event.slice(0, start)}${annotations}${'x'.repeat(size)}"},${event.slice(start)}`;
}

/** A pod whose request object holds an array nested so that the event has `depth` levels. */
function nested(depth: number): string {
  const member = `"nested":${'['.repeat(depth - 3)}1${']'.repeat(depth - 3)},`;
  return auditEvent('privileged-pod').replace('"requestObject":{', `"requestObject":{${member}`);
}

/** What the recordings lack and what is too large for the tree, by path. */
export function largeSamples(): Map<string, string> {
  const megabyte = padded(1_300_000);
  const cutAt = 1_048_576 - 200;
  return new Map([
    ['audit/256-kib.json', `${padded(262_144)}\n`],
    ['audit/depth-300.json', `${nested(300)}\n`],
    ['audit-stream/256-kib.json', pretty(delivery([padded(262_144)]))],
    ['audit-stream/one-mib-split-in-two.json', pretty(delivery([megabyte.slice(0, cutAt), megabyte.slice(cutAt)]))],
    ['audit-stream/one-mib-head.json', pretty(delivery([megabyte.slice(0, cutAt)]))],
    ['audit-stream/depth-300.json', pretty(delivery([nested(300), auditEvent('secret-get')]))],
  ]);
}

function write(files: ReadonlyMap<string, string>, into: string): void {
  for (const [path, text] of files) {
    mkdirSync(join(into, path, '..'), { recursive: true });
    writeFileSync(join(into, path), text);
  }
  console.log(`wrote ${files.size} files to ${into}`);
}

function stale(): string[] {
  return [...samples()].filter(([path, text]) => readFileSync(join(folder, path), 'utf8') !== text).map(([path]) => path);
}

if (import.meta.main) {
  const [option, argument] = process.argv.slice(2);
  if (option === '--large') write(largeSamples(), resolve(argument ?? join(folder, 'large')));
  else if (option === '--check') {
    const files = stale();
    if (files.length > 0) {
      console.error(`Stale: ${files.join(', ')}. Run \`node events/generate.ts\`.`);
      process.exitCode = 1;
    }
  } else write(samples(), folder);
}
