import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { decideResponse } from '../../../../cli/respond/journal.ts';
import { systemClock } from '../../../../shared/platform/clock.ts';
import { createDynamoDBJournal, type Journal } from '../../../../shared/respond/index.ts';
import { bindingAlert } from '../../../support/alerts.ts';
import { startDynalite } from '../../../support/dynalite.ts';
import { startKubeServer } from '../../../support/kube-server.ts';
import { createMemoryCluster } from '../../../support/memory-cluster.ts';
import { createRespondTables } from '../../../support/respond-tables.ts';
import { deliver, responder, sign } from '../../../support/responder.ts';

const configMap = { apiGroup: '', apiVersion: 'v1', resource: 'configmaps', namespace: 'prod', name: 'c' };
const POLICY =
  '- policy: p\n  description: d\n  mode: enforce\n  match: {rules: [r]}\n  approval: {within: 1h}\n  cooldown: 1s\n  actions: [{action: label, with: {resources: [configmaps], labels: {a: b}}}]\n';

const cluster = createMemoryCluster(systemClock);
let folder: string;
let database: Awaited<ReturnType<typeof startDynalite>>;
let server: Awaited<ReturnType<typeof startKubeServer>>;
let journal: Journal;
let second = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tiercel-answer-'));
  database = await startDynalite();
  await createRespondTables(database.client, { journal: 'journal', idempotency: 'once' });
  journal = createDynamoDBJournal({ client: database.client, tableName: 'journal', clock: systemClock, retentionSeconds: 3600 });
  server = await startKubeServer(cluster.client);
  const { server: address, caPem } = server.endpoint;
  const config = {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: address, 'certificate-authority-data': Buffer.from(caPem!).toString('base64') } }],
    users: [{ name: 'u', user: { token: 't' } }],
  };
  writeFileSync(join(folder, 'config'), JSON.stringify(config));
  writeFileSync(join(folder, 'p.yaml'), POLICY);
  const environment = { AWS_ENDPOINT_URL: database.endpoint, AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'k', AWS_SECRET_ACCESS_KEY: 's' };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
  await Promise.all([server.stop(), database.stop()]);
});
afterEach(() => cluster.drop(configMap));

/** A response that asks, about an object that was just made. @returns its id */
async function asked(): Promise<string> {
  const { uid } = cluster.put(configMap, { kind: 'ConfigMap', metadata: { creationTimestamp: '2026-01-01T00:00:00Z' } }).metadata;
  const time = new Date(Date.now() - 1_000 - second++).toISOString();
  const fields = { 'ka.target.resource': 'configmaps', 'ka.target.namespace': 'prod', 'ka.target.name': 'c', 'tiercel.apigroup': '<NA>' };
  const alert = { ...bindingAlert({ ...fields, 'ka.verb': 'update', 'tiercel.uid': uid, 'tiercel.received': time }, { rule: 'r' }), time };
  const deps = { ...responder({ clock: systemClock, client: cluster.client, policies: POLICY }), journal };
  const outcome = await deliver(sign(alert), deps);
  if (outcome.kind !== 'answered') throw new Error(JSON.stringify(outcome));
  expect(outcome.entries).toMatchObject([{ status: 'awaiting-approval' }]);
  return outcome.entries[0]!.id;
}

async function answer(verb: 'approve' | 'deny', id: string, kubeconfig = false): Promise<{ ok: boolean; text: string }> {
  let text = '';
  const out = { write: (part: string) => (text += part) };
  const options = { table: { tableName: 'journal' }, policies: [join(folder, 'p.yaml')] };
  const ok = await decideResponse(verb, id, { ...options, ...(kubeconfig ? { kubeconfig: join(folder, 'config') } : {}) }, out);
  return { ok, text };
}

describe('tiercel approve and deny', () => {
  it('a yes carries the response out', async () => {
    const id = await asked();
    expect(await answer('approve', id, true)).toEqual({ ok: true, text: expect.stringMatching(/^done: approved by /) });
    expect(cluster.peek(configMap)?.metadata.labels).toEqual({ a: 'b' });
  });

  it('a yes that came to nothing is no success', async () => {
    const id = await asked();
    cluster.drop(configMap);
    cluster.put(configMap, { kind: 'ConfigMap' });
    expect(await answer('approve', id, true)).toEqual({ ok: false, text: expect.stringMatching(/^refused: approved by .*same-object/) });
  });

  it('a no takes no cluster', async () => {
    const id = await asked();
    expect(await answer('deny', id)).toEqual({ ok: true, text: expect.stringMatching(/^denied: denied by /) });
    expect(await journal.find(id)).toMatchObject({ status: 'denied' });
  });
});
