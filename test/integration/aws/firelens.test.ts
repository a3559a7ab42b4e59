import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { RespondResult } from '../../../functions/respond/acknowledge.ts';
import { respondToAlerts } from '../../../shared/flows/respond.ts';
import { systemClock } from '../../../shared/platform/clock.ts';
import { readTrigger } from '../../../shared/respond/index.ts';
import type { Channel } from '../../../shared/respond/notify/channel.ts';
import type { Message } from '../../../shared/respond/notify/message.ts';
import { createLogGroup, subscribeInPlaceOfLambda } from '../../support/log-group.ts';
import { createMemoryCluster } from '../../support/memory-cluster.ts';
import { awsClients, createTable, motoClientOptions, motoEndpoint, uniqueName } from '../../support/moto.ts';
import { responder } from '../../support/responder.ts';

const context = { awsRequestId: 'r', functionName: 'respond', getRemainingTimeInMillis: () => 30_000 } as unknown as Context;
const folder = mkdtempSync(join(tmpdir(), 'firelens-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
  vi.unstubAllEnvs();
});

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
    const LogGroupName = uniqueName('falco');
    const group = await createLogGroup(LogGroupName, 'ecs/falco');
    const deliveries = await subscribeInPlaceOfLambda({ LogGroupName, FilterName: 'respond', FilterPattern: '' });
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
    await group.write(lines);
    const delivered = await deliveries();
    expect(delivered.length).toBeGreaterThan(0);

    writeFileSync(
      join(folder, 'shells.yaml'),
      '- policy: shells-on-nodes\n  description: Notes shells in containers.\n  match: { source: syscall, rules: [Terminal shell in container] }\n  actions: [{ action: isolate-pod }]\n',
    );
    const JOURNAL_TABLE = await createTable('JournalTable');
    const respond = await coldStart({ JOURNAL_TABLE, IDEMPOTENCY_TABLE: await createTable('IdempotencyTable'), POLICY_PATH: folder });
    const results: RespondResult[] = [];
    for (const event of delivered) results.push(await respond(event));

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
    const again = await respond(delivered[0]);
    expect(again.alerts).toMatchObject({ duplicate: 2 });
    const after = await awsClients().dynamodb.send(new ScanCommand({ TableName: JOURNAL_TABLE }));
    expect(after.Items).toHaveLength(Items.length);

    const triggers = delivered.map(readTrigger);
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
  notify: { channels: [security], on: [refused, done] }
  actions: [{ action: isolate-pod, with: { enforcement: assume } }]
`;
      const told: Message[] = [];
      const channel: Channel = { send: async (message) => void told.push(message) };
      const deps = { ...responder({ clock: systemClock, client: cluster.client, policies }), channels: new Map([['security', channel]]) };
      const answers: string[][] = [];
      for (const items of triggers) {
        for (const outcome of await respondToAlerts(items, deps, { killedAtMs: Date.now() + 30_000 })) {
          if (outcome.kind !== 'answered') continue;
          for (const { status, guards } of outcome.entries)
            answers.push([status, ...guards.filter(({ verdict }) => verdict === 'refuse').map(({ guard }) => guard)]);
        }
      }
      expect(answers).toEqual(expected);
      const labels = cluster.peek(pod)?.metadata.labels ?? {};
      expect('tiercel.dev/quarantine' in labels).toBe(unsigned === 'allow');
      // People hear of both: where it was, and what came of it.
      expect(told.map(({ outcome }) => outcome)).toEqual(expected.map(([status]) => status));
      expect(told[0]?.text).toContain('arn:aws:ecs:eu-central-1:123456789012:task/runtime/8c2f1d3b0c8e4f0f9f0f8f3e4f5b6a7d');
      expect(told[1]?.text).toContain('pods shop/web-1');
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
