import { describe, expect, it } from 'vitest';
import { type KubeClient, KubeConnectionError, KubeStatusError } from '../../../../../shared/platform/kube/index.ts';
import type { KeepEffect } from '../../../../../shared/respond/action/effect.ts';
import { keepEvidence } from '../../../../../shared/respond/evidence/keep.ts';
import { lookAuditId } from '../../../../../shared/respond/look.ts';
import { entryOf } from '../../../../support/entry.ts';
import { createMemoryCluster } from '../../../../support/memory-cluster.ts';
import { createOutside } from '../../../../support/outside.ts';
import { testClock } from '../../../../support/responder.ts';

const core = { apiGroup: '', apiVersion: 'v1' } as const;
const apps = { apiGroup: 'apps', apiVersion: 'v1' } as const;
const rbac = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1' } as const;
const pod = { ...core, resource: 'pods', namespace: 'prod', name: 'web' };

/** A pod of a Deployment on a node, with every kind of container, events, and bindings of several subjects. */
function scene() {
  const clock = testClock(Date.parse('2026-11-21T08:25:00Z'));
  const cluster = createMemoryCluster(clock);
  const owner = (kind: string, name: string, uid: string) => [{ apiVersion: 'apps/v1', kind, name, uid, controller: true }];
  const deployment = cluster.put({ ...apps, resource: 'deployments', namespace: 'prod', name: 'web' }, { kind: 'Deployment' });
  const set = cluster.put(
    { ...apps, resource: 'replicasets', namespace: 'prod', name: 'web-1' },
    { kind: 'ReplicaSet', metadata: { ownerReferences: owner('Deployment', 'web', deployment.metadata.uid) } },
  );
  cluster.put({ ...core, resource: 'nodes', name: 'node-1' }, { kind: 'Node' });
  const live = cluster.put(pod, {
    kind: 'Pod',
    metadata: { ownerReferences: owner('ReplicaSet', 'web-1', set.metadata.uid) },
    spec: {
      nodeName: 'node-1',
      initContainers: [{ name: 'init' }],
      containers: [{ name: 'app', env: [{ name: 'PASSWORD', value: 'hunter2' }] }, { name: 'sidecar' }],
      ephemeralContainers: [{ name: 'debugger-1' }],
    },
  });
  const log = (container: string, text: string, previous = false) =>
    cluster.write({ namespace: 'prod', pod: 'web', container, previous }, text);
  log('init', 'ready\n');
  log('app', 'one\ntwo\n');
  log('app', 'crashed\n', true);
  log('sidecar', `${'x'.repeat(5_000)}the end\n`);
  log('debugger-1', '# id\n');
  const event = (name: string, uid: string) =>
    cluster.put({ ...core, resource: 'events', namespace: 'prod', name }, { involvedObject: { uid }, reason: name });
  event('pulled', live.metadata.uid);
  event('other', 'another');
  const binding = (name: string, subject: Record<string, string>, namespace?: string) =>
    cluster.put(
      { ...rbac, resource: namespace === undefined ? 'clusterrolebindings' : 'rolebindings', name, ...(namespace ? { namespace } : {}) },
      { subjects: [subject], roleRef: { name: 'r' } },
    );
  binding('by-user', { kind: 'User', name: 'mallory' });
  binding('by-group', { kind: 'Group', name: 'developers' });
  binding('not-theirs', { kind: 'User', name: 'ann' });
  binding('account-of-that-name', { kind: 'ServiceAccount', name: 'mallory', namespace: 'prod' });
  binding('here', { kind: 'Group', name: 'developers' }, 'prod');
  binding('elsewhere', { kind: 'Group', name: 'developers' }, 'dev');
  const effect: KeepEffect = {
    verb: 'keep',
    object: pod,
    uid: live.metadata.uid,
    user: 'mallory',
    groups: ['developers'],
    logBytes: 1_024,
  };
  const outside = createOutside();
  const keep = (client: KubeClient = cluster.client, given = effect, entry = entryOf()) =>
    keepEvidence(given, entry, { client, store: outside.deps.evidence, clock });
  const read = (name: string) => {
    const file = outside.manifests()[0]!.kept.find((candidate) => candidate.name === name);
    return Buffer.from(outside.files.get(file!.key)!).toString();
  };
  const names = (list: string) => (JSON.parse(read(list)).items as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
  return { clock, cluster, outside, effect, keep, read, names };
}

const status = (code: number) => async (): Promise<never> => {
  throw new KubeStatusError('reading', code, 'Reason', 'detail');
};

describe('evidence', () => {
  it('is all there is to see, listed last in a manifest that holds', async () => {
    const { keep, outside, read, names } = scene();
    expect(await keep()).toMatch(/^12 files kept, 3 not to be had: .+\/manifest\.json$/);
    const [manifest] = outside.manifests();
    expect(manifest!.kept.map(({ name }) => name)).toEqual([
      'object.json',
      'logs/app.log',
      'logs/app.previous.log',
      'logs/sidecar.log',
      'logs/debugger-1.log',
      'logs/init.log',
      'events.json',
      'owners/1-ReplicaSet.json',
      'owners/2-Deployment.json',
      'node.json',
      'bindings/cluster.json',
      'bindings/namespaces.json',
    ]);
    expect(outside.isWhole(manifest!)).toBe(true);
    expect(outside.calls.at(-1)).toMatch(/\/manifest\.json$/);
    expect(read('logs/app.log')).toBe('one\ntwo\n');
    expect(read('logs/app.previous.log')).toBe('crashed\n');
    expect(names('events.json')).toEqual(['pulled']);
    expect(names('bindings/cluster.json')).toEqual(['by-user', 'by-group']);
    expect(names('bindings/namespaces.json')).toEqual(['here', 'elsewhere']);
    // The object as it is: what its environment says is part of what happened.
    expect(read('object.json')).toContain('hunter2');
  });

  it('says what of a log was cut', async () => {
    const { keep, outside, read } = scene();
    await keep();
    expect(read('logs/sidecar.log')).toHaveLength(1_024);
    expect(read('logs/sidecar.log')).toMatch(/the end\n$/);
    const cut = outside.manifests()[0]!.kept.filter((file) => file.cut !== undefined);
    expect(cut).toMatchObject([{ name: 'logs/sidecar.log', cut: 'only the last 1024 bytes' }]);
  });

  it('is kept of a service account by its full name', async () => {
    const { keep, names, cluster, effect } = scene();
    await keep(cluster.client, { ...effect, user: 'system:serviceaccount:prod:mallory', groups: [] });
    expect(names('bindings/cluster.json')).toEqual(['account-of-that-name']);
  });

  it('has no bindings where the alert names no user', async () => {
    const { keep, outside, cluster, effect } = scene();
    await keep(cluster.client, { ...effect, user: '', groups: [] });
    const [manifest] = outside.manifests();
    expect(manifest!.missing).toContainEqual({ name: 'bindings', why: 'the alert names no user' });
    expect(manifest!.kept.filter(({ name }) => name.startsWith('bindings'))).toEqual([]);
  });

  it.each([
    ['logs', { logs: status(500) }, /^logs\//],
    ['events', { list: status(403) }, /^(events|bindings)/],
  ])('is kept without %s that cannot be had, and says why', async (_what, broken, missing) => {
    const { keep, outside, cluster } = scene();
    await keep({ ...cluster.client, ...broken });
    const [manifest] = outside.manifests();
    expect(manifest!.missing.filter(({ name }) => missing.test(name)).map(({ why }) => why)).toContainEqual(
      expect.stringMatching(/^(500|403) Reason: detail$/),
    );
    expect(manifest!.kept.map(({ name }) => name)).toContain('object.json');
    expect(outside.isWhole(manifest!)).toBe(true);
  });

  it('waits for another attempt while not even the object can be read', async () => {
    const { keep, outside, cluster } = scene();
    const get = async (): Promise<never> => {
      throw new KubeConnectionError('reading', 'got nothing');
    };
    await expect(keep({ ...cluster.client, get })).rejects.toMatchObject({ retryable: true });
    expect(outside.files.size).toBe(0);
  });

  it('takes no other pod of that name for it', async () => {
    const { keep, outside, cluster } = scene();
    cluster.drop(pod);
    cluster.put(pod, { kind: 'Pod', spec: { containers: [{ name: 'app' }] } });
    await keep();
    const [manifest] = outside.manifests();
    expect(manifest!.missing[0]).toEqual({ name: 'object.json', why: expect.stringContaining('another object has its name now') });
    expect(manifest!.kept.map(({ name }) => name)).toEqual(['events.json', 'bindings/cluster.json', 'bindings/namespaces.json']);
  });

  it('says when the pod went while its logs were read', async () => {
    const { keep, outside, cluster } = scene();
    const logs: KubeClient['logs'] = async (question, call) => {
      cluster.drop(pod);
      return cluster.client.logs(question, call);
    };
    await keep({ ...cluster.client, logs });
    expect(outside.manifests()[0]!.missing).toContainEqual({ name: 'logs', why: expect.stringContaining('the pod went') });
  });

  it('reads no owner beyond the kinds it may read, nor one that took the name of another', async () => {
    const { keep, outside, cluster, effect } = scene();
    const foreign = [{ apiVersion: 'v1', kind: 'Secret', name: 's', uid: 'u', controller: true }];
    const { uid } = cluster.put({ ...pod, name: 'odd' }, { kind: 'Pod', metadata: { ownerReferences: foreign }, spec: {} }).metadata;
    await keep(cluster.client, { ...effect, object: { ...pod, name: 'odd' }, uid });
    expect(outside.manifests()[0]!.missing).toMatchObject([{ name: 'owners/1-Secret.json' }]);
    expect(cluster.calls.filter((call) => call.includes('secrets'))).toEqual([]);
  });

  it('stops reading in time to say what it has', async () => {
    const { keep, outside, clock, cluster } = scene();
    const slow: KubeClient['logs'] = async (question, call) => {
      clock.advance(20_000);
      return cluster.client.logs(question, call);
    };
    await keep({ ...cluster.client, logs: slow }, undefined, entryOf({ leaseUntilMs: clock.now() + 50_000 }));
    const [manifest] = outside.manifests();
    expect(manifest!.kept.map(({ name }) => name)).toEqual(['object.json', 'logs/app.log', 'logs/app.previous.log']);
    expect(manifest!.missing.every(({ why }) => why === 'no time was left' || why.includes('the pod went'))).toBe(true);
  });

  it('reads under the name of the look, and an attempt overwrites nothing of another', async () => {
    const { keep, outside, cluster } = scene();
    const audited = new Set<string>();
    const watched = new Proxy(cluster.client, {
      get: (target, name) => {
        const member = Reflect.get(target, name) as (...given: unknown[]) => unknown;
        return (...given: unknown[]) => {
          audited.add((given[1] as { auditId: string }).auditId);
          return member.apply(target, given);
        };
      },
    });
    await keep(watched);
    expect([...audited]).toEqual([lookAuditId(entryOf().event)]);
    const before = new Map(outside.files);
    expect(await keep(cluster.client, undefined, entryOf({ attempt: 2 }))).toContain('by an interrupted attempt');
    for (const [key, body] of before) expect(outside.files.get(key)).toBe(body);
    expect(outside.manifests()).toHaveLength(1);
  });
});
