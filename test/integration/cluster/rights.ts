import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'vitest';
import type { JsonValue } from '../../../shared/platform/kube/index.ts';
import { actionCatalogue, type PolicySet, RESPOND_GROUP } from '../../../shared/respond/index.ts';
import { type RbacRule, rbacManifests } from '../../../shared/respond/rbac.ts';
import { CALL, rbac } from './objects.ts';
import { admin, RESPOND } from './scene.ts';

interface Role {
  readonly metadata: { readonly name: string };
  readonly rules: readonly RbacRule[];
}

const rolesOf = (set: PolicySet): readonly Role[] =>
  rbacManifests(set.policies, actionCatalogue, set.protection).filter(({ kind }) => kind === 'ClusterRole') as unknown as Role[];

/** No wildcard, nothing that grants, nothing under a second name. */
export function expectNarrow(set: PolicySet): void {
  const rules = rolesOf(set).flatMap((role) => role.rules);
  const words = rules.flatMap(({ apiGroups, resources, verbs }) => [...apiGroups, ...resources, ...verbs]);
  expect(words.filter((word) => /[*]|bind$|escalate|impersonate/.test(word))).toEqual([]);
  const ofRbac = rules.filter(({ apiGroups }) => apiGroups.includes(rbac.apiGroup));
  expect(ofRbac.filter(({ verbs }) => verbs.some((verb) => ['create', 'update'].includes(verb)))).toEqual([]);
  // Patching a binding widens nothing without `bind`: the API server sees to that, and a test that it does.
  const patched = ofRbac.filter(({ verbs }) => verbs.includes('patch')).flatMap(({ resources }) => resources);
  expect(patched.filter((resource) => !['clusterrolebindings', 'rolebindings'].includes(resource))).toEqual([]);
  // Whoever may create what runs may do anything.
  expect(rules.filter(({ apiGroups, verbs }) => verbs.includes('create') && !apiGroups.includes('networking.k8s.io'))).toEqual([]);
}

/**
 * Takes every single verb out of the roles in turn, and gives those without which everything still worked.
 * The roles are whole again afterwards.
 */
export async function needlessRights(set: PolicySet, everythingWorks: () => Promise<boolean>): Promise<readonly string[]> {
  const needless: string[] = [];
  for (const { metadata, rules } of rolesOf(set)) {
    for (const [at, rule] of rules.entries()) {
      for (const verb of rule.verbs) {
        const verbs = rule.verbs.filter((other) => other !== verb);
        const less = rules.flatMap((other, index) => (index !== at ? [other] : verbs.length === 0 ? [] : [{ ...rule, verbs }]));
        const right = { verb, apiGroup: rule.apiGroups[0]!, resource: rule.resources[0]! };
        await setRules(metadata.name, less, right, false);
        if (await everythingWorks()) needless.push(`${verb} ${right.resource}`);
        await setRules(metadata.name, rules, right, true);
      }
    }
  }
  return needless;
}

/** Sets the rules of a role and waits until the API server goes by them. */
async function setRules(
  name: string,
  rules: readonly RbacRule[],
  right: { readonly verb: string; readonly apiGroup: string; readonly resource: string },
  expected: boolean,
): Promise<void> {
  await admin.patch({ ...rbac, resource: 'clusterroles', name }, { rules: rules as unknown as JsonValue }, CALL);
  const subject = { username: RESPOND, groups: [RESPOND_GROUP] };
  for (let attempt = 0; (await admin.maySubject(subject, right, CALL)) !== expected; attempt++) {
    // Another role may grant it as well: that is for the caller to find out.
    if (attempt === 50) return;
    await wait(20);
  }
}
