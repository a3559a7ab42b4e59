import type { ActionCatalogue, Permission } from './action/action.ts';
import type { Policy, Protection } from './policy/schema.ts';

/** The group an access entry (or a test) puts respond in; nothing else refers to it. */
export const RESPOND_GROUP = 'tiercel-respond';

/** What the manifest calls a role and its binding. */
export function rbacName(use: Permission['use']): string {
  return `${RESPOND_GROUP}-${use}`;
}

export interface RbacRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/**
 * The rights that the actions of these policies need, and the guards under this protection, one rule for each resource, sorted. No wildcard, no bind, no escalate,
 * no impersonate.
 */
export function rightsFor(
  policies: readonly Policy[],
  actions: ActionCatalogue,
  use: Permission['use'],
  protection?: Pick<Protection, 'namespaceLabels'>,
): readonly RbacRule[] {
  const verbs = new Map<string, Set<string>>();
  const enabled = policies.filter(({ mode }) => mode !== 'off');
  const permissions = enabled.flatMap((policy) =>
    policy.actions.flatMap((step) => actions.get(step.action)?.permissions(step.with ?? {}) ?? []),
  );
  if (enabled.length > 0 && (protection?.namespaceLabels.length ?? 0) > 0)
    permissions.push({ apiGroup: '', resource: 'namespaces', verb: 'get', use: 'look' });
  const looks = (wanted: Permission) =>
    permissions.some(({ apiGroup, resource, verb, use: other }) => {
      return other === 'look' && apiGroup === wanted.apiGroup && resource === wanted.resource && verb === wanted.verb;
    });
  for (const permission of permissions) {
    // Who acts has what looking needs as well.
    if (permission.use !== use || (use === 'act' && looks(permission))) continue;
    const key = `${permission.apiGroup}/${permission.resource}`;
    verbs.set(key, (verbs.get(key) ?? new Set()).add(permission.verb));
  }
  return [...verbs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, granted]) => {
      // A resource may name a subresource after another slash: pods/log.
      const slash = key.indexOf('/');
      return { apiGroups: [key.slice(0, slash)], resources: [key.slice(slash + 1)], verbs: [...granted].sort() };
    });
}

/** The manifest an operator applies: what shadow needs, and what acting needs on top of it, each bound to {@link RESPOND_GROUP}. */
export function rbacManifests(
  policies: readonly Policy[],
  actions: ActionCatalogue,
  protection?: Pick<Protection, 'namespaceLabels'>,
  uses: readonly Permission['use'][] = ['look', 'act'],
): readonly Record<string, unknown>[] {
  return uses.flatMap((use) => {
    const rules = rightsFor(policies, actions, use, protection);
    if (rules.length === 0) return [];
    const name = rbacName(use);
    return [
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: RESPOND_GROUP }],
      },
    ];
  });
}
