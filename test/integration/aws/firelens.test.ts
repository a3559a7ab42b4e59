import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { RespondResult } from '../../../functions/respond/acknowledge.ts';
import { respondToAlerts } from '../../../shared/flows/respond.ts';
import { systemClock } from '../../../shared/platform/clock.ts';
import { readTrigger } from '../../../shared/respond/index.ts';
import { createMemoryCluster } from '../../support/memory-cluster.ts';
import { awsClients, createTable, motoClientOptions, motoEndpoint, uniqueName } from '../../support/moto.ts';
import { responder } from '../../support/responder.ts';

const context = { awsRequestId: 'r', functionName: 'respond', getRemainingTimeInMillis: () => 30_000 } as unknown as Context;
const folder = mkdtempSync(join(tmpdir(), 'firelens-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
  vi.unstubAllEnvs();
});

/** One call of a service that speaks AWS JSON 1.1, for the two of which no client is needed elsewhere. */
async function call(service: 'logs' | 'kinesis', action: string, input: unknown): Promise<Record<string, unknown>> {
  const target = { logs: 'Logs_20140328', kinesis: 'Kinesis_20131202' }[service];
  const answer = await fetch(motoEndpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `${target}.${action}`,
      authorization: `AWS4-HMAC-SHA256 Credential=testing/20261121/${motoClientOptions.region}/${service}/aws4_request, SignedHeaders=host, Signature=none`,
    },
    body: JSON.stringify(input),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${action}: ${answer.status} ${text}`);
  return text === '' ? {} : JSON.parse(text);
}

/** What the stand-in put into the stream, as Lambda gets it: the same gzip in base64, with event ids as text, which the stand-in writes as numbers. */
function deliveryOf(data: string): { awslogs: { data: string } } {
  const text = gunzipSync(Buffer.from(data, 'base64')).toString();
  return { awslogs: { data: gzipSync(text.replace(/"id": ?(\d+)/g, '"id":"$1"')).toString('base64') } };
}

/** What Falco prints. Respond takes an alert of the last minutes only. */
function alert(rule: string, fields: Record<string, unknown>): string {
  const time = new Date().toISOString();
  return JSON.stringify({
    hostname: 'node-1',
    output: `Notice ${rule}`,
    output_fields: fields,
    priority: 'Notice',
    rule,
    source: 'syscall',
    tags: ['shell'],
    time,
  });
}

const ecsLine = (log: string) =>
  JSON.stringify({
    container_id: '8c2f1d3b0c8e4f0f9f0f8f3e4f5b6a7d-1234567890',
    container_name: 'falco',
    ecs_cluster: 'runtime',
    ecs_task_arn: 'arn:aws:ecs:eu-central-1:123456789012:task/runtime/8c2f1d3b0c8e4f0f9f0f8f3e4f5b6a7d',
    ecs_task_definition: 'falco:7',
    log,
    source: 'stdout',
  });
const POD_UID = '6f0c2d56-7a44-4c33-8a4c-0e7c15c9d6b1';
const eksLine = (log: string) =>
  JSON.stringify({
    log,
    stream: 'stdout',
    _p: 'F',
    eks_cluster: 'prod',
    kubernetes: { pod_name: 'falco-x7k2p', namespace_name: 'falco', host: 'node-1', container_name: 'falco' },
  });

describe.skipIf(!motoEndpoint)('alerts of nodes, by way of FireLens', () => {
  it('travel from the log group through its subscription into the journal, with ECS and with EKS metadata; other lines do not', async () => {
    const [logGroupName, StreamName] = [uniqueName('falco'), uniqueName('falco')];
    const logStreamName = 'ecs/falco';
    await call('kinesis', 'CreateStream', { StreamName, ShardCount: 1 });
    const described = (await call('kinesis', 'DescribeStream', { StreamName })) as { StreamDescription: { StreamARN: string } };
    await call('logs', 'CreateLogGroup', { logGroupName });
    await call('logs', 'CreateLogStream', { logGroupName, logStreamName });
    // The same delivery that Lambda gets as awslogs.data; the stand-in makes it for a stream without a container of its own.
    const destinationArn = described.StreamDescription.StreamARN;
    await call('logs', 'PutSubscriptionFilter', { logGroupName, filterName: 'respond', filterPattern: '', destinationArn });
    const lines = [
      ecsLine(alert('Terminal shell in container', { 'container.id': '8c2f1d3b0c8e', 'proc.cmdline': 'sh', 'user.name': 'root' })),
      ecsLine('Sat Nov 21 08:20:00 2026: Loading rules from file /etc/falco/falco_rules.yaml'),
      eksLine(
        alert('Terminal shell in container', {
          'k8s.ns.name': 'shop',
          'k8s.pod.name': 'web-1',
          'k8s.pod.uid': POD_UID,
          'container.id': '1a2b3c4d5e6f',
          'proc.cmdline': 'bash',
        }),
      ),
    ];
    await call('logs', 'PutLogEvents', {
      logGroupName,
      logStreamName,
      logEvents: lines.map((message, at) => ({ timestamp: Date.now() + at, message })),
    });

    const shards = (await call('kinesis', 'ListShards', { StreamName })) as { Shards: { ShardId: string }[] };
    const ShardIteratorType = 'TRIM_HORIZON';
    const iterator = await call('kinesis', 'GetShardIterator', { StreamName, ShardId: shards.Shards[0]?.ShardId, ShardIteratorType });
    const { Records } = (await call('kinesis', 'GetRecords', { ShardIterator: iterator.ShardIterator })) as { Records: { Data: string }[] };
    expect(Records.length).toBeGreaterThan(0);

    writeFileSync(
      join(folder, 'shells.yaml'),
      '- policy: shells-on-nodes\n  description: Notes shells in containers.\n  match: { source: syscall, rules: [Terminal shell in container] }\n  actions: [{ action: isolate-pod }]\n',
    );
    const JOURNAL_TABLE = await createTable('JournalTable');
    const respond = await coldStart({ JOURNAL_TABLE, IDEMPOTENCY_TABLE: await createTable('IdempotencyTable'), POLICY_PATH: folder });
    const results: RespondResult[] = [];
    for (const { Data } of Records) results.push(await respond(deliveryOf(Data)));

    expect(results.flatMap((result) => result.responses).map(({ policy, status }) => [policy, status])).toEqual([
      ['shells-on-nodes', 'refused'],
      ['shells-on-nodes', 'refused'],
    ]);
    const { Items = [] } = await awsClients().dynamodb.send(new ScanCommand({ TableName: JOURNAL_TABLE }));
    expect(JSON.stringify(Items).match(/Terminal shell in container/g)?.length).toBeGreaterThanOrEqual(2);
    // In EKS it is the pod that the alert names, not Falco's own, whose log it is; in ECS there is none.
    const journalled = JSON.stringify(Items);
    expect(journalled).toContain('pods shop/web-1');
    expect(journalled).not.toContain('falco-x7k2p');
    expect(journalled).toContain('arn:aws:ecs:eu-central-1:123456789012:task/runtime/8c2f1d3b0c8e4f0f9f0f8f3e4f5b6a7d');
    // Delivered again, as CloudWatch Logs may: nothing new.
    const again = await respond(deliveryOf(Records[0]?.Data ?? ''));
    expect(again.alerts).toMatchObject({ duplicate: 2 });
    const after = await awsClients().dynamodb.send(new ScanCommand({ TableName: JOURNAL_TABLE }));
    expect(after.Items).toHaveLength(Items.length);

    const deliveries = Records.map(({ Data }) => readTrigger(deliveryOf(Data)));
    for (const [unsigned, expected] of [
      [
        'refuse',
        [
          ['refused', 'identified', 'signed'],
          ['refused', 'signed'],
        ],
      ],
      ['allow', [['refused', 'identified'], ['done']]],
    ] as const) {
      const cluster = createMemoryCluster({ now: () => Date.now() - 60_000 });
      const pod = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'shop', name: 'web-1' };
      cluster.put(pod, { kind: 'Pod', metadata: { uid: POD_UID, labels: { app: 'web' } }, spec: {} });
      const policies = `- policy: shells-on-nodes
  description: Cuts pods off in which a shell was opened.
  mode: enforce
  match: { source: syscall, rules: [Terminal shell in container] }
  unsigned: ${unsigned}
  actions: [{ action: isolate-pod, with: { enforcement: assume } }]
`;
      const deps = responder({ clock: systemClock, client: cluster.client, policies });
      const answers: string[][] = [];
      for (const items of deliveries) {
        for (const outcome of await respondToAlerts(items, deps, { killedAtMs: Date.now() + 30_000 })) {
          if (outcome.kind !== 'answered') continue;
          for (const { status, guards } of outcome.entries)
            answers.push([status, ...guards.filter(({ verdict }) => verdict === 'refuse').map(({ guard }) => guard)]);
        }
      }
      expect(answers).toEqual(expected);
      const labels = cluster.peek(pod)?.metadata.labels ?? {};
      expect('tiercel.dev/quarantine' in labels).toBe(unsigned === 'allow');
    }
  });
});

async function coldStart(settings: Record<string, string>): Promise<(event: unknown) => Promise<RespondResult>> {
  const environment = {
    TIERCEL_STAGE: 'test',
    MODE: 'shadow',
    AWS_REGION: motoClientOptions.region,
    AWS_ACCESS_KEY_ID: motoClientOptions.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: motoClientOptions.credentials.secretAccessKey,
    AWS_ENDPOINT_URL: motoEndpoint,
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    ...settings,
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  vi.resetModules();
  const { handler } = await import('../../../functions/respond/handler.ts');
  return (event) => handler(event as never, context) as Promise<RespondResult>;
}
