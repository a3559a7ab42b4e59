import { connectEks } from '../../shared/platform/aws/eks-clusters.ts';
import { systemClock, systemRandom } from '../../shared/platform/clock.ts';
import { createKubeClient, type KubeClient, readKubeconfig } from '../../shared/platform/kube/index.ts';
import type { Clusters } from '../../shared/respond/index.ts';
import type { RespondConfig } from './config.ts';

/** The clusters of the configuration, each connected when the first alert needs it and kept while the sandbox lives. */
export function wireClusters({ CLUSTERS, KUBECONFIG_PATH }: RespondConfig): Clusters {
  const connected = new Map<string, Promise<KubeClient>>();
  const keep = (name: string, connect: () => Promise<KubeClient>): Promise<KubeClient> => {
    const client = connected.get(name) ?? connect();
    connected.set(name, client);
    // A failed attempt is not kept: the next alert tries again.
    client.catch(() => connected.delete(name));
    return client;
  };
  return {
    async clientFor(name) {
      if (KUBECONFIG_PATH !== undefined) {
        const client = await keep('', async () =>
          createKubeClient({ endpoint: await readKubeconfig(KUBECONFIG_PATH, systemClock), clock: systemClock, random: systemRandom }),
        );
        return { client };
      }
      const cluster = CLUSTERS.find((candidate) => candidate.name === name);
      if (!cluster) return { why: name === undefined ? 'the alert names no cluster' : `cluster ${name} is not among CLUSTERS` };
      return {
        client: await keep(cluster.name, () =>
          connectEks(cluster, { clock: systemClock, random: systemRandom, sessionName: 'tiercel-respond' }),
        ),
      };
    },
  };
}
