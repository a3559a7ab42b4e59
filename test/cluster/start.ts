import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock, systemRandom } from '../../shared/platform/clock.ts';
import { type ClusterEndpoint, createKubeClient, type JsonValue, type KubeClient } from '../../shared/platform/kube/index.ts';
import { TestAuthority } from '../support/certificates.ts';
import { buildCluster } from './build.ts';
import { startKubelet } from './kubelet.ts';

/** Somebody the API server knows, by a bearer token. */
interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

export interface TestCluster {
  readonly endpoint: ClusterEndpoint;
  /** A client that signs in as one of the users. */
  client(user: string): KubeClient;
  /** The audit events written so far. */
  auditEvents(): Record<string, unknown>[];
  /** Path of the file they are written to. */
  readonly auditLog: string;
  stop(): Promise<void>;
}

/** Like the policy of EKS: everything at RequestResponse but for what is secret or large. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', users: ['system:apiserver'] },
    { level: 'Metadata', resources: [{ group: '', resources: ['secrets', 'configmaps'] }] },
    { level: 'Request', verbs: ['get', 'list', 'watch'] },
    { level: 'RequestResponse' },
  ],
};

/** RBAC's bootstrap objects are the last thing to be there, roles before bindings, and this is the last of the bindings. */
const LAST_MADE = {
  apiGroup: 'rbac.authorization.k8s.io',
  apiVersion: 'v1',
  resource: 'rolebindings',
  namespace: 'kube-public',
  name: 'system:controller:bootstrap-signer',
};

/** The one node there is. Its kubelet opens streams into pods; nothing schedules pods or runs them. */
export const NODE = 'node-1';

/** Texts of the files that kube-apiserver is given. */
interface Audit {
  readonly policy?: string;
  /** A kubeconfig whose cluster is the webhook. */
  readonly webhook?: string;
}

/** A real kube-apiserver over a real etcd, on loopback, in a folder of its own, with one node; builds both first if need be. */
export async function startCluster(users: readonly User[], audit: Audit = {}): Promise<TestCluster> {
  const binaries = await buildCluster();
  const folder = mkdtempSync(join(tmpdir(), 'tiercel-cluster-'));
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const [etcdPort, peerPort, apiPort] = await freePorts(3);
  const authority = new TestAuthority();
  const serving = authority.issue('kube-apiserver');
  const kubeletClient = authority.issue('kube-apiserver-kubelet-client');
  const kubelet = await startKubelet(authority);
  const accounts = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const accountKey = file('accounts.key', accounts.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString());
  const auditLog = file('audit.log', '');
  const processes: ChildProcess[] = [];
  const run = (name: 'etcd' | 'kube-apiserver', args: readonly string[]): ChildProcess => {
    const log = openSync(join(folder, `${name}.log`), 'a');
    const child = spawn(binaries[name], args, { stdio: ['ignore', log, log] });
    processes.push(child);
    return child;
  };

  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  run('etcd', [
    '--data-dir',
    join(folder, 'etcd'),
    '--unsafe-no-fsync',
    '--listen-client-urls',
    etcdUrl,
    '--advertise-client-urls',
    etcdUrl,
    '--listen-peer-urls',
    peerUrl,
    '--initial-advertise-peer-urls',
    peerUrl,
    '--initial-cluster',
    `default=${peerUrl}`,
  ]);
  const apiServer = run('kube-apiserver', [
    '--etcd-servers',
    etcdUrl,
    '--bind-address',
    '127.0.0.1',
    '--advertise-address',
    '127.0.0.1',
    '--secure-port',
    String(apiPort),
    '--tls-cert-file',
    file('serving.crt', serving.cert),
    '--tls-private-key-file',
    file('serving.key', serving.key),
    '--authorization-mode',
    'Node,RBAC',
    '--enable-admission-plugins',
    'NodeRestriction',
    '--disable-admission-plugins',
    'ServiceAccount',
    '--endpoint-reconciler-type',
    'none',
    '--allow-privileged',
    '--kubelet-preferred-address-types',
    'InternalIP',
    '--kubelet-certificate-authority',
    file('authority.crt', authority.cert),
    '--kubelet-client-certificate',
    file('kubelet-client.crt', kubeletClient.cert),
    '--kubelet-client-key',
    file('kubelet-client.key', kubeletClient.key),
    '--service-cluster-ip-range',
    '10.96.0.0/16',
    '--token-auth-file',
    file('tokens.csv', users.map(({ name, groups }) => `token-${name},${name},${name},"${groups.join(',')}"`).join('\n')),
    '--service-account-issuer',
    'https://127.0.0.1',
    '--service-account-key-file',
    accountKey,
    '--service-account-signing-key-file',
    accountKey,
    '--audit-policy-file',
    file('audit-policy.yaml', audit.policy ?? JSON.stringify(AUDIT_POLICY)),
    '--audit-log-path',
    auditLog,
    '--audit-log-mode',
    'blocking',
    ...(audit.webhook === undefined
      ? []
      : ['--audit-webhook-config-file', file('audit-webhook.yaml', audit.webhook), '--audit-webhook-batch-max-wait', '1s']),
  ]);

  const endpoint: ClusterEndpoint = { server: `https://127.0.0.1:${apiPort}`, caPem: authority.cert };
  const clients: KubeClient[] = [];
  const client = (user: string): KubeClient => {
    const made = createKubeClient({
      endpoint: { ...endpoint, token: async () => `token-${user}` },
      clock: systemClock,
      random: systemRandom,
    });
    clients.push(made);
    return made;
  };
  const stop = async (): Promise<void> => {
    for (const made of clients) made.close();
    for (const child of processes.reverse()) {
      if (child.exitCode !== null) continue;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await once(child, 'exit');
      clearTimeout(timer);
    }
    await kubelet.stop();
    rmSync(folder, { recursive: true, force: true });
  };

  const admin = client(users[0]!.name);
  for (let attempt = 0; ; attempt++) {
    try {
      if (await admin.get(LAST_MADE, { auditId: 'start' })) break;
    } catch (error) {
      if (attempt > 120 || apiServer.exitCode !== null) {
        const log = readFileSync(join(folder, 'kube-apiserver.log'), 'utf8').slice(-3_000);
        await stop();
        throw new Error(`kube-apiserver did not start: ${log}`, { cause: error });
      }
    }
    await wait(500);
  }
  const nodes = { apiGroup: '', apiVersion: 'v1', resource: 'nodes' };
  await admin.create(nodes, nodeWith(kubelet.port), { auditId: 'start' });
  return {
    endpoint,
    client,
    // What follows the last line feed is still being written.
    auditEvents: () =>
      readFileSync(auditLog, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    auditLog,
    stop,
  };
}

/** A node as its kubelet registers it. */
function nodeWith(port: number): JsonValue {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: NODE },
    status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }], daemonEndpoints: { kubeletEndpoint: { Port: port } } },
  };
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
