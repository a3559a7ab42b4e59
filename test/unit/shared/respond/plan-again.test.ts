import { describe, expect, it } from 'vitest';
import { KubeConnectionError, type KubeObject, KubeStatusError } from '../../../../shared/platform/kube/index.ts';
import type { Action } from '../../../../shared/respond/action/action.ts';
import type { DeleteEffect, Effect } from '../../../../shared/respond/action/effect.ts';
import { intended } from '../../../../shared/respond/carry-out.ts';
import { createMemoryJournal, type Entry } from '../../../../shared/respond/journal/index.ts';
import { objectionTo, planAgain, sameDeeds } from '../../../../shared/respond/plan-again.ts';
import { bindingAlert } from '../../../support/alerts.ts';
import { entryOf } from '../../../support/entry.ts';
import { createMemoryCluster } from '../../../support/memory-cluster.ts';
import { testClock } from '../../../support/responder.ts';

const clock = testClock(Date.parse('2026-11-21T08:24:00Z'));
const pod = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' };
const other = { ...pod, name: 'other' };
const PROTECTION = { namespaces: [], namespaceLabels: [], names: [], labels: ['keep'], users: [], groups: [], nodes: [] };
const deletion = (uid: string, object = pod, before: object = { metadata: { name: object.name } }): DeleteEffect => ({
  verb: 'delete',
  object,
  uid,
  resourceVersion: '1',
  propagationPolicy: 'Background',
  before: before as never,
});
const patch = (uid: string, object = pod): Effect => ({ verb: 'patch', object, uid, resourceVersion: '1', patch: {}, before: {} });
const creation: Effect = { verb: 'create', object: other, manifest: {} };

/** A pod that changed since it was looked at; what would be done to it now is what `plan` says. */
function scene(
  plan: (live: KubeObject) => Awaited<ReturnType<Action['plan']>> = ({ metadata: { uid } }) => ({ effects: [deletion(uid)], caveats: [] }),
) {
  const cluster = createMemoryCluster(clock);
  const live = cluster.put(pod, { kind: 'Pod' });
  const journal = createMemoryJournal(clock);
  const planned: unknown[] = [];
  const action = {
    plan: async (given: { live: KubeObject }) => {
      planned.push(given);
      return plan(given.live);
    },
  } as unknown as Action;
  const again = (changes: Partial<Entry> = {}, client = cluster.client) =>
    planAgain(
      entryOf({
        alert: bindingAlert({ 'ka.verb': 'get', 'ka.target.subresource': 'exec' }),
        target: { ...pod, uid: live.metadata.uid },
        steps: [intended(deletion(live.metadata.uid))],
        parameters: { a: 1 },
        ...changes,
      }),
      action,
      client,
      { journal, protection: PROTECTION },
    );
  return { cluster, live, journal, planned, again, uid: live.metadata.uid };
}

describe('planning again', () => {
  it('plans for what is there now, under the same id, alert and parameters', async () => {
    const { again, planned, live, uid } = scene();
    expect(await again()).toEqual([deletion(uid)]);
    expect(planned).toEqual([
      {
        id: entryOf().id,
        alert: expect.objectContaining({ rule: bindingAlert().rule }),
        target: { ...pod, uid },
        live,
        parameters: { a: 1 },
      },
    ]);
  });

  it.each([
    ['the deletion', (uid: string) => [intended(creation), intended(deletion(uid))]],
    ['the patch', (uid: string) => [intended(patch('x', other)), intended(patch(uid))]],
  ])('knows the object of a call that tells no UID by %s that was decided', async (_, steps) => {
    const { again, uid } = scene((live) => ({ effects: steps(live.metadata.uid).map(({ effect }) => effect), caveats: [] }));
    expect(await again({ target: pod, steps: steps(uid) })).toHaveLength(2);
    expect(await again({ target: pod, steps: steps('another') })).toBeUndefined();
    const elsewhere = [intended(deletion(uid, { ...pod, resource: 'services' })), intended(creation)];
    expect(await again({ target: pod, steps: elsewhere })).toBeUndefined();
  });

  it.each(['gone', 'another one'])('finds nothing to do when the object is %s', async (how) => {
    const { again, cluster, planned } = scene();
    cluster.drop(pod);
    if (how !== 'gone') cluster.put(pod, { kind: 'Pod' });
    expect(await again()).toBeUndefined();
    expect(planned).toEqual([]);
    const { target: _, ...untargeted } = entryOf();
    expect(await again({ ...untargeted, target: undefined as never })).toBeUndefined();
  });

  it('refuses what a look, a guard or the plan refuses', async () => {
    const { again, cluster } = scene();
    const failing = (error: Error) => ({ ...cluster.client, get: () => Promise.reject(error) });
    expect(await again({}, failing(new KubeStatusError('looking', 403, 'Forbidden', 'no')))).toEqual({
      refusal: expect.stringContaining('403'),
    });
    await expect(again({}, failing(new KubeConnectionError('looking', 'got nothing')))).rejects.toMatchObject({ retryable: true });
    await cluster.client.patch(pod, { metadata: { labels: { keep: 'x' } } }, { auditId: 'x' });
    expect(await again()).toEqual({ refusal: 'unprotected: protected by label keep' });
    expect(await scene(() => ({ refusal: 'not this' })).again()).toEqual({ refusal: 'not this' });
    const denied = () => {
      throw new KubeStatusError('listing', 403, 'Forbidden', 'no');
    };
    expect(await scene(denied).again()).toEqual({ refusal: expect.stringContaining('403') });
  });

  it('refuses to do what was not decided', async () => {
    const { again } = scene(({ metadata: { uid } }) => ({ effects: [deletion(uid), deletion('o', other)], caveats: [] }));
    expect(await again()).toEqual({ refusal: 'what would be done now is not what was decided' });
  });

  it('refuses to delete what is protected beyond the object', async () => {
    const owner = deletion('o', other, { metadata: { name: 'other', labels: { keep: 'x' } } });
    const { again } = scene(() => ({ effects: [owner], caveats: [] }));
    expect(await again({ steps: [intended(owner)] })).toEqual({
      refusal: expect.stringMatching(/^pods prod\/other is protected by .*label keep$/),
    });
  });
});

describe('the same deeds', () => {
  const same = (a: readonly Effect[], b: readonly Effect[]) => sameDeeds(a.map(intended), b);

  it('may be done to another state of the same objects', () => {
    expect(same([deletion('u')], [{ ...deletion('u'), resourceVersion: '2', before: { other: true } }])).toBe(true);
    expect(same([creation], [{ ...creation, manifest: { other: true } } as Effect])).toBe(true);
    const keep = { verb: 'keep', object: pod, uid: 'u', user: '', groups: [], logBytes: 1 } as const;
    expect(same([keep], [{ ...keep, uid: 'v' }])).toBe(true);
  });

  it.each<[string, readonly Effect[], readonly Effect[]]>([
    ['another object', [deletion('u')], [deletion('u', other)]],
    ['another UID', [deletion('u')], [deletion('v')]],
    ['another UID to patch', [patch('u')], [patch('v')]],
    ['another verb', [deletion('u')], [patch('u')]],
    ['one more', [deletion('u')], [deletion('u'), creation]],
    ['one less', [deletion('u'), creation], [deletion('u')]],
    ['another order', [deletion('u'), creation], [creation, deletion('u')]],
    ['another object to make', [creation], [{ ...creation, object: pod } as Effect]],
  ])('are not those with %s', (_, a, b) => {
    expect(same(a, b)).toBe(false);
  });
});

it('nothing that an undo has brought back is deleted on the way', async () => {
  const journal = createMemoryJournal(clock);
  const step = { effect: deletion('old', other), state: 'undone', uid: 'new' } as const;
  await journal.record(entryOf({ status: 'undone', steps: [step] }));
  const restored = deletion('new', other, { metadata: { name: 'other', annotations: { 'tiercel.dev/response': entryOf().id } } });
  const deps = { journal, protection: PROTECTION };
  expect(await objectionTo([creation, restored], deps)).toBe(`the undo of response ${entryOf().id} brought pods prod/other back`);
  expect(await objectionTo([{ ...restored, uid: 'another' }], deps)).toBeUndefined();
});
