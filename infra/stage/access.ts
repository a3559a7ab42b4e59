import type { NamedStage } from './read.ts';
import { logicalId, type Resources } from './subscriptions.ts';

/** The group that infra/kubernetes/respond-rbac.yaml binds its roles to. */
export const ACCESS_GROUP = 'tiercel-respond';

/**
 * respond's way into the clusters of the stage's own account and region: an EKS access entry, which makes it a member of {@link ACCESS_GROUP}
 * and gives it no rights; those are the cluster's to give (infra/kubernetes/respond-rbac.yaml). Clusters elsewhere get theirs from their owners.
 */
export function accessEntries(stage: NamedStage): Resources {
  const here = stage.clusters.filter(
    ({ account, region, respondRoleArn, accessEntry }) =>
      accessEntry &&
      respondRoleArn === undefined &&
      (account ?? stage.account) === stage.account &&
      (region ?? stage.region) === stage.region,
  );
  return Object.fromEntries(
    here.map(({ name, eksName = name }) => [
      `Access${logicalId(eksName)}`,
      {
        Type: 'AWS::EKS::AccessEntry',
        Properties: {
          ClusterName: eksName,
          PrincipalArn: { 'Fn::GetAtt': ['RespondRole', 'Arn'] },
          Type: 'STANDARD',
          KubernetesGroups: [ACCESS_GROUP],
        },
      },
    ]),
  );
}
