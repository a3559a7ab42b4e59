import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FalcoAlert } from '../../../shared/falco/alert.ts';
import { type RespondDeps, respondToAlerts, respondToCommand } from '../../../shared/flows/respond.ts';
import type { ObjectReference } from '../../../shared/platform/kube/index.ts';
import type { Command, Entry } from '../../../shared/respond/index.ts';
import { undo } from '../../../shared/respond/undo.ts';
import type { Wanted } from './alerts.ts';
import { CALL, makePod } from './objects.ts';
import { admin, answer, closeScene, cluster, gone, isolated, openScene, refusals, respond, responder, source, writesOf } from './scene.ts';
import { nextSecond, openStream, type Subresource, type Way } from './streams.ts';

beforeAll(() => openScene());
afterAll(closeScene);

const RULES: Readonly<Record<Subresource, string>> = {
  exec: 'Suspicious Exec Command',
  attach: 'Exec or Attach to Pod',
  portforward: 'Port Forward to Pod',
};

/** Isolates the pod of a stream, once somebody has said yes. */
const asking = () => responder('enforce', { approval: true, rules: [...Object.values(RULES), 'Tunnel'] });

const tell = (entry: Entry, deps: RespondDeps, verb: Command['verb'] = 'approve') =>
  respondToCommand({ verb, id: entry.id, by: 'ann' }, deps, { killedAtMs: Date.now() + 30_000 });

/** The alert of a rule about a stream into a pod. */
const streamAlert = (
  pod: ObjectReference,
  subresource: Subresource,
  rule = RULES[subresource],
  stage: Wanted['stage'] = 'ResponseStarted',
) => source.alertOf({ user: 'mallory', resource: 'pods', subresource, name: pod.name, rule, stage });

/** A pod that is old enough, and what opening a stream into it led to. */
async function open(subresource: Subresource, way: Way = 'websocket'): Promise<{ pod: ObjectReference; uid: string; alert: FalcoAlert }> {
  const { reference, made } = await makePod(admin, { kind: 'ReplicaSet' });
  await nextSecond();
  expect(await openStream(cluster, 'mallory', reference, subresource, way)).toBe(101);
  return { pod: reference, uid: made.metadata.uid, alert: await streamAlert(reference, subresource) };
}

describe('streams into pods, from the audit log of a real API server', () => {
  for (const way of ['websocket', 'spdy'] as const) {
    for (const subresource of ['exec', 'attach', 'portforward'] as const) {
      it(`${subresource} by ${way}: the pod is isolated when somebody says yes, and let go again`, async () => {
        const { pod, uid, alert } = await open(subresource, way);
        expect(alert.output_fields).toMatchObject({
          'ka.verb': way === 'websocket' ? 'get' : 'create',
          'ka.response.code': '101',
          'ka.stage': 'ResponseStarted',
          'tiercel.uid': '<NA>',
        });
        const deps = asking();
        const before = writesOf('tiercel-respond').length;
        const asked = await answer(alert, deps, 'isolate-pod');
        expect(asked).toMatchObject({ status: 'awaiting-approval', target: { name: pod.name } });
        expect(writesOf('tiercel-respond')).toHaveLength(before);
        expect(await isolated(pod)).toBe(false);

        const done = await tell(asked, deps);
        expect(done).toMatchObject({ status: 'done', remark: 'approved by ann' });
        expect(await isolated(pod)).toBe(true);
        expect((await admin.get(pod, CALL))?.metadata.uid).toBe(uid);

        await undo(done, { by: 'ann', force: false }, { ...deps, client: respond });
        expect((await admin.get(pod, CALL))?.metadata.labels).toEqual({ app: 'web', team: 'a' });
      });
    }
  }

  it('a tunnel alerts in two stages and by two rules, and is answered once', async () => {
    const { pod, alert } = await open('portforward');
    const alerts = [
      alert,
      await streamAlert(pod, 'portforward', 'Tunnel', 'ResponseStarted'),
      await streamAlert(pod, 'portforward', 'Tunnel', 'ResponseComplete'),
    ];
    const deps = asking();
    const times = { killedAtMs: Date.now() + 30_000 };
    await respondToAlerts(
      alerts.map((each) => ({ kind: 'alert', alert: each, via: { kind: 'invoke' } })),
      deps,
      times,
    );
    const entries = (await deps.journal.list({ fromMs: 0, toMs: Date.now() + 1, limit: 100 })).filter(
      ({ action }) => action === 'isolate-pod',
    );
    expect(entries).toHaveLength(1);
    const entry = (await deps.journal.find(entries[0]!.id))!;
    expect(entry).toMatchObject({ status: 'awaiting-approval', rules: ['Port Forward to Pod', 'Tunnel'] });
    const before = writesOf('tiercel-respond').length;
    expect((await tell(entry, deps)).status).toBe('done');
    // Also when it is told twice, and alerted again.
    await tell(entry, deps);
    await respondToAlerts(
      alerts.map((each) => ({ kind: 'alert', alert: { ...each, uuid: 'again', tags: ['again'] }, via: { kind: 'invoke' } })),
      deps,
      times,
    );
    expect(writesOf('tiercel-respond').slice(before)).toEqual(['create networkpolicies', 'patch pods']);
  });

  it('a pod that was made again under the same name is left alone: before somebody says yes, and after', async () => {
    const again = async (pod: ObjectReference, uid: string) => {
      await admin.delete(pod, { uid, gracePeriodSeconds: 0 }, CALL);
      await makePod(admin, { name: pod.name });
    };
    const first = await open('exec');
    await again(first.pod, first.uid);
    expect(refusals(await answer(first.alert, asking(), 'isolate-pod'))).toEqual(['same-object']);

    const second = await open('exec');
    const deps = asking();
    const asked = await answer(second.alert, deps, 'isolate-pod');
    expect(asked.status).toBe('awaiting-approval');
    await again(second.pod, second.uid);
    const told = await tell(asked, deps);
    expect(told.status).toBe('refused');
    expect(refusals(told)).toEqual(['same-object']);
    expect(await isolated(second.pod)).toBe(false);
  });

  it('a no, and no answer in time, change nothing', async () => {
    const { pod, alert } = await open('attach');
    const deps = asking();
    const denied = await tell(await answer(alert, deps, 'isolate-pod'), deps, 'deny');
    expect(denied).toMatchObject({ status: 'denied', remark: 'denied by ann' });
    await expect(tell(denied, deps)).rejects.toThrow('it is denied, not awaiting approval');

    const late = asking();
    const asked = await answer(alert, late, 'isolate-pod');
    const afterwards = { ...late, clock: { ...late.clock, now: () => Date.now() + 3_600_001 } };
    expect(await tell(asked, afterwards)).toMatchObject({ status: 'denied', remark: 'nobody answered in time' });
    expect(await isolated(pod)).toBe(false);
  });

  it('a stream that was refused is no reason to touch the pod', async () => {
    const { reference } = await makePod(admin);
    await nextSecond();
    expect(await openStream(cluster, 'nobody', reference, 'exec')).toBe(403);
    const alert = await source.alertOf({
      user: 'nobody',
      resource: 'pods',
      subresource: 'exec',
      name: reference.name,
      rule: 'Pod Access Refused',
    });
    expect(refusals(await answer(alert, responder('enforce', { rules: ['Pod Access Refused'] }), 'isolate-pod'))).toContain('succeeded');
    expect(await gone(reference)).toBe(false);
  });

  it('a pod that ends between the plan and the write is reported as gone', async () => {
    const { pod, uid, alert } = await open('exec');
    const deps = asking();
    const asked = await answer(alert, deps, 'isolate-pod');
    await admin.delete(pod, { uid, gracePeriodSeconds: 0 }, CALL);
    expect(refusals(await tell(asked, deps))).toEqual(['same-object']);
  });
});
