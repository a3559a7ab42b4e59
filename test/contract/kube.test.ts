import { afterAll, beforeAll } from 'vitest';
import { systemClock, systemRandom } from '../../shared/platform/clock.ts';
import { createKubeClient, type KubeClient } from '../../shared/platform/kube/index.ts';
import { startKubeServer } from '../support/kube-server.ts';
import { createMemoryCluster } from '../support/memory-cluster.ts';
import { kubeContract } from './kube.ts';

const { client } = createMemoryCluster({ now: () => Date.now() });
let server: Awaited<ReturnType<typeof startKubeServer>>;
let remote: KubeClient;
beforeAll(async () => {
  server = await startKubeServer(client);
  remote = createKubeClient({ endpoint: server.endpoint, clock: systemClock, random: systemRandom });
});
afterAll(async () => {
  remote.close();
  await server.stop();
});

// The real one: test/integration/cluster.
kubeContract('in memory', () => client);
kubeContract('in memory, over HTTPS', () => remote);
