import { describe, expect, it } from 'vitest';
import { undo } from '../../../../../shared/respond/undo.ts';
import { ALERT_TIME_MS, bindingAlert } from '../../../../support/alerts.ts';
import { createMemoryCluster, type MemoryCluster } from '../../../../support/memory-cluster.ts';
import { deliver, responder, sign, testClock } from '../../../../support/responder.ts';

const POD_UID = 'f95eb877-a056-424d-89a4-27b2ab04bae2';
const at = (apiGroup: string, resource: string, name: string) => ({ apiGroup, apiVersion: 'v1', resource, namespace: 'prod', name });
const POD = at('', 'pods', 'web-1');
const SET = at('apps', 'replicasets', 'web-7d9');
const DEPLOYMENT = at('apps', 'deployments', 'web');

const RUNS = { containers: [{ name: 'c', image: 'nginx', securityContext: { privileged: true } }] };
const owned = (apiVersion: string, kind: string, name: string, uid: string) => ({
  ownerReferences: [{ apiVersion, kind, name, uid, controller: true }],
});

/** Deployment → ReplicaSet → pod, as the controllers make them; a test changes what it is about. */
function scene({
  resources = '[pods, replicasets.apps, deployments.apps]',
  podSpec = {
    ...RUNS,
    serviceAccountName: 'default',
    hostNetwork: false,
    nodeName: 'node-1',
    volumes: [{ name: 'token', projected: {} }],
  } as Record<string, unknown>,
  setSpec = RUNS as Record<string, unknown>,
  deployment = {} as Record<string, unknown>,
  setOwner = owned('apps/v1', 'Deployment', 'web', 'd-uid') as Record<string, unknown>,
  podOwner = owned('apps/v1', 'ReplicaSet', 'web-7d9', 's-uid') as Record<string, unknown>,
  protect = '{namespaces: [kube-system]}',
} = {}) {
  const clock = testClock(ALERT_TIME_MS - 1_000);
  const cluster = createMemoryCluster(clock);
  cluster.put(DEPLOYMENT, { kind: 'Deployment', metadata: { uid: 'd-uid', ...deployment }, spec: { template: { spec: RUNS } } });
  cluster.put(SET, { kind: 'ReplicaSet', metadata: { uid: 's-uid', ...setOwner }, spec: { template: { spec: setSpec } } });
  cluster.put(POD, { kind: 'Pod', metadata: { uid: POD_UID, ...podOwner }, spec: podSpec });
  clock.advance(5_000);
  const policies = `
- policy: p
  description: d
  mode: enforce
  match: {source: k8s_audit}
  cooldown: 1s
  actions: [{action: delete-object, with: {resources: ${resources}, owned: controller}}]
- protect: ${protect}
`;
  return { clock, cluster, deps: responder({ clock, client: cluster.client, policies }) };
}

const alert = (fields = {}) =>
  sign(
    bindingAlert({
      'ka.target.resource': 'pods',
      'ka.target.namespace': 'prod',
      'ka.target.name': 'web-1',
      'tiercel.apigroup': '<NA>',
      'tiercel.uid': POD_UID,
      ...fields,
    }),
  );

async function answer(options: Parameters<typeof scene>[0] = {}) {
  const { cluster, deps } = scene(options);
  const outcome = await deliver(alert(), deps);
  if (outcome.kind !== 'answered') throw new Error(`the alert was ${outcome.kind}`);
  const entry = outcome.entries[0]!;
  return { cluster, deps, entry, refusals: entry.guards.filter(({ verdict }) => verdict === 'refuse').map(({ reason }) => reason) };
}
const gone = (cluster: MemoryCluster) => [POD, SET, DEPLOYMENT].filter((object) => cluster.peek(object) === undefined);

describe('delete-object with `owned: controller`', () => {
  it('deletes the controller at the top, by UID, and says so', async () => {
    const { cluster, entry } = await answer();
    expect(entry).toMatchObject({ status: 'done', steps: [{ effect: { verb: 'delete', object: DEPLOYMENT, uid: 'd-uid' } }] });
    expect(entry.caveats.join()).toContain('takes everything it runs with it');
    expect(gone(cluster)).toEqual([DEPLOYMENT]);
  });

  it('deletes the object itself where nothing controls it, and the set that nothing controls', async () => {
    expect(gone((await answer({ podOwner: {} })).cluster)).toEqual([POD]);
    expect(gone((await answer({ setOwner: {} })).cluster)).toEqual([SET]);
  });

  it('goes from a Job to the CronJob that makes it', async () => {
    const { cluster, deps } = scene({
      resources: '[pods, jobs.batch, cronjobs.batch]',
      podOwner: owned('batch/v1', 'Job', 'nightly-1', 'j-uid'),
    });
    const cronJob = at('batch', 'cronjobs', 'nightly');
    const template = { spec: RUNS };
    cluster.put(cronJob, { kind: 'CronJob', metadata: { uid: 'c-uid' }, spec: { jobTemplate: { spec: { template } } } });
    const metadata = { uid: 'j-uid', ...owned('batch/v1', 'CronJob', 'nightly', 'c-uid') };
    cluster.put(at('batch', 'jobs', 'nightly-1'), { kind: 'Job', metadata, spec: { template } });
    expect(await deliver(alert(), deps)).toMatchObject({ entries: [{ status: 'done' }] });
    expect(cluster.peek(cronJob)).toBeUndefined();
    expect(cluster.writes).toHaveLength(1);
  });

  it.each([
    ['is of a resource that the policy does not name', { resources: '[pods, replicasets.apps]' }, 'Deployment web (apps/v1) controls it'],
    ['is of a kind of somebody else', { setOwner: owned('argoproj.io/v1', 'Rollout', 'web', 'r') }, 'Rollout web (argoproj.io/v1)'],
    ['only has the name of a known kind', { setOwner: owned('evil.io/v1', 'Deployment', 'web', 'd-uid') }, 'Deployment web (evil.io/v1)'],
    ['is gone', { podOwner: owned('apps/v1', 'ReplicaSet', 'other', 's-uid') }, 'is not there'],
    ['is another one by now', { podOwner: owned('apps/v1', 'ReplicaSet', 'web-7d9', 'old') }, 'is not there'],
    ['would make other containers', { podSpec: { containers: [{ name: 'c', image: 'evil' }] } }, '(containers)'],
    ['would make fewer containers', { podSpec: { containers: [...RUNS.containers, { name: 'd', image: 'evil' }] } }, '(containers)'],
    ['would not begin like it', { podSpec: { ...RUNS, initContainers: [{ name: 'i' }] } }, '(initContainers)'],
    ["would not put it into the node's network", { podSpec: { ...RUNS, hostNetwork: true } }, '(hostNetwork)'],
    ['would not run it as that service account', { podSpec: { ...RUNS, serviceAccountName: 'admin' } }, '(serviceAccountName)'],
    [
      'has nothing to do with a shell in it',
      { podSpec: { ...RUNS, ephemeralContainers: [{ name: 'debugger' }] } },
      '(ephemeralContainers)',
    ],
    ['would not mount the node', { podSpec: { ...RUNS, volumes: [{ name: 'v', hostPath: { path: '/' } }] } }, '(volumes)'],
    [
      'is a set that its own controller would make otherwise',
      { podSpec: { containers: [{ name: 'x' }] }, setSpec: { containers: [{ name: 'x' }] } },
      'Deployment web would not make it',
    ],
  ])('refuses when an owner %s', async (_, options, why) => {
    const { cluster, refusals } = await answer(options);
    expect(refusals.join()).toContain(why);
    expect(cluster.writes).toEqual([]);
  });

  it('asks the protect lists about the controller too', async () => {
    for (const options of [
      { protect: '{names: [web]}' },
      { protect: '{labels: [tier=gold]}', deployment: { labels: { tier: 'gold' } } },
      { protect: '{labels: [example.com/keep]}', deployment: { annotations: { 'example.com/keep': '' } } },
    ]) {
      const { cluster, refusals } = await answer(options);
      expect(refusals).toEqual([expect.stringContaining('deployments.apps prod/web is protected by')]);
      expect(cluster.writes).toEqual([]);
    }
  });

  it('looks again when the controller changed between the look and the write, and finds it protected by then', async () => {
    for (const label of [{}, { keep: '' }]) {
      const { cluster, deps } = scene({ protect: '{labels: [keep]}' });
      const remove = cluster.client.delete;
      let changes = 0;
      Object.assign(cluster.client, {
        delete: async (...given: Parameters<typeof remove>) => {
          if (changes++ === 0)
            cluster.put(DEPLOYMENT, { ...cluster.peek(DEPLOYMENT)!, metadata: { ...cluster.peek(DEPLOYMENT)!.metadata, labels: label } });
          return remove(...given);
        },
      });
      const outcome = await deliver(alert(), deps);
      expect(outcome).toMatchObject({ entries: [{ status: 'keep' in label ? 'failed' : 'done' }] });
      expect(gone(cluster)).toEqual('keep' in label ? [] : [DEPLOYMENT]);
    }
  });

  it('brings the controller back, and leaves what it then makes alone', async () => {
    const { cluster, deps, entry } = await answer();
    await undo(entry, { by: 'ann', force: false }, { ...deps, client: cluster.client });
    const uid = cluster.peek(DEPLOYMENT)!.metadata.uid;
    cluster.put(SET, {
      kind: 'ReplicaSet',
      metadata: { uid: 's2', ...owned('apps/v1', 'Deployment', 'web', uid) },
      spec: { template: { spec: RUNS } },
    });
    cluster.put(POD, {
      kind: 'Pod',
      metadata: { uid: 'p2', creationTimestamp: '2026-11-21T08:24:54Z', ...owned('apps/v1', 'ReplicaSet', 'web-7d9', 's2') },
      spec: RUNS,
    });
    const again = alert({ 'tiercel.uid': 'p2', 'ka.auditid': 'another' });
    await deps.clock.sleep(2_000);
    const outcome = await deliver(again, deps);
    expect(outcome).toMatchObject({
      entries: [
        {
          status: 'refused',
          guards: expect.arrayContaining([
            { guard: 'feasible', verdict: 'refuse', reason: `the undo of response ${entry.id} brought deployments.apps prod/web back` },
          ]),
        },
      ],
    });
    expect(cluster.peek(DEPLOYMENT)).toBeDefined();
  });

  it('says what may keep an object that was deleted', async () => {
    const { cluster, entry } = await answer({ podOwner: { finalizers: ['example.com/stay'] } });
    expect(entry.caveats).toContain('finalizers may keep it (example.com/stay): it is gone only once they are');
    expect(cluster.peek(POD)?.metadata.deletionTimestamp).toBeDefined();
  });

  it('is never undone by a clock: making a pod is more than respond may do', () => {
    const text =
      '- policy: p\n  description: d\n  ttl: 1h\n  match: {source: k8s_audit}\n  actions: [{action: delete-object, with: {resources: [pods]}}]\n';
    expect(() => responder({ clock: testClock(0), client: undefined, policies: text })).toThrow(
      'delete-object cannot be taken back by respond',
    );
  });

  it('does not leave running what the controller made', () => {
    const text =
      '- policy: p\n  description: d\n  match: {source: k8s_audit}\n  actions: [{action: delete-object, with: {resources: [pods], owned: controller, propagationPolicy: Orphan}}]\n';
    expect(() => responder({ clock: testClock(0), client: undefined, policies: text })).toThrow('Orphan leaves everything running');
  });
});
