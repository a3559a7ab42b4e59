import { connectEks } from '../../shared/platform/aws/eks-clusters.ts';
import { systemClock, systemRandom } from '../../shared/platform/clock.ts';
import { TiercelError } from '../../shared/platform/errors.ts';
import { createKubeClient, type KubeClient, readKubeconfig } from '../../shared/platform/kube/index.ts';
import type { Cluster, DeployedStage } from '../checks/stage.ts';

/** Opens clusters with the operator's rights: those of their AWS identity, or of a kubeconfig. */
export function clusterOpener(stage: DeployedStage, kubeconfig: string | undefined): (cluster: Cluster) => Promise<KubeClient> {
  const deps = { clock: systemClock, random: systemRandom };
  if (kubeconfig === undefined)
    return ({ name, region, eksName }) => connectEks({ name, region, eksName }, { ...deps, sessionName: 'tiercel-doctor' });
  return async (cluster) => {
    // `aws eks update-kubeconfig` names contexts by ARN; people rename them. With one cluster there is nothing to mix up.
    const arn = `arn:${stage.partition}:eks:${cluster.region}:${cluster.account}:cluster/${cluster.eksName}`;
    const contexts = [arn, cluster.eksName, cluster.name, ...(stage.watched.length === 1 ? [undefined] : [])];
    for (const context of contexts) {
      const endpoint = await readKubeconfig(kubeconfig, systemClock, context).catch(() => undefined);
      if (endpoint !== undefined) return createKubeClient({ ...deps, endpoint });
    }
    throw new TiercelError(
      'NO_CONTEXT',
      `${kubeconfig} cannot be read, or has no context named ${[...new Set(contexts)].filter((name) => name !== undefined).join(', ')}. Make one: aws eks update-kubeconfig --region ${cluster.region} --name ${cluster.eksName} --kubeconfig ${kubeconfig}`,
    );
  };
}
