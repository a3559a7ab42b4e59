import { describe, expect, it } from 'vitest';
import { type KubeClient, type KubeObject, KubeStatusError } from '../../../../shared/platform/kube/index.ts';
import type { Effect } from '../../../../shared/respond/action/effect.ts';
import { createMemoryJournal, type Entry } from '../../../../shared/respond/journal/index.ts';
import type { Step } from '../../../../shared/respond/journal/journal.ts';
import { undo } from '../../../../shared/respond/undo.ts';
import { entryOf } from '../../../support/entry.ts';
import { createMemoryCluster } from '../../../support/memory-cluster.ts';
import { testClock } from '../../../support/responder.ts';

const NOW_MS = Date.parse('2026-11-21T09:00:00Z');
const ID = entryOf().id;
const pod = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' };
const policy = { apiGroup: 'networking.k8s.io', apiVersion: 'v1', resource: 'networkpolicies', namespace: 'prod', name: 'deny' };
const manifest = { metadata: { name: 'deny', annotations: { 'tiercel.dev/response': ID } }, spec: { policyTypes: ['Ingress'] } };

const done = (effect: Effect, more: Partial<Step> = {}): Step => ({ effect, state: 'done', atMs: 1, ...more });
const created = ({ metadata }: KubeObject) => done({ verb: 'create', object: policy, manifest }, { uid: metadata.uid });
const deleted = done({
  verb: 'delete',
  object: pod,
  uid: 'old',
  resourceVersion: '1',
  propagationPolicy: 'Background',
  before: { metadata: { name: 'web', annotations: { team: 'a' } }, spec: { a: 1 } },
});
const patched = ({ metadata: { uid } }: KubeObject) =>
  done({
    verb: 'patch',
    object: pod,
    uid,
    resourceVersion: '1',
    patch: { metadata: { labels: { q: 'r' }, annotations: { 'tiercel.dev/response': ID } }, spec: { paused: true } },
    before: { metadata: { labels: { q: null }, annotations: { 'tiercel.dev/response': null } }, spec: { paused: null } },
  });

async function scene(stepsOf: (cluster: ReturnType<typeof createMemoryCluster>) => readonly Step[], changes: Partial<Entry> = {}) {
  const clock = testClock(NOW_MS);
  const cluster = createMemoryCluster(clock);
  const journal = createMemoryJournal(clock);
  const { version: _v, createdAtMs: _c, updatedAtMs: _u, ...draft } = entryOf({ steps: stepsOf(cluster), ...changes });
  const { entry } = await journal.record(draft);
  const sent: [string, ...unknown[]][] = [];
  const watched = (broken: Partial<KubeClient>): KubeClient => {
    const client = { ...cluster.client, ...broken };
    return {
      ...client,
      create: (object, body, call) => {
        sent.push(['create', body, call.auditId]);
        return client.create(object, body, call);
      },
      patch: (object, body, call) => {
        sent.push(['patch', body, call.auditId]);
        return client.patch(object, body, call);
      },
      delete: (object, options, call) => {
        sent.push(['delete', options, call.auditId]);
        return client.delete(object, options, call);
      },
    };
  };
  const takeBack = (force = false, broken: Partial<KubeClient> = {}) =>
    undo(entry, { by: 'ann', force }, { clock, journal, client: watched(broken) });
  return { cluster, journal, takeBack, sent };
}

describe('an object that was made', () => {
  const made = () => scene((cluster) => [created(cluster.put(policy, manifest))]);

  it('is deleted in exactly the state that was looked at', async () => {
    const { cluster, takeBack, sent } = await made();
    const { uid, resourceVersion } = cluster.peek(policy)!.metadata;
    expect(await takeBack()).toMatchObject({ status: 'undone', steps: [{ state: 'undone', note: 'deleted', atMs: NOW_MS }] });
    expect(cluster.peek(policy)).toBeUndefined();
    expect(sent).toEqual([['delete', { uid, resourceVersion }, `tiercel/${ID}/u0`]]);
  });

  it.each(['gone', 'another one'])('is left alone when it is %s', async (how) => {
    const { cluster, takeBack, sent } = await made();
    cluster.drop(policy);
    if (how !== 'gone') cluster.put(policy, manifest);
    expect(await takeBack(true)).toMatchObject({ status: 'undone', steps: [{ note: 'it is gone' }] });
    expect(sent).toEqual([]);
  });

  it('is kept when it was changed since, unless forced', async () => {
    const { cluster, journal, takeBack } = await made();
    await cluster.client.patch(policy, { spec: { policyTypes: ['Egress'] } }, { auditId: 'x' });
    await expect(takeBack()).rejects.toThrow(/networkpolicies\S* prod\/deny was changed since; `--force` deletes it/);
    expect(await journal.find(ID)).toMatchObject({ status: 'done' });
    expect(await takeBack(true)).toMatchObject({ status: 'undone' });
    expect(cluster.peek(policy)).toBeUndefined();
  });
});

describe('an object that was deleted', () => {
  it('is made again as it was, with the mark of the response beside its own annotations', async () => {
    const { cluster, takeBack, sent } = await scene(() => [deleted]);
    const entry = await takeBack();
    const live = cluster.peek(pod)!;
    expect(sent).toEqual([
      ['create', { metadata: { name: 'web', annotations: { team: 'a', 'tiercel.dev/response': ID } }, spec: { a: 1 } }, `tiercel/${ID}/u0`],
    ]);
    const { uid } = live.metadata;
    expect(entry).toMatchObject({
      status: 'undone',
      remark: 'undone by ann',
      steps: [{ state: 'undone', uid, note: `created again with uid ${uid}` }],
    });
  });

  it('counts as made again where an interrupted undo made it', async () => {
    const { cluster, takeBack } = await scene(() => [deleted]);
    const annotations = { team: 'a', 'tiercel.dev/response': ID };
    const { uid } = cluster.put(pod, { metadata: { annotations }, spec: { a: 1 } }).metadata;
    expect(await takeBack()).toMatchObject({ status: 'undone', steps: [{ uid, note: `had been created again with uid ${uid}` }] });
  });

  it.each([403, 422, 500])('is said not to be when the server answers %i', async (status) => {
    const { cluster, journal, takeBack } = await scene(() => [deleted]);
    cluster.put(pod, { metadata: { annotations: { team: 'a', 'tiercel.dev/response': ID } }, spec: { a: 1 } });
    const create = () => Promise.reject(new KubeStatusError('creating', status, 'Reason', 'no'));
    await expect(takeBack(true, { create })).rejects.toMatchObject({ status });
    await expect(takeBack(true, { create: () => Promise.reject(new TypeError('x')) })).rejects.toThrow(TypeError);
    expect(await journal.find(ID)).toMatchObject({ status: 'done', steps: [{ state: 'done' }] });
  });
});

describe('an object that was changed', () => {
  const changed = async (uid?: string) => {
    const given = await scene((cluster) => {
      const live = cluster.put(pod, { metadata: { labels: { app: 'web' } } });
      return [patched(uid === undefined ? live : { ...live, metadata: { ...live.metadata, uid } })];
    });
    await given.cluster.client.patch(
      pod,
      { metadata: { labels: { q: 'r' }, annotations: { 'tiercel.dev/response': ID } }, spec: { paused: true } },
      { auditId: 'x' },
    );
    return given;
  };

  it('is restored, in exactly the state that was looked at', async () => {
    const { cluster, takeBack, sent } = await changed();
    const { uid, resourceVersion } = cluster.peek(pod)!.metadata;
    expect(await takeBack()).toMatchObject({ status: 'undone', steps: [{ note: 'restored' }] });
    expect(cluster.peek(pod)).toMatchObject({ metadata: { labels: { app: 'web' }, annotations: {} }, spec: {} });
    expect(sent).toEqual([
      [
        'patch',
        { metadata: { labels: { q: null }, annotations: { 'tiercel.dev/response': null }, uid, resourceVersion }, spec: { paused: null } },
        `tiercel/${ID}/u0`,
      ],
    ]);
  });

  it('is left alone when another one has its name, also when forced', async () => {
    const { cluster, takeBack, sent } = await changed('another');
    expect(await takeBack(true)).toMatchObject({ status: 'undone', steps: [{ note: 'it is gone, nothing to restore' }] });
    expect(sent).toEqual([]);
    expect(cluster.peek(pod)?.metadata.labels).toEqual({ app: 'web', q: 'r' });
  });

  it('keeps the mark that a later response has put there', async () => {
    const { cluster, takeBack } = await changed();
    await cluster.client.patch(pod, { metadata: { annotations: { 'tiercel.dev/response': 'later' } } }, { auditId: 'x' });
    expect(await takeBack()).toMatchObject({ status: 'undone', steps: [{ note: 'restored' }] });
    expect(cluster.peek(pod)).toMatchObject({
      metadata: { labels: { app: 'web' }, annotations: { 'tiercel.dev/response': 'later' } },
      spec: {},
    });
  });

  it('is not written when it is restored already', async () => {
    const { cluster, takeBack, sent } = await changed();
    await cluster.client.patch(pod, { metadata: { labels: { q: null }, annotations: null }, spec: { paused: null } }, { auditId: 'x' });
    expect(await takeBack()).toMatchObject({ steps: [{ note: 'it had been restored' }] });
    expect(sent).toEqual([]);
  });
});

describe('of several steps', () => {
  it('the last is taken back first, each written down, and what is no change of the cluster stands', async () => {
    const send = done({ verb: 'send', channels: ['a'] }, { note: 'handed to the channels' });
    const { takeBack, sent } = await scene((cluster) => [created(cluster.put(policy, manifest)), deleted, send]);
    const entry = await takeBack();
    expect(sent.map(([verb, , auditId]) => [verb, auditId])).toEqual([
      ['create', `tiercel/${ID}/u1`],
      ['delete', `tiercel/${ID}/u0`],
    ]);
    expect(entry.steps.map(({ state }) => state)).toEqual(['undone', 'undone', 'done']);
    expect(entry.steps[2]).toEqual(send);
  });

  it('those that were done are, where the rest failed', async () => {
    const intended: Step = { effect: deleted.effect, state: 'intended' };
    const { takeBack, sent } = await scene((cluster) => [created(cluster.put(policy, manifest)), intended], { status: 'failed' });
    const entry = await takeBack();
    expect(entry).toMatchObject({ status: 'undone', steps: [{ state: 'undone' }, { state: 'intended' }] });
    expect(sent).toHaveLength(1);
  });

  it('goes on where an undo was interrupted', async () => {
    const { takeBack, sent } = await scene((cluster) => [
      created(cluster.put(policy, manifest)),
      { ...deleted, state: 'undone', uid: 'u' },
    ]);
    expect(await takeBack()).toMatchObject({ status: 'undone' });
    expect(sent.map(([verb]) => verb)).toEqual(['delete']);
  });

  it('none is, where none changed the cluster', async () => {
    const { takeBack } = await scene(() => [done({ verb: 'send', channels: ['a'] })]);
    await expect(takeBack(true)).rejects.toThrow('it changed nothing in the cluster');
  });
});
