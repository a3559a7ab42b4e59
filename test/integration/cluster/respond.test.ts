import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FalcoAlert } from '../../../shared/falco/alert.ts';
import { type RespondDeps, respondToAlerts } from '../../../shared/flows/respond.ts';
import { type Clock, systemClock } from '../../../shared/platform/clock.ts';
import { type JsonValue, type KubeClient, KubeStatusError, type ObjectReference } from '../../../shared/platform/kube/index.ts';
import { actionCatalogue, RESPOND_GROUP } from '../../../shared/respond/index.ts';
import { undo } from '../../../shared/respond/undo.ts';
import { NODE } from '../../cluster/start.ts';
import { kubeContract } from '../../contract/kube.ts';
import { createOutside } from '../../support/outside.ts';

import { CALL, core, create, makeBinding, makeConfigMap, makePod, makeRoleBinding, rbac, template } from './objects.ts';
import { SCENARIOS } from './scenarios.ts';
import {
  admin,
  alertAbout,
  answer,
  closeScene,
  cluster,
  gone,
  isolated,
  labelsOf,
  mallory,
  openScene,
  policySet,
  policyText,
  RESPOND,
  refusals,
  requestAs,
  respond,
  responder,
  source,
  undoer,
  writesOf,
} from './scene.ts';

beforeAll(() => openScene());
afterAll(closeScene);

kubeContract('real', () => admin);

describe('every action, on a real API server, as a user bound only to the generated RBAC', () => {
  it('has a scene', () => {
    expect([...new Set(SCENARIOS.map(({ action }) => action))].sort()).toEqual([...actionCatalogue.keys()].sort());
  });

  for (const scenario of SCENARIOS) {
    it(`${scenario.policy}, ${scenario.what}: shadow changes nothing, enforce does it, undo takes it back`, async () => {
      const { reference, made } = await scenario.make(mallory);
      const alert = await alertAbout(reference);
      const before = writesOf(RESPOND);

      const planned = await answer(alert, responder('shadow'), scenario.policy);
      expect(planned).toMatchObject({ status: 'planned', action: scenario.action });
      expect(planned.guards.filter(({ verdict }) => verdict !== 'pass').map(({ guard }) => guard)).toEqual(['within-budget']);
      expect((await admin.get(reference, CALL))?.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
      expect(writesOf(RESPOND)).toEqual(before);

      const outside = createOutside();
      const deps = responder('enforce', { outside });
      expect(await scenario.accomplished(reference, outside)).toBe(false);
      const done = await answer(alert, deps, scenario.policy);
      expect(done).toMatchObject({ status: 'done', action: scenario.action });
      expect(await scenario.accomplished(reference, outside)).toBe(true);
      const again = {
        ...alert,
        uuid: 'another',
        tags: ['x'],
        rule: 'Changed',
        output_fields: { ...alert.output_fields, 'ka.stage': 'ResponseComplete' },
      };
      const written = writesOf(RESPOND);
      expect(
        await respondToAlerts([{ kind: 'alert', alert: again, via: { kind: 'invoke' } }], deps, { killedAtMs: Date.now() + 30_000 }),
      ).toMatchObject([{ duplicate: true }]);
      expect(writesOf(RESPOND)).toEqual(written);
      expect(await scenario.accomplished(reference, outside)).toBe(true);

      if (actionCatalogue.get(scenario.action)!.undo === 'none') {
        await expect(undo(done, { by: 'test', force: false }, { ...deps, client: admin })).rejects.toThrow(
          'it changed nothing in the cluster',
        );
        return;
      }
      const undone = await undo(done, { by: 'test', force: false }, { ...deps, client: undoer(done) });
      expect(undone.status).toBe('undone');
      const restored = await admin.get(reference, CALL);
      expect(restored?.metadata.labels).toEqual(made.metadata.labels);
      expect({ spec: restored?.spec, data: restored?.data, roleRef: restored?.roleRef, subjects: restored?.subjects }).toEqual({
        spec: made.spec,
        data: made.data,
        roleRef: made.roleRef,
        subjects: made.subjects,
      });
    });
  }

  it('respond itself may not restore a binding', async () => {
    const { reference } = await makeBinding(mallory);
    const deps = responder();
    const done = await answer(await alertAbout(reference), deps);
    await expect(undo(done, { by: 'test', force: false }, { ...deps, client: respond })).rejects.toThrow(KubeStatusError);
    expect(await gone(reference)).toBe(true);
  });

  it('respond may not widen a binding, though it may patch one', async () => {
    const { reference, made } = await makeRoleBinding(mallory);
    const { uid } = made.metadata;
    const subjects = [...(made.subjects as JsonValue[]), { apiGroup: rbac.apiGroup, kind: 'Group', name: RESPOND_GROUP }];
    await expect(respond.patch(reference, { metadata: { uid }, subjects }, CALL)).rejects.toMatchObject({
      status: 403,
      detail: expect.stringContaining('attempting to grant RBAC permissions not currently held'),
    });
    expect((await admin.get(reference, CALL))?.subjects).toEqual(made.subjects);
  });

  it('a binding that its maker has deleted, and a finalizer keeps, is in force: it is taken away', async () => {
    const { reference, made } = await makeBinding(mallory, { held: true });
    const alert = await alertAbout(reference);
    await mallory.delete(reference, { uid: made.metadata.uid }, CALL);
    const may = () => admin.maySubject({ username: 'eve', groups: [] }, { verb: 'delete', apiGroup: '', resource: 'nodes' }, CALL);
    expect(await may()).toBe(true);
    expect(await answer(alert, responder())).toMatchObject({ status: 'done', steps: [{ note: 'its finalizers were taken away' }] });
    expect(await gone(reference)).toBe(true);
  });

  it('a pod whose annotations are full, with the label of an isolated one and a strange owner, is isolated', async () => {
    const metadata = {
      labels: { app: 'web', team: 'a', 'tiercel.dev/quarantine': 'mine' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'constructor', name: 'x', uid: 'y', controller: true }],
    };
    const reference = { ...core, resource: 'pods', namespace: 'prod', name: 'evasive' };
    await create(mallory, reference, { apiVersion: 'v1', kind: 'Pod', metadata, spec: { ...template.spec, nodeName: NODE } });
    const alert = await alertAbout(reference);
    await mallory.patch(reference, { metadata: { annotations: { padding: 'x'.repeat(262_144 - 'padding'.length) } } }, CALL);
    const deps = responder();
    const done = await answer(alert, deps, 'isolate-pod');
    expect(done.status).toBe('done');
    expect(await labelsOf(reference)).toEqual({ team: 'a', 'tiercel.dev/quarantine': done.id });
    await undo(done, { by: 'test', force: false }, { ...deps, client: respond });
    expect(await labelsOf(reference)).toEqual(metadata.labels);
  });

  it('what an operator brings back is left alone', async () => {
    const { reference } = await makeBinding(mallory);
    const deps = responder();
    const done = await answer(await alertAbout(reference), deps);
    // Somebody with the rights to, and on no protect list.
    await undo(done, { by: 'test', force: false }, { ...deps, client: mallory });
    expect(refusals(await answer(await alertAbout(reference), deps))).toEqual(['not-restored']);
    expect(await gone(reference)).toBe(false);
  });

  it('undo refuses what was changed since, unless forced', async () => {
    const { reference } = await makeConfigMap(mallory);
    const deps = responder();
    const done = await answer(await alertAbout(reference), deps, 'label');
    await admin.patch(reference, { metadata: { labels: { suspect: 'no' } } }, CALL);
    await expect(undo(done, { by: 'test', force: false }, { ...deps, client: respond })).rejects.toThrow('changed since');
    await undo(done, { by: 'test', force: true }, { ...deps, client: respond });
    expect(await labelsOf(reference)).toEqual({});
  });
});

/** A creation that is only pretended. */
const dryRun = (user: string, name: string) =>
  requestAs(user, 'POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?dryRun=All', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: rbac.apiGroup, kind: 'ClusterRole', name: 'cluster-admin' },
  });

describe('refusals', () => {
  it('an object that was made again under the same name', async () => {
    const { reference } = await makeBinding(mallory);
    const alert = await alertAbout(reference);
    await admin.delete(reference, { uid: (await admin.get(reference, CALL))!.metadata.uid }, CALL);
    await makeBinding(admin, { name: reference.name });
    expect(refusals(await answer(alert, responder()))).toEqual(['same-object']);
    expect(await gone(reference)).toBe(false);
  });

  it('a call that was forbidden (403), one that met an existing object (409), one that was a dry run', async () => {
    const { reference } = await makeBinding(admin, { name: 'precious' });
    await expect(makeBinding(cluster.client('nobody'), { name: reference.name })).rejects.toMatchObject({ status: 403 });
    expect(refusals(await answer(await source.alertOf({ user: 'nobody', resource: reference.resource }), responder()))).toContain(
      'succeeded',
    );
    await expect(makeBinding(mallory, { name: reference.name })).rejects.toMatchObject({ status: 409 });
    expect(refusals(await answer(await alertAbout(reference), responder()))).toContain('succeeded');
    const dry = await dryRun('mallory', 'dry');
    expect(dry).toBe(201);
    expect(refusals(await answer(await alertAbout({ ...reference, name: 'dry' }), responder()))).toEqual(['succeeded', 'same-object']);
    expect(await gone(reference)).toBe(false);
  });

  it('stale, truncated and unsigned alerts', async () => {
    const { reference } = await makeBinding(mallory);
    const alert = await alertAbout(reference);
    const later: Clock = { ...systemClock, now: () => Date.now() + 11 * 60_000 };
    expect(refusals(await answer(alert, responder('enforce', { clock: later })))).toEqual(['fresh']);
    const truncated = { ...alert, output_fields: { ...alert.output_fields, 'tiercel.truncated': 'true' } };
    expect(refusals(await answer(truncated, responder()))).toContain('whole');
    expect(refusals(await answer(await alertAbout(reference, { signed: false }), responder()))).toEqual(['signed']);
    expect(await gone(reference)).toBe(false);
    expect((await answer(alert, responder())).status).toBe('done');
  });

  it('a namespace protected by name or by label, a protected caller', async () => {
    const marked = await makeRoleBinding(mallory, { namespace: 'ingress' });
    expect(refusals(await answer(await alertAbout(marked.reference), responder()))).toEqual(['unprotected']);
    const system = await makeRoleBinding(mallory, { namespace: 'kube-system' });
    expect(refusals(await answer(await alertAbout(system.reference), responder()))).toEqual(['unprotected']);
    const trusted = await makeBinding(admin);
    expect(refusals(await answer(await alertAbout(trusted.reference, {}, 'admin'), responder()))).toEqual(['unprotected']);
  });

  it('a budget that is spent', async () => {
    const set = policySet(
      policyText('enforce').replaceAll('budget: {policy: 1000, cluster: 1000, namespace: 1000}', 'budget: {policy: 1}'),
    );
    const deps = { ...responder(), set };
    const first = await makeBinding(mallory);
    const second = await makeBinding(mallory);
    expect((await answer(await alertAbout(first.reference), deps)).status).toBe('done');
    expect(refusals(await answer(await alertAbout(second.reference), deps))).toEqual(['within-budget']);
    expect(await gone(second.reference)).toBe(false);
  });

  it('a pod on the network of its node, and one that another policy lets through', async () => {
    const host = await create(
      mallory,
      { ...core, resource: 'pods', namespace: 'prod', name: 'host' },
      { apiVersion: 'v1', kind: 'Pod', spec: { ...template.spec, hostNetwork: true } },
    );
    expect(refusals(await answer(await alertAbout(host.reference), responder(), 'isolate-pod'))).toEqual(['feasible']);
    const allow = { apiGroup: 'networking.k8s.io', apiVersion: 'v1', resource: 'networkpolicies', namespace: 'prod', name: 'allow' };
    const { made } = await create(admin, allow, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      spec: { podSelector: {}, ingress: [{}] },
    });
    const pod = await makePod(mallory);
    const entry = await answer(await alertAbout(pod.reference), responder(), 'isolate-pod');
    expect(refusals(entry)).toEqual(['feasible']);
    expect(entry.guards.find(({ guard }) => guard === 'feasible')?.reason).toContain('NetworkPolicy allow');
    await admin.delete(allow, { uid: made.metadata.uid }, CALL);
  });
});

describe('what happens between the look and the write', () => {
  /** Respond's client, in front of whose next write (or every one) something else happens. */
  const overtaken = (event: () => Promise<unknown>, times = 1): RespondDeps => {
    let left = times;
    const first = async () => {
      if (left-- > 0) await event();
    };
    const client: KubeClient = {
      ...respond,
      delete: async (...given) => {
        await first();
        return respond.delete(...given);
      },
      patch: async (...given) => {
        await first();
        return respond.patch(...given);
      },
    };
    return { ...responder(), clusters: { clientFor: async () => ({ client }) } };
  };
  const remove = async (reference: ObjectReference) =>
    admin.delete(reference, { uid: (await admin.get(reference, CALL))!.metadata.uid, gracePeriodSeconds: 0 }, CALL);

  it('the object goes: superseded', async () => {
    const { reference } = await makeBinding(mallory);
    const entry = await answer(
      await alertAbout(reference),
      overtaken(() => remove(reference)),
    );
    expect(entry).toMatchObject({ status: 'superseded', remark: 'it was gone already' });
  });

  it('another object takes its name: superseded, and the other one stays', async () => {
    const { reference } = await makeBinding(mallory);
    const deps = overtaken(async () => {
      await remove(reference);
      await makeBinding(admin, { name: reference.name });
    });
    const entry = await answer(await alertAbout(reference), deps);
    expect(entry).toMatchObject({ status: 'superseded', remark: 'another object has its name now' });
    expect(await gone(reference)).toBe(false);

    const pod = await makePod(mallory);
    const isolating = overtaken(async () => {
      await remove(pod.reference);
      await makePod(admin, { name: pod.reference.name });
    });
    expect((await answer(await alertAbout(pod.reference), isolating, 'isolate-pod')).status).toBe('failed');
    expect(await isolated(pod.reference)).toBe(false);
  });

  it('somebody changes it: looked at again, and undone to what it was changed to', async () => {
    const { reference } = await makeConfigMap(mallory);
    const deps = overtaken(() => admin.patch(reference, { metadata: { labels: { suspect: 'perhaps' } } }, CALL));
    const entry = await answer(await alertAbout(reference), deps, 'label');
    expect(entry.status).toBe('done');
    expect(await labelsOf(reference)).toEqual({ suspect: 'true' });
    await undo(entry, { by: 'test', force: false }, { ...deps, client: respond });
    expect(await labelsOf(reference)).toEqual({ suspect: 'perhaps' });
  });

  it('somebody never stops writing to it: it goes all the same', async () => {
    const { reference } = await makeBinding(mallory);
    let writes = 0;
    const restless = () => mallory.patch(reference, { metadata: { annotations: { tick: String(++writes) } } }, CALL);
    const entry = await answer(await alertAbout(reference), overtaken(restless, Number.POSITIVE_INFINITY));
    expect(entry.status).toBe('done');
    expect(await gone(reference)).toBe(true);
    expect(writes).toBe(6);
  });

  it('respond lost the right: failed, with what to grant', async () => {
    const { reference } = await makeBinding(mallory);
    const deps = {
      ...responder(),
      clusters: { clientFor: async () => ({ client: { ...respond, delete: cluster.client('nobody').delete } }) },
    };
    const entry = await answer(await alertAbout(reference), deps);
    expect(entry.status).toBe('failed');
    expect(entry.remark).toMatch(/403 Forbidden.*Grant the verb in the RBAC manifest/s);
    expect(await gone(reference)).toBe(false);
  });
});

describe('the loop', () => {
  const judge = async (alert: FalcoAlert, deps: RespondDeps) =>
    (await respondToAlerts([{ kind: 'alert', alert, via: { kind: 'invoke' } }], deps, { killedAtMs: Date.now() + 30_000 }))[0];

  for (const { policy, action, what, make } of SCENARIOS) {
    it(`closes after ${policy}, ${what}: every call of ours is known by the journal, and leads to nothing`, async () => {
      const deps = responder();
      const { reference } = await make(mallory);
      const alert = await alertAbout(reference);
      await answer(alert, responder('shadow'), policy);
      const entry = await answer(alert, deps, policy);
      if (actionCatalogue.get(action)!.undo === 'respond') await undo(entry, { by: 'test', force: false }, { ...deps, client: respond });
      const written = writesOf(RESPOND);

      const ours = source.allBy(RESPOND).filter(({ output_fields }) => String(output_fields['ka.auditid']).includes(entry.event));
      const verbs = new Set(ours.map(({ output_fields }) => output_fields['ka.verb']));
      for (const { effect } of entry.steps)
        if (effect.verb !== 'send') expect(verbs).toContain(effect.verb === 'keep' ? 'get' : effect.verb);
      const outcomes = await Promise.all(ours.map((call) => judge(call, deps)));
      expect(outcomes.filter((outcome) => outcome?.kind !== 'own')).toEqual([]);
      expect(writesOf(RESPOND)).toEqual(written);
    });
  }

  it('is no cover for a thief with our token, who also copies an Audit-ID seen in the log', async () => {
    const deps = responder();
    const { reference } = await makePod(mallory);
    const entry = await answer(await alertAbout(reference), deps, 'isolate-pod');
    const victim = await makePod(admin);
    await respond.patch(victim.reference, { metadata: { labels: { stolen: 'yes' } } }, { auditId: `tiercel/${entry.id}/1` });
    expect(await judge(await alertAbout(victim.reference, {}, RESPOND), deps)).toMatchObject({
      kind: 'impostor',
      why: 'the step is about another object than the call',
    });
    await respond.patch(victim.reference, { metadata: { labels: { stolen: 'twice' } } }, { auditId: 'mine' });
    expect(await judge(await alertAbout(victim.reference, {}, RESPOND), deps)).toMatchObject({
      kind: 'impostor',
      why: 'the call names no step of the journal',
    });
  });
});
