import { DescribeAccessEntryCommand } from '@aws-sdk/client-eks';
import { RESPOND_GROUP } from '../../shared/respond/index.ts';
import { type Check, fault, ok, unchecked } from './check.ts';
import { clusterArns, reachable } from './clusters.ts';
import type { Cluster, DeployedStage } from './stage.ts';

export const accessEntry: Check = {
  id: 'access-entry',
  title: `Every cluster knows respond, as a member of the group ${RESPOND_GROUP}.`,
  why: 'Without an access entry respond can neither look nor act: it plans blindly, and in `enforce` every response is refused.',
  needs: (stage) => {
    const regions = [...new Set(reachable(stage).map(({ region }) => region))];
    return [
      { actions: ['eks:DescribeAccessEntry'], resources: clusterArns(stage) },
      // Their own ARNs would make the policy of a stage with many clusters longer than IAM takes.
      {
        actions: ['eks:DescribeAccessEntry'],
        resources: regions.map((region) => `arn:${stage.partition}:eks:${region}:${stage.account}:access-entry/*`),
      },
    ];
  },
  subjects: ({ stage, aws }) =>
    stage.watched.map((cluster) => ({
      name: cluster.name,
      async look() {
        const { eksName, region, account, respondRoleArn, accessEntry: hasEntry } = cluster;
        const principalArn = principalOf(cluster, stage);
        const where = `--region ${region} --cluster-name ${eksName} --principal-arn ${principalArn}`;
        if (account !== stage.account)
          return respondRoleArn === undefined
            ? ok(`plans only: account ${account} gives respond no role (respondRoleArn)`)
            : unchecked(`the cluster is in account ${account}; there: aws eks describe-access-entry ${where}`);
        if (!hasEntry)
          return unchecked(
            `the stage says accessEntry: false; kubectl -n kube-system get configmap aws-auth -o yaml must map ${principalArn} to ${RESPOND_GROUP}`,
          );
        try {
          const { accessEntry: entry } = await aws.eks(region).send(new DescribeAccessEntryCommand({ clusterName: eksName, principalArn }));
          const groups = entry?.kubernetesGroups ?? [];
          if (groups.includes(RESPOND_GROUP)) return ok(`${entry?.username ?? principalArn}, groups ${groups.join(', ')}`);
          return fault(
            `group ${RESPOND_GROUP} in the access entry`,
            groups.length > 0 ? groups.join(', ') : 'no group',
            `aws eks update-access-entry ${where} --kubernetes-groups ${RESPOND_GROUP}`,
          );
        } catch (error) {
          if ((error as Error).name !== 'ResourceNotFoundException') throw error;
          return fault(
            `an access entry for ${principalArn}`,
            'there is none',
            `aws eks create-access-entry ${where} --kubernetes-groups ${RESPOND_GROUP}`,
          );
        }
      },
    })),
};

/** Who respond is in a cluster. */
export function principalOf({ respondRoleArn }: Cluster, stage: DeployedStage): string {
  return respondRoleArn ?? stage.respondRoleArn;
}
