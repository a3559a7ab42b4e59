import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckContext, Finding } from '../../../cli/checks/check.ts';
import { rbac as rbacCheck } from '../../../cli/checks/rbac.ts';
import { deployedStage } from '../../../cli/checks/stage.ts';
import { OWN_POLICIES, openPolicies } from '../../../cli/respond/policies.ts';
import { parseStage } from '../../../infra/stage/read.ts';
import type { JsonValue, KubeStatusError } from '../../../shared/platform/kube/index.ts';
import { actionCatalogue, rbacManifests } from '../../../shared/respond/index.ts';
import { CALL, rbac } from './objects.ts';
import { admin, applyRbac, closeScene, mallory, openScene } from './scene.ts';

const stage = deployedStage({
  name: 'test',
  ...parseStage(
    'test.yml',
    "account: '111111111111'\nregion: eu-central-1\ndetection: embedded\nlogRetentionDays: 30\nclusters: [{ name: real }]\n",
  ),
});

/** What doctor's RBAC check finds with the rights of this client. */
async function findings(client = admin): Promise<readonly Finding[]> {
  const kube = async () => ({ ...client, close: () => {} });
  const [subject] = rbacCheck.subjects({ stage, kube, policies: await openPolicies(OWN_POLICIES) } as unknown as CheckContext);
  const found = await subject!.look();
  return [found].flat() as readonly Finding[];
}

/** The authorizer learns of a change a moment after it was made. */
async function until(verdict: Finding['verdict'], text: RegExp): Promise<readonly Finding[]> {
  for (let attempt = 0; ; attempt++) {
    const found = await findings();
    if (attempt > 1_000 || (found[0]?.verdict === verdict && text.test(JSON.stringify(found)))) return found;
    await wait(20);
  }
}

describe('the RBAC check of doctor, asked of a real API server', () => {
  beforeAll(async () => {
    await openScene();
    await applyRbac(rbacManifests((await openPolicies(OWN_POLICIES)).policies, actionCatalogue));
  });
  afterAll(closeScene);

  const look = { ...rbac, resource: 'clusterroles', name: 'tiercel-respond-look' };

  it('finds the generated manifest to be enough, and not too much', async () => {
    expect(await until('ok', /./)).toEqual([{ verdict: 'ok', note: expect.stringMatching(/^\d+ rights it needs, none too many$/) }]);
  });

  it('finds a verb that was taken away', async () => {
    const before = await admin.get(look, CALL);
    const rules = before!.rules as unknown as { readonly resources: readonly string[] }[];
    const without = rules.filter(({ resources }) => !resources.includes('pods'));
    await admin.patch(look, { rules: without as unknown as JsonValue }, CALL);
    expect(await until('fault', /get pods/)).toEqual([
      expect.objectContaining({ verdict: 'fault', expected: expect.stringMatching(/^tiercel-respond may (.*, )?get pods/) }),
    ]);
    await admin.patch(look, { rules: rules as unknown as JsonValue }, CALL);
    expect(await until('ok', /./)).toMatchObject([{ verdict: 'ok' }]);
  });

  it('finds a right that leads to others, a subresource too', async () => {
    const before = await admin.get(look, CALL);
    const tokens = { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] };
    await admin.patch(look, { rules: [...(before!.rules as JsonValue[]), tokens] }, CALL);
    expect(await until('fault', /token/)).toMatchObject([
      { verdict: 'fault', expected: 'tiercel-respond may never create serviceaccounts/token', came: 'it may' },
    ]);
    await admin.patch(look, { rules: before!.rules as JsonValue }, CALL);
  });

  it('does not take being refused for an answer', async () => {
    await admin.delete(
      { ...rbac, resource: 'clusterrolebindings', name: 'mallory' },
      { uid: (await admin.get({ ...rbac, resource: 'clusterrolebindings', name: 'mallory' }, CALL))!.metadata.uid },
      CALL,
    );
    const answer = () =>
      findings(mallory).then(
        () => 'answered',
        ({ status }: KubeStatusError) => status,
      );
    await expect.poll(answer, { timeout: 20_000 }).toBe(403);
  });
});
