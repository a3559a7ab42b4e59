import { describe, expect, it } from 'vitest';
import { type KubeClient, KubeConnectionError, type KubeObject, KubeStatusError } from '../../../../shared/platform/kube/index.ts';
import type { CreateEffect, DeleteEffect, Effect, PatchEffect } from '../../../../shared/respond/action/effect.ts';
import { type CarryOutDeps, carryOut, intended } from '../../../../shared/respond/carry-out.ts';
import { createMemoryJournal, type Entry } from '../../../../shared/respond/journal/index.ts';
import { entryOf } from '../../../support/entry.ts';
import { createMemoryCluster } from '../../../support/memory-cluster.ts';
import { testClock } from '../../../support/responder.ts';

const NOW_MS = Date.parse('2026-11-21T08:25:00Z');
const pod = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' };
const policy = { apiGroup: 'networking.k8s.io', apiVersion: 'v1', resource: 'networkpolicies', namespace: 'prod', name: 'deny' };

/** A pod, an open response to it, and a client whose calls a test may break. */
async function scene(
  steps: (live: KubeObject) => readonly Effect[],
  { attempt = 1, planAgain, ...changes }: Partial<Entry> & Partial<Pick<CarryOutDeps, 'planAgain'>> = {},
) {
  const clock = testClock(NOW_MS);
  const cluster = createMemoryCluster(clock);
  const live = cluster.put(pod, { kind: 'Pod', metadata: { labels: { app: 'web' } } });
  const journal = createMemoryJournal(clock);
  const { version: _v, createdAtMs: _c, updatedAtMs: _u, ...draft } = entryOf({ status: 'open', ...changes });
  const { entry } = await journal.record({ ...draft, attempt, steps: steps(live).map(intended) });
  const replans: Entry[] = [];
  const run = (broken: Partial<KubeClient> = {}, mayAct = async () => true) =>
    carryOut(entry, {
      clock,
      journal,
      client: { ...cluster.client, ...broken },
      mayAct,
      planAgain: async (current) => {
        replans.push(current);
        return planAgain ? planAgain(current) : steps(cluster.peek(pod)!);
      },
    });
  /** Somebody else changes the pod, or makes it anew under its name. */
  const touch = () => cluster.client.patch(pod, { metadata: { labels: { touched: 'yes' } } }, { auditId: 'x' });
  const replace = () => cluster.put(pod, { kind: 'Pod' });
  return { clock, cluster, journal, live, run, replans, touch, replace, id: entry.id };
}

const deletion = ({ metadata: { uid, resourceVersion } }: KubeObject): DeleteEffect => ({
  verb: 'delete',
  object: pod,
  uid,
  resourceVersion: resourceVersion!,
  propagationPolicy: 'Background',
  before: { metadata: { name: 'web' } },
});
const marking = ({ metadata: { uid, resourceVersion } }: KubeObject): PatchEffect => ({
  verb: 'patch',
  object: pod,
  uid,
  resourceVersion: resourceVersion!,
  patch: { metadata: { labels: { quarantine: 'r' } } },
  before: { metadata: { labels: { quarantine: null } } },
});
const creation = (id: string): CreateEffect => ({
  verb: 'create',
  object: policy,
  manifest: { metadata: { name: 'deny', annotations: { 'tiercel.dev/response': id } }, spec: { podSelector: { matchLabels: { q: 'r' } } } },
});
const answers = (status: number) => async () => {
  throw new KubeStatusError('writing', status, 'Reason', 'said so');
};
const lost = async () => {
  throw new KubeConnectionError('writing', 'got nothing');
};

describe('carrying out', () => {
  it('does step after step, each under its own name, and writes down when', async () => {
    const { run, cluster, journal, id } = await scene((live) => [creation(entryOf().id), marking(live)]);
    const done = await run();
    expect(done).toMatchObject({
      status: 'done',
      steps: [
        { state: 'done', atMs: NOW_MS },
        { state: 'done', atMs: NOW_MS },
      ],
    });
    expect(done.steps[0]!.uid).toBe(cluster.peek(policy)!.metadata.uid);
    expect(done.steps[1]).not.toHaveProperty('uid');
    expect(done.steps[1]).not.toHaveProperty('note');
    expect(cluster.writes.map(({ verb, auditId }) => [verb, auditId])).toEqual([
      ['create', `tiercel/${id}/0`],
      ['patch', `tiercel/${id}/1`],
    ]);
    expect(await journal.find(id)).toEqual(done);
  });

  it('has nothing left to do where every step has its answer', async () => {
    const { cluster, run } = await scene(() => []);
    expect(await run()).toMatchObject({ status: 'done' });
    expect(cluster.writes).toEqual([]);
  });

  it('asks before every step whether it may, and stays open when it may not', async () => {
    const { run, cluster, journal, id } = await scene((live) => [creation(entryOf().id), marking(live)]);
    let asked = 0;
    expect(await run({}, async () => ++asked < 2)).toMatchObject({ status: 'open', steps: [{ state: 'done' }, { state: 'intended' }] });
    expect([asked, cluster.writes.length]).toEqual([2, 1]);
    expect(await journal.find(id)).toMatchObject({ status: 'open' });
  });

  it('leaves open what may pass, and fails for good on what will not', async () => {
    const passing = await scene((live) => [marking(live)]);
    for (const broken of [lost, answers(429), answers(503)])
      await expect(passing.run({ patch: broken })).rejects.toMatchObject({ retryable: true });
    await expect(passing.run({ patch: () => Promise.reject(new TypeError('x')) })).rejects.toThrow(TypeError);
    expect(await passing.journal.find(passing.id)).toMatchObject({ status: 'open' });
    const failing = await scene((live) => [marking(live)]);
    expect(await failing.run({ patch: answers(403) })).toMatchObject({ status: 'failed', remark: expect.stringContaining('403') });
    const long = async () => {
      throw new KubeStatusError('writing', 400, 'Reason', 'x'.repeat(5_000));
    };
    expect((await (await scene((live) => [marking(live)])).run({ patch: long })).remark).toHaveLength(1_000);
  });

  it('waits for a store where evidence was planned with one', async () => {
    const { run, journal, id } = await scene(({ metadata: { uid } }) => [
      { verb: 'keep', object: pod, uid, user: 'u', groups: [], logBytes: 1 },
    ]);
    await expect(run()).rejects.toMatchObject({ retryable: true, message: expect.stringContaining('EVIDENCE_BUCKET') });
    expect(await journal.find(id)).toMatchObject({ status: 'open' });
  });
});

describe('an object that changed between the look and the write', () => {
  it.each([
    ['deleted', deletion],
    ['patched', marking],
  ] as const)('is looked at again before it is %s, and the new state written down', async (_, effect) => {
    const { run, touch, cluster, replans } = await scene((live) => [effect(live)]);
    await touch();
    const done = await run();
    expect(done).toMatchObject({ status: 'done', steps: [{ state: 'done' }] });
    expect(replans).toHaveLength(1);
    expect(cluster.writes).toHaveLength(2);
  });

  it('keeps the answers of the steps before it', async () => {
    const { run, touch } = await scene((live) => [creation(entryOf().id), marking(live)]);
    await touch();
    const done = await run();
    expect(done.steps.map(({ state, effect }) => [state, effect.verb])).toEqual([
      ['done', 'create'],
      ['done', 'patch'],
    ]);
    expect(done.steps[0]!.uid).toBeDefined();
  });

  it.each([
    ['deleted', deletion, (live: KubeObject | undefined) => live === undefined],
    ['patched', marking, (live: KubeObject | undefined) => live?.metadata.labels?.quarantine === 'r'],
  ] as const)(
    'is %s by its UID alone after five more looks: nobody keeps it from being answered by writing to it',
    async (_, effect, answered) => {
      const { run, touch, cluster, replans } = await scene((live) => [effect(live)]);
      const restless =
        <Given extends unknown[], Result>(write: (...given: Given) => Promise<Result>) =>
        async (...given: Given): Promise<Result> => {
          await touch();
          return write(...given);
        };
      const { patch, delete: remove } = cluster.client;
      expect(await run({ patch: restless(patch), delete: restless(remove) })).toMatchObject({ status: 'done' });
      expect(replans).toHaveLength(5);
      expect(answered(cluster.peek(pod))).toBe(true);
    },
  );

  it('is left alone by its UID, too, where it was made anew', async () => {
    const { run, touch, replace, cluster } = await scene((live) => [deletion(live)], {
      planAgain: async ({ steps }) => steps.map(({ effect }) => effect),
    });
    let looks = 0;
    const remove: KubeClient['delete'] = async (...given) => {
      if (++looks < 6) await touch();
      else replace();
      return cluster.client.delete(...given);
    };
    expect(await run({ delete: remove })).toMatchObject({ status: 'superseded', remark: 'another object has its name now' });
    expect(cluster.peek(pod)).toBeDefined();
  });

  it('is given up where what is in the way comes and goes, and tried again later', async () => {
    const { run, journal, id } = await scene(() => [creation(entryOf().id)]);
    await expect(run({ create: answers(409) })).rejects.toMatchObject({ code: 'OBJECT_CHANGING', retryable: true });
    expect(await journal.find(id)).toMatchObject({ status: 'open' });
  });

  it('fails where the new plan is a refusal', async () => {
    const { run, touch, cluster } = await scene((live) => [deletion(live)], { planAgain: async () => ({ refusal: 'protected now' }) });
    await touch();
    expect(await run()).toMatchObject({ status: 'failed', remark: expect.stringContaining('protected now') });
    expect(cluster.peek(pod)).toBeDefined();
  });

  it('is superseded where it is another one at the second look', async () => {
    const { run, touch } = await scene((live) => [deletion(live)], { planAgain: async () => undefined });
    await touch();
    expect(await run()).toMatchObject({ status: 'superseded', remark: 'it is another object now', steps: [{ state: 'superseded' }] });
  });
});

describe('an object that is not there any more', () => {
  it.each([
    ['deleted, gone', deletion, 'drop', 'it was gone already'],
    ['deleted, made anew', deletion, 'replace', 'another object has its name now'],
    ['patched, gone', marking, 'drop', 'it was gone already'],
    ['patched, made anew', marking, 'replace', 'another object has its name now'],
  ] as const)('supersedes the response: to be %s', async (_, effect, how, remark) => {
    const { run, cluster, replace } = await scene((live) => [effect(live)]);
    if (how === 'drop') cluster.drop(pod);
    else replace();
    expect(await run()).toMatchObject({ status: 'superseded', remark, steps: [{ state: 'superseded', note: remark, atMs: NOW_MS }] });
    expect(cluster.writes).toEqual([]);
    if (how === 'replace') expect(cluster.peek(pod)).toBeDefined();
  });

  it('fails a response of which a part was done', async () => {
    const { run, cluster } = await scene((live) => [creation(entryOf().id), deletion(live)]);
    cluster.drop(pod);
    expect(await run()).toMatchObject({ status: 'failed', steps: [{ state: 'done' }, { state: 'superseded' }] });
  });

  it.each([
    ['gone', 'drop'],
    ['made anew', 'replace'],
  ])('is taken for the work of an interrupted attempt when that resumes: %s', async (_, how) => {
    const { run, cluster, replace } = await scene((live) => [deletion(live)], { attempt: 2 });
    if (how === 'drop') cluster.drop(pod);
    else replace();
    expect(await run()).toMatchObject({ status: 'done', steps: [{ note: 'it was gone when the interrupted response resumed' }] });
  });

  it('only the step that was interrupted may have been done before', async () => {
    const { run, cluster } = await scene((live) => [marking(live), deletion(live)], { attempt: 2 });
    const patch: KubeClient['patch'] = async (...given) => {
      const patched = await cluster.client.patch(...given);
      cluster.drop(pod);
      return patched;
    };
    expect(await run({ patch })).toMatchObject({ status: 'failed', steps: [{ state: 'done' }, { state: 'superseded' }] });
  });

  it('is done where it is being deleted already', async () => {
    const { run, cluster, live } = await scene((found) => [deletion(found)]);
    cluster.put(pod, { kind: 'Pod', metadata: { uid: live.metadata.uid, deletionTimestamp: '2026-11-21T08:24:59Z', finalizers: ['x/y'] } });
    expect(await run()).toMatchObject({ status: 'done', steps: [{ note: 'it is being deleted' }] });
  });
});

describe('a write whose answer was lost', () => {
  it('is not written twice: a patch that is in place', async () => {
    const { run, cluster, replans } = await scene((live) => [marking(live)], { attempt: 2 });
    await cluster.client.patch(pod, { metadata: { labels: { quarantine: 'r' } } }, { auditId: 'x' });
    expect(await run()).toMatchObject({ status: 'done', steps: [{ note: 'it had been done by an interrupted attempt' }] });
    expect([cluster.writes.length, replans.length]).toEqual([1, 0]);
  });

  it('is not written twice: an object of this response', async () => {
    const effect = creation(entryOf().id);
    const { run, cluster } = await scene(() => [effect], { attempt: 2 });
    const { uid } = cluster.put(policy, effect.manifest as Record<string, unknown>).metadata;
    expect(await run()).toMatchObject({ status: 'done', steps: [{ uid, note: 'it had been done by an interrupted attempt' }] });
    expect(cluster.writes).toEqual([]);
  });

  it.each([
    [
      'of another response',
      { metadata: { annotations: { 'tiercel.dev/response': 'other' } }, spec: { podSelector: { matchLabels: { q: 'r' } } } },
    ],
    [
      'changed since',
      { metadata: { annotations: { 'tiercel.dev/response': entryOf().id } }, spec: { podSelector: { matchLabels: { q: 's' } } } },
    ],
  ])('does not take over an object of its name: %s', async (_, manifest) => {
    const { run, cluster } = await scene(() => [creation(entryOf().id)]);
    cluster.put(policy, manifest);
    expect(await run()).toMatchObject({ status: 'failed', remark: expect.stringContaining('409') });
  });

  it('writes again where what was in the way is gone', async () => {
    const { run, cluster, replans } = await scene(() => [creation(entryOf().id)]);
    let first = true;
    const create: KubeClient['create'] = async (...given) => {
      if (first) {
        first = false;
        return answers(409)();
      }
      return cluster.client.create(...given);
    };
    expect(await run({ create })).toMatchObject({ status: 'done' });
    expect(replans).toHaveLength(1);
  });

  it('fails on a patch that the server calls invalid for the object itself', async () => {
    const { run, replans } = await scene((live) => [marking(live)]);
    expect(await run({ patch: answers(422) })).toMatchObject({ status: 'failed', remark: expect.stringContaining('422') });
    expect(replans).toEqual([]);
  });
});

describe('what is sent', () => {
  it('is the change alone, on exactly what was looked at', async () => {
    const { run, live, cluster } = await scene((found) => [marking(found)]);
    const sent: unknown[] = [];
    const patch: KubeClient['patch'] = (object, body, call) => {
      sent.push(body);
      return cluster.client.patch(object, body, call);
    };
    await run({ patch });
    const { uid, resourceVersion } = live.metadata;
    expect(sent).toEqual([{ metadata: { labels: { quarantine: 'r' }, uid, resourceVersion } }]);
  });

  it.each([403, 422])('a deletion that is answered %i fails, whatever is there', async (status) => {
    const { run } = await scene((live) => [deletion(live)]);
    expect(await run({ delete: answers(status) })).toMatchObject({ status: 'failed', remark: expect.stringContaining(String(status)) });
    await expect((await scene((live) => [deletion(live)])).run({ delete: () => Promise.reject(new TypeError('x')) })).rejects.toThrow(
      TypeError,
    );
  });
});

describe('finalizers', () => {
  const releasing = (live: KubeObject) => ({ ...deletion(live), releases: true }) as const;

  it('are taken away by UID, after the deletion', async () => {
    const { run, live, cluster } = await scene((found) => [releasing(found)]);
    const sent: unknown[] = [];
    const patch: KubeClient['patch'] = async (_object, body) => {
      sent.push(body);
      return live;
    };
    expect(await run({ patch })).toMatchObject({ status: 'done', steps: [{ note: 'its finalizers were taken away' }] });
    expect(sent).toEqual([{ metadata: { uid: live.metadata.uid, finalizers: null } }]);
    expect(cluster.peek(pod)).toBeUndefined();
  });

  it.each([404, 409, 422])('of an object that is gone by then are no matter: %i', async (status) => {
    const { run } = await scene((live) => [releasing(live)]);
    expect(await run({ patch: answers(status) })).toMatchObject({ status: 'done' });
  });

  it.each([409, 422])('that stay on the object fail the response: %i', async (status) => {
    const { run } = await scene((live) => [releasing(live)]);
    expect(await run({ delete: async () => {}, patch: answers(status) })).toMatchObject({ status: 'failed' });
  });

  it('that may not be taken away fail it, too', async () => {
    const { run } = await scene((live) => [releasing(live)]);
    expect(await run({ patch: answers(403) })).toMatchObject({ status: 'failed', remark: expect.stringContaining('403') });
    await expect((await scene((live) => [releasing(live)])).run({ patch: lost })).rejects.toMatchObject({ retryable: true });
  });
});
