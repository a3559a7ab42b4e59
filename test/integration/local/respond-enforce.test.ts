import { systemClock } from '../../../shared/platform/clock.ts';
import { respondFunctionContract } from '../../contract/respond-function.ts';
import { startKubeServer } from '../../support/kube-server.ts';
import { createMemoryCluster } from '../../support/memory-cluster.ts';

respondFunctionContract('a cluster in memory', async () => {
  const { client } = createMemoryCluster(systemClock);
  const { endpoint, stop } = await startKubeServer(client);
  return { endpoint, token: 'respond', admin: { ...client, server: endpoint.server }, stop };
});
