import type { KubeObject } from '../../platform/kube/index.ts';

interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** Whether a RoleBinding or ClusterRoleBinding names the user or one of its groups. A service account's user name is `system:serviceaccount:<namespace>:<name>`. */
export function bindsTo(binding: KubeObject, user: string, groups: readonly string[]): boolean {
  const subjects = (binding.subjects ?? []) as readonly Subject[];
  return subjects.some(({ kind, name, namespace }) => {
    if (kind === 'User') return name === user;
    if (kind === 'Group') return groups.includes(name);
    return kind === 'ServiceAccount' && `system:serviceaccount:${namespace ?? binding.metadata.namespace}:${name}` === user;
  });
}
