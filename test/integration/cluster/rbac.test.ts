import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type JsonValue, type KubeClient, KubeStatusError } from '../../../shared/platform/kube/index.ts';
import { actionCatalogue } from '../../../shared/respond/index.ts';
import { type RbacRule, rbacManifests } from '../../../shared/respond/rbac.ts';
import { undo } from '../../../shared/respond/undo.ts';

import {
  admin,
  alertAbout,
  answer,
  CALL,
  closeScene,
  mallory,
  openScene,
  policySet,
  policyText,
  rbac,
  respond,
  responder,
  SCENARIOS,
  undoer,
} from './scene.ts';

beforeAll(openScene);
afterAll(closeScene);

describe('the generated RBAC', () => {
  const roles = () =>
    rbacManifests(policySet(policyText('enforce')).policies, actionCatalogue).filter(({ kind }) => kind === 'ClusterRole') as unknown as {
      metadata: { name: string };
      rules: RbacRule[];
    }[];

  it('holds no wildcard and nothing that grants', () => {
    const rules = roles().flatMap(({ rules: all }) => all);
    const words = rules.flatMap(({ apiGroups, resources, verbs }) => [...apiGroups, ...resources, ...verbs]);
    expect(words.filter((word) => /[*]|bind$|escalate|impersonate/.test(word))).toEqual([]);
    expect(
      rules.filter(
        ({ apiGroups, verbs }) => apiGroups.includes(rbac.apiGroup) && verbs.some((verb) => ['create', 'update', 'patch'].includes(verb)),
      ),
    ).toEqual([]);
  });

  it('holds nothing that is not needed: without any one verb an action fails', async () => {
    const all = roles();
    const spared: string[] = [];
    for (const [roleAt, role] of all.entries()) {
      for (const [ruleAt, rule] of role.rules.entries()) {
        for (const verb of rule.verbs) {
          const verbs = rule.verbs.filter((other) => other !== verb);
          const rules =
            verbs.length === 0
              ? role.rules.filter((_, at) => at !== ruleAt)
              : role.rules.map((other, at) => (at === ruleAt ? { ...rule, verbs } : other));
          const question = {
            verb,
            object: { apiGroup: rule.apiGroups[0]!, apiVersion: 'v1', resource: rule.resources[0]!, namespace: 'prod', name: 'x' },
          };
          await setRules(all[roleAt]!.metadata.name, rules, question, false);
          if (await everythingWorks()) spared.push(`${verb} ${rule.resources[0]}`);
          await setRules(all[roleAt]!.metadata.name, role.rules, question, true);
        }
      }
    }
    expect(spared).toEqual([]);
    expect(await everythingWorks()).toBe(true);
  });

  async function setRules(
    name: string,
    rules: readonly RbacRule[],
    question: Parameters<KubeClient['mayI']>[0],
    expected: boolean,
  ): Promise<void> {
    await admin.patch({ ...rbac, resource: 'clusterroles', name }, { rules: rules as unknown as JsonValue }, CALL);
    for (let attempt = 0; attempt < 100 && (await respond.mayI(question, CALL)) !== expected; attempt++) await wait(20);
  }

  /** Whether every scenario goes through, there and back. */
  async function everythingWorks(): Promise<boolean> {
    for (const scenario of SCENARIOS) {
      try {
        const { reference } = await scenario.make(mallory);
        const deps = responder();
        const entry = await answer(await alertAbout(reference), deps, scenario.action);
        if (entry.status !== 'done') return false;
        await undo(entry, { by: 'test', force: false }, { ...deps, client: undoer(entry) });
      } catch (error) {
        if (error instanceof KubeStatusError && error.status === 403) return false;
        throw error;
      }
    }
    return true;
  }
});
