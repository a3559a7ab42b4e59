import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type KubeClient, KubeConnectionError } from '../../../../shared/platform/kube/index.ts';
import { casesOf } from '../../../../shared/respond/decide.ts';
import type { Mode } from '../../../../shared/respond/index.ts';
import { type Responding, respondToCase, settle } from '../../../../shared/respond/respond.ts';
import { ALERT_TIME_MS, bindingAlert } from '../../../support/alerts.ts';
import { entryOf } from '../../../support/entry.ts';
import { createMemoryCluster } from '../../../support/memory-cluster.ts';
import { responder, sign, testClock } from '../../../support/responder.ts';

const pod = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' };
const LEASE_MS = 60_000;

/** One case: the alert about a pod that a policy marks. Sleeping lets everybody else go on. */
function scene(extra = '') {
  const moved = testClock(ALERT_TIME_MS - 1000);
  const slept: number[] = [];
  const clock = {
    ...moved,
    sleep: async (ms: number) => {
      slept.push(ms);
      moved.advance(ms);
      await turn();
    },
  };
  const cluster = createMemoryCluster(clock);
  const { uid } = cluster.put(pod, { kind: 'Pod', metadata: {} }).metadata;
  clock.advance(5000);
  const policies = `
- policy: p
  description: d
  mode: enforce
  match: {source: k8s_audit}
  actions: [{action: label, with: {resources: [pods], labels: {a: b}}}]
  ${extra}
`;
  const client: KubeClient = { ...cluster.client };
  const deps = responder({ clock, client, policies });
  const alert = (rule: string) =>
    sign(
      bindingAlert(
        {
          'ka.target.resource': 'pods',
          'ka.target.namespace': 'prod',
          'ka.target.name': 'web',
          'tiercel.apigroup': '<NA>',
          'tiercel.uid': uid,
        },
        { rule },
      ),
    );
  const given = (rule = 'r') => casesOf(alert(rule), deps.set.policies[0]!, deps.actions)[0]!;
  const responding = (mode: Mode = 'enforce'): Responding => ({ modeNow: async () => mode, killedAtMs: clock.now() + LEASE_MS });
  /** An intent that another invocation wrote down and left. */
  const opened = async (changes: object = {}) => {
    const { patch } = client;
    client.patch = () => Promise.reject(new KubeConnectionError('patching', 'got nothing'));
    await respondToCase(given(), responding(), deps).catch(() => {});
    client.patch = patch;
    const [entry] = await deps.journal.ofEvent(given().event);
    return deps.journal.save({ ...entry!, leaseUntilMs: clock.now() + LEASE_MS, ...changes });
  };
  return { clock, cluster, client, deps, given, responding, opened, slept };
}

describe('of two who meet at one happening', () => {
  it('one acts, the other waits for what came of it', async () => {
    const { cluster, client, deps, given, responding } = scene();
    const { patch } = client;
    client.patch = async (...call) => {
      for (let turns = 0; turns < 8; turns++) await turn();
      return patch(...call);
    };
    const entries = await Promise.all(['one', 'two', 'three'].map((rule) => respondToCase(given(rule), responding(), deps)));
    expect(entries.map(({ status, id, attempt }) => [status, id, attempt])).toEqual(Array(3).fill(['done', entries[0]!.id, 1]));
    expect(cluster.writes).toHaveLength(1);
    expect((await deps.journal.find(entries[0]!.id))!.rules).toEqual(['one', 'three', 'two']);
  });

  it('the other gives the alert back when that takes long, and touches nothing', async () => {
    const { cluster, deps, given, responding, opened, slept } = scene();
    const entry = await opened();
    await expect(respondToCase(given(), responding(), deps)).rejects.toMatchObject({ code: 'WORK_IN_PROGRESS', retryable: true });
    expect(slept).toEqual(Array(30).fill(100));
    expect(cluster.writes).toEqual([]);
    expect(await deps.journal.find(entry.id)).toEqual(entry);
  });

  it('the other goes on where the first died, once its lease is over', async () => {
    const { clock, cluster, client, deps, given, responding, opened } = scene();
    const { leaseUntilMs } = await opened();
    const held: unknown[] = [];
    const { patch } = client;
    client.patch = async (...call) => {
      const [entry] = await deps.journal.ofEvent(given().event);
      held.push([entry!.leaseUntilMs! - clock.now(), entry!.attempt]);
      return patch(...call);
    };
    clock.advance(leaseUntilMs! - clock.now());
    expect(await respondToCase(given(), responding(), deps)).toMatchObject({ status: 'done', attempt: 2 });
    expect(held).toEqual([[LEASE_MS, 2]]);
    expect(cluster.writes).toHaveLength(1);
  });

  it('the other goes on at once where nobody holds it', async () => {
    const { deps, given, responding, opened, slept } = scene();
    await opened({ leaseUntilMs: undefined });
    expect(await respondToCase(given(), responding(), deps)).toMatchObject({ status: 'done' });
    expect(slept).toEqual([]);
  });
});

describe('what was decided before', () => {
  it.each(['awaiting-approval', 'denied', 'done', 'superseded', 'failed', 'undone'] as const)('stands when it is %s', async (status) => {
    const { cluster, deps, given, responding, opened } = scene();
    const entry = await opened({ status });
    expect(await respondToCase(given('another'), responding(), deps)).toMatchObject({ id: entry.id, status, rules: ['another', 'r'] });
    expect(cluster.writes).toEqual([]);
  });

  it('is decided anew when it was a plan', async () => {
    const { cluster, deps, given, responding } = scene();
    expect(await respondToCase(given(), responding('shadow'), deps)).toMatchObject({ status: 'planned' });
    expect(cluster.writes).toEqual([]);
    expect(await respondToCase(given(), responding(), deps)).toMatchObject({ status: 'done' });
  });

  it('of another action says nothing', async () => {
    const { deps, given, responding } = scene();
    const { entry } = await deps.journal.record(
      entryOf({ id: `${given().event}-${'0'.repeat(12)}`, event: given().event, action: 'isolate-pod' }),
    );
    expect(await respondToCase(given(), responding(), deps)).toMatchObject({ status: 'done', action: 'label' });
    expect(await deps.journal.find(entry.id)).toEqual(entry);
  });
});

describe('a response that was begun', () => {
  it('stays open while the mode, or its policy, does not say enforce', async () => {
    const { cluster, deps, responding, opened } = scene();
    const entry = await opened({ leaseUntilMs: 0 });
    expect(await settle(entry, responding('shadow'), deps)).toEqual(entry);
    expect(await settle({ ...entry, policy: 'gone' }, responding(), deps)).toMatchObject({ status: 'open' });
    expect(cluster.writes).toEqual([]);
  });

  it('fails where its action, or its cluster, is not there any more', async () => {
    const { deps, responding, opened } = scene();
    const entry = await opened({ leaseUntilMs: 0 });
    const nowhere = { ...deps, clusters: { clientFor: async () => ({ why: 'no such cluster' }) } };
    expect(await settle(entry, responding(), nowhere)).toMatchObject({ status: 'failed', remark: 'no such cluster' });
    const other = scene();
    const without = { ...other.deps, actions: new Map() };
    expect(await settle(await other.opened({ leaseUntilMs: 0 }), other.responding(), without)).toMatchObject({
      status: 'failed',
      remark: 'there is no action label any more',
    });
  });

  it('lets go of its lease when it is thrown, if it still holds it', async () => {
    const { clock, client, deps, given, responding } = scene();
    client.patch = () => Promise.reject(new KubeConnectionError('patching', 'got nothing'));
    await expect(respondToCase(given(), responding(), deps)).rejects.toMatchObject({ code: 'KUBE_CONNECTION' });
    const [entry] = await deps.journal.ofEvent(given().event);
    expect(entry).toMatchObject({ status: 'open', leaseUntilMs: clock.now() });
    client.patch = async () => {
      const [mine] = await deps.journal.ofEvent(given().event);
      await deps.journal.save({ ...mine!, leaseUntilMs: 7 });
      throw new KubeConnectionError('patching', 'got nothing');
    };
    await expect(respondToCase(given(), responding(), deps)).rejects.toMatchObject({ code: 'KUBE_CONNECTION' });
    expect((await deps.journal.ofEvent(given().event))[0]).toMatchObject({ leaseUntilMs: 7 });
  });
});

describe('a response with an end', () => {
  const withExpiry = (expiry?: { schedule: (id: string, atMs: number) => Promise<void> }) => {
    const given = scene('ttl: 1h');
    return { ...given, deps: { ...given.deps, ...(expiry ? { expiry } : {}) } };
  };

  it('is not begun where nothing could end it', async () => {
    const { cluster, deps, given, responding, opened } = withExpiry();
    expect(await respondToCase(given(), responding(), deps)).toMatchObject({ status: 'refused' });
    const entry = await opened({ status: 'open', leaseUntilMs: 0, expiresAtMs: 1 });
    await expect(settle(entry, responding(), deps)).rejects.toMatchObject({ code: 'EXPIRY_NOT_SCHEDULED' });
    expect(cluster.writes).toEqual([]);
  });

  it('keeps its end while more than half of its time is left, and begins it anew after that', async () => {
    const scheduled: number[] = [];
    const { clock, client, deps, given, responding } = withExpiry({ schedule: async (_id, atMs) => void scheduled.push(atMs) });
    const { patch } = client;
    client.patch = () => Promise.reject(new KubeConnectionError('patching', 'got nothing'));
    const began = clock.now();
    const attempt = () => respondToCase(given(), responding(), deps);
    await expect(attempt()).rejects.toThrow();
    clock.advance(1_800_000);
    await expect(attempt()).rejects.toThrow();
    clock.advance(1);
    client.patch = patch;
    expect(await attempt()).toMatchObject({ status: 'done', expiresAtMs: began + 5_400_001 });
    expect(scheduled).toEqual([began + 3_600_000, began + 3_600_000, began + 5_400_001]);
  });
});
