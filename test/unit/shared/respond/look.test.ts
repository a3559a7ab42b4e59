import { describe, expect, it } from 'vitest';
import { type KubeClient, KubeConnectionError, KubeStatusError } from '../../../../shared/platform/kube/index.ts';
import { createMemoryJournal, type Entry } from '../../../../shared/respond/journal/index.ts';
import { lookAround, restorerOf } from '../../../../shared/respond/look.ts';
import { entryOf } from '../../../support/entry.ts';
import { createMemoryCluster } from '../../../support/memory-cluster.ts';
import { testClock } from '../../../support/responder.ts';

const EVENT = 'e'.repeat(40);
const clock = testClock(0);
const pod = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' };
const namespace = { apiGroup: '', apiVersion: 'v1', resource: 'namespaces', name: 'prod' };
const PROTECTION = { namespaces: [], namespaceLabels: ['keep'], names: [], labels: [], users: [], groups: [], nodes: [] };
const deletion = { verb: 'delete', object: pod, uid: 'old', resourceVersion: '1', propagationPolicy: 'Background', before: {} } as const;
const deps = { journal: createMemoryJournal(clock), protection: PROTECTION };
const failing = (error: Error): Partial<KubeClient> => ({ get: () => Promise.reject(error) });

function cluster() {
  const made = createMemoryCluster(clock);
  made.put(pod, { kind: 'Pod' });
  made.put(namespace, { kind: 'Namespace' });
  return made;
}

describe('a look', () => {
  it('sees the object and its namespace, each under the name of the look', async () => {
    const asked: unknown[] = [];
    const { client } = cluster();
    const get: KubeClient['get'] = (object, call) => {
      asked.push([object, call]);
      return client.get(object, call);
    };
    const sight = await lookAround(pod, { ...client, get }, { event: EVENT, mode: 'enforce' }, deps);
    expect(sight).toMatchObject({ look: { kind: 'found', live: { metadata: { name: 'web' } } }, around: { kind: 'found' } });
    expect(sight.restoredBy).toBeUndefined();
    expect(asked).toEqual([
      [pod, { auditId: `tiercel/${EVENT}/look` }],
      [namespace, { auditId: `tiercel/${EVENT}/look` }],
    ]);
  });

  it('says which response brought the object back', async () => {
    const journal = createMemoryJournal(clock);
    const made = cluster();
    const { uid } = made.put(pod, { metadata: { annotations: { 'tiercel.dev/response': entryOf().id } } }).metadata;
    await journal.record(entryOf({ status: 'undone', steps: [{ effect: deletion, state: 'undone', uid }] }));
    const sight = await lookAround(pod, made.client, { event: EVENT, mode: 'enforce' }, { ...deps, journal });
    expect(sight.restoredBy).toBe(entryOf().id);
  });

  it('asks about the namespace only where a list does, and the object has one', async () => {
    const given = { event: EVENT, mode: 'enforce' } as const;
    const nobody = { ...deps, protection: { ...PROTECTION, namespaceLabels: [] } };
    expect((await lookAround(pod, cluster().client, given, nobody)).around).toBeUndefined();
    expect((await lookAround(namespace, cluster().client, given, deps)).around).toBeUndefined();
  });

  it('finds nobody, or nothing', async () => {
    const given = { event: EVENT, mode: 'enforce' } as const;
    const gone = createMemoryCluster(clock).client;
    expect(await lookAround(pod, gone, given, deps)).toEqual({ look: { kind: 'gone' }, around: { kind: 'gone' }, restoredBy: undefined });
    expect((await lookAround(pod, { why: 'no cluster' }, given, deps)).look).toEqual({ kind: 'none', why: 'no cluster' });
    expect((await lookAround(undefined, gone, given, deps)).look).toEqual({ kind: 'none', why: '' });
    expect((await lookAround(undefined, { why: 'no cluster' }, given, deps)).look).toEqual({ kind: 'none', why: 'no cluster' });
  });

  it('is denied for good, or may succeed later', async () => {
    const { client } = cluster();
    const look = async (error: Error, mode: 'shadow' | 'enforce') =>
      (await lookAround(pod, { ...client, ...failing(error) }, { event: EVENT, mode }, deps)).look;
    const forbidden = new KubeStatusError('looking', 403, 'Forbidden', 'no');
    const away = new KubeConnectionError('looking', 'got nothing');
    expect(await look(forbidden, 'enforce')).toEqual({ kind: 'denied', why: forbidden.message });
    expect(await look(forbidden, 'shadow')).toEqual({ kind: 'denied', why: forbidden.message });
    expect(await look(away, 'shadow')).toEqual({ kind: 'none', why: away.message });
    for (const passing of [away, new KubeStatusError('looking', 503, 'Unavailable', 'later')])
      await expect(look(passing, 'enforce')).rejects.toBe(passing);
    await expect(look(new TypeError('x'), 'shadow')).rejects.toThrow(TypeError);
  });
});

describe('the response that brought an object back', () => {
  const patch = { verb: 'patch', object: pod, uid: 'new', resourceVersion: '1', patch: {}, before: {} } as const;
  const undone = { effect: deletion, state: 'undone', uid: 'new' } as const;
  const restorer = async (steps: Entry['steps'], uid = 'new', id: string = entryOf().id) => {
    const journal = createMemoryJournal(clock);
    await journal.record(entryOf({ status: 'undone', steps }));
    return restorerOf(
      { metadata: { name: 'web', uid, resourceVersion: '2', creationTimestamp: '', annotations: { 'tiercel.dev/response': id } } },
      journal,
    );
  };

  it('is the one that deleted it and took that back', async () => {
    expect(await restorer([undone])).toBe(entryOf().id);
    expect(await restorer([{ effect: patch, state: 'done' }, undone])).toBe(entryOf().id);
  });

  it('is not one that did something else, nor one that an annotation merely names', async () => {
    expect(await restorer([undone], 'other')).toBeUndefined();
    expect(await restorer([{ ...undone, state: 'done' }])).toBeUndefined();
    expect(await restorer([{ ...undone, effect: patch }])).toBeUndefined();
    expect(await restorer([])).toBeUndefined();
    for (const id of ['', 'x', `${'a'.repeat(40)}-${'c'.repeat(12)}`]) expect(await restorer([undone], 'new', id)).toBeUndefined();
  });

  it('is not looked for where nothing names one', async () => {
    const journal = { find: () => Promise.reject(new Error('asked')) };
    const metadata = { name: 'web', uid: 'u', resourceVersion: '2', creationTimestamp: '' };
    expect(await restorerOf({ metadata }, journal)).toBeUndefined();
    expect(await restorerOf({ metadata: { ...metadata, annotations: { 'tiercel.dev/response': '../x' } } }, journal)).toBeUndefined();
  });
});
