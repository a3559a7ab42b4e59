import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KubeStatusError } from '../../../shared/platform/kube/index.ts';
import { actionCatalogue } from '../../../shared/respond/index.ts';
import { undo } from '../../../shared/respond/undo.ts';
import { createOutside } from '../../support/outside.ts';
import { expectNarrow, needlessRights } from './rights.ts';
import { SCENARIOS } from './scenarios.ts';
import { alertAbout, answer, closeScene, mallory, openScene, policySet, policyText, responder, undoer } from './scene.ts';

beforeAll(() => openScene());
afterAll(closeScene);

describe('the RBAC generated for policies that use every action', () => {
  const set = policySet(policyText('enforce'));

  it('holds no wildcard and nothing that grants', () => {
    expectNarrow(set);
  });

  it('holds nothing that is not needed: without any one verb an action fails', async () => {
    expect(await needlessRights(set, everythingWorks)).toEqual([]);
    expect(await everythingWorks()).toBe(true);
  });

  /** Whether every scenario goes through, there and back. */
  async function everythingWorks(): Promise<boolean> {
    for (const { policy, action, make, accomplished } of SCENARIOS) {
      const { reference } = await make(mallory);
      const outside = createOutside();
      const deps = responder('enforce', { outside });
      const entry = await answer(await alertAbout(reference), deps, policy);
      if (entry.status !== 'done' || !(await accomplished(reference, outside))) return false;
      if (actionCatalogue.get(action)!.undo === 'none') continue;
      try {
        await undo(entry, { by: 'test', force: false }, { ...deps, client: undoer(entry) });
      } catch (error) {
        if (error instanceof KubeStatusError && error.status === 403) return false;
        throw error;
      }
    }
    return true;
  }
});
