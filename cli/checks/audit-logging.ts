import { DescribeClusterCommand } from '@aws-sdk/client-eks';
import { type Check, deploy, fault, ok, unchecked } from './check.ts';
import { clusterArns } from './clusters.ts';

export const auditLogging: Check = {
  id: 'audit-logging',
  title: 'Every cluster exists, and writes its audit log to CloudWatch Logs.',
  why: 'EKS has it off by default, and whoever switches it off is not seen any more.',
  needs: (stage) => [{ actions: ['eks:DescribeCluster'], resources: clusterArns(stage) }],
  subjects: ({ stage, aws }) =>
    stage.watched.map(({ name, eksName, account, region }) => ({
      name,
      async look() {
        const ask = `aws eks describe-cluster --region ${region} --name ${eksName} --query cluster.logging`;
        if (account !== stage.account) return unchecked(`the cluster is in account ${account}; there: ${ask}`);
        try {
          const { cluster } = await aws.eks(region).send(new DescribeClusterCommand({ name: eksName }));
          const on = cluster?.logging?.clusterLogging?.some(({ enabled, types }) => enabled && types?.includes('audit'));
          if (on) return ok('audit logging is on');
          return fault(
            'log type audit switched on',
            'it is off',
            `aws eks update-cluster-config --region ${region} --name ${eksName} --logging '{"clusterLogging":[{"types":["audit"],"enabled":true}]}'`,
          );
        } catch (error) {
          if ((error as Error).name !== 'ResourceNotFoundException') throw error;
          return fault(
            `an EKS cluster named ${eksName} in ${region}`,
            'there is none',
            `Correct the name in infra/stages/${stage.name}.yml, or take the cluster out, then ${deploy(stage)}`,
          );
        }
      },
    })),
};
