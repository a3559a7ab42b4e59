import { createMemoryCluster } from '../support/memory-cluster.ts';
import { kubeContract } from './kube.ts';

const { client } = createMemoryCluster({ now: () => Date.now() });

// The real one: test/integration/cluster.
kubeContract('in memory', () => client);
