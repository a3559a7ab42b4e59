import { type KubeClient, KubeConnectionError, type Right } from '../../shared/platform/kube/index.ts';
import { actionCatalogue, mostCautious, RESPOND_GROUP, rightsFor } from '../../shared/respond/index.ts';
import { principalOf } from './access-entry.ts';
import { type Check, type CheckContext, type Finding, fault, ok, unchecked } from './check.ts';
import { clusterArns } from './clusters.ts';
import type { Cluster } from './stage.ts';

const CALL = { auditId: 'tiercel/doctor' };
const APPLY = 'kubectl apply -f infra/kubernetes/respond-rbac.yaml';

/** Rights that respond must never have: each is another way to all rights. */
const NEVER: readonly Right[] = [
  { verb: 'bind', apiGroup: 'rbac.authorization.k8s.io', resource: 'clusterroles' },
  { verb: 'escalate', apiGroup: 'rbac.authorization.k8s.io', resource: 'clusterroles' },
  { verb: 'impersonate', apiGroup: '', resource: 'users' },
  { verb: 'get', apiGroup: '', resource: 'secrets' },
  { verb: 'create', apiGroup: '', resource: 'serviceaccounts/token' },
  { verb: 'create', apiGroup: '', resource: 'pods/exec' },
  { verb: 'create', apiGroup: '', resource: 'pods' },
];

export const rbac: Check = {
  id: 'rbac',
  title: 'In every cluster respond has the rights that the enabled policies need, and none that lead to all others.',
  why: 'A verb that is missing is found when a response needs it; one too many makes respond worth stealing.',
  needs: (stage) => [{ actions: ['eks:DescribeCluster'], resources: clusterArns(stage) }],
  subjects: (context) =>
    context.stage.watched
      .filter(({ account, respondRoleArn }) => account === context.stage.account || respondRoleArn !== undefined)
      .map((cluster) => ({ name: cluster.name, look: () => look(cluster, context) })),
};

async function look(cluster: Cluster, context: CheckContext): Promise<Finding | readonly Finding[]> {
  let client: KubeClient | undefined;
  try {
    client = await context.kube(cluster);
    return await judge(client, cluster, context);
  } catch (error) {
    if (!(error instanceof KubeConnectionError)) throw error;
    return unchecked(
      `the cluster's API server cannot be reached from here: ${error.message} Run doctor where it can be, or give --kubeconfig.`,
    );
  } finally {
    client?.close();
  }
}

async function judge(client: KubeClient, cluster: Cluster, { stage, policies }: CheckContext): Promise<readonly Finding[]> {
  const role = principalOf(cluster, stage).split('/').at(-1);
  const account = principalOf(cluster, stage).split(':')[4];
  const respond = {
    username: `arn:${stage.partition}:sts::${account}:assumed-role/${role}/${stage.names.respond}`,
    groups: [RESPOND_GROUP, 'system:authenticated'],
  };
  const may = async (right: Right) => ({ right, allowed: await client.maySubject(respond, right, CALL) });
  const acting = policies.policies.filter((policy) => mostCautious(policy.mode, stage.mode) === 'enforce');
  const needed = [...rights(policies.policies, 'look', policies.protection), ...rights(acting, 'act', policies.protection)];
  const missing = (await Promise.all(needed.map(may))).filter(({ allowed }) => !allowed);
  const tooMuch = (await Promise.all(NEVER.map(may))).filter(({ allowed }) => allowed);
  const faults = [
    ...(missing.length > 0 ? [fault(`${RESPOND_GROUP} may ${missing.map(described).join(', ')}`, 'it may not', APPLY)] : []),
    ...(tooMuch.length > 0
      ? [
          fault(
            `${RESPOND_GROUP} may never ${tooMuch.map(described).join(', ')}`,
            'it may',
            `kubectl get clusterrolebindings,rolebindings -A -o wide | grep ${RESPOND_GROUP} shows what grants it; take that away`,
          ),
        ]
      : []),
  ];
  return faults.length > 0 ? faults : [ok(`${needed.length} rights it needs, none too many`)];
}

function rights(
  policies: CheckContext['policies']['policies'],
  use: 'look' | 'act',
  protection: CheckContext['policies']['protection'],
): readonly Right[] {
  return rightsFor(policies, actionCatalogue, use, protection).flatMap(({ apiGroups, resources, verbs }) =>
    verbs.map((verb) => ({ verb, apiGroup: apiGroups[0] ?? '', resource: resources[0] ?? '' })),
  );
}

function described({ right: { verb, resource } }: { readonly right: Right }): string {
  return `${verb} ${resource}`;
}
