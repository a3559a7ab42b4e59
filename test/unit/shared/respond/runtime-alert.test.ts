import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FieldValue } from '../../../../shared/falco/alert.ts';
import { respondToCommand } from '../../../../shared/flows/respond.ts';
import { alertKey, happeningOf } from '../../../../shared/respond/identity.ts';
import { targetOf } from '../../../../shared/respond/target.ts';
import { ALERT_TIME_MS, bindingAlert, cut, shellAlert } from '../../../support/alerts.ts';
import { createMemoryCluster } from '../../../support/memory-cluster.ts';
import { deliver, LEASE_MS, responder, testClock } from '../../../support/responder.ts';

const UID = '6f0c2d56-7a44-4c33-8a4c-0e7c15c9d6b1';
const pod = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web-1' };

/** A cluster with the pod of the alert, and a policy for shells on nodes. */
function scene({ unsigned = 'allow', action = '{action: isolate-pod, with: {enforcement: assume}}', more = '', metadata = {} } = {}) {
  const clock = testClock(ALERT_TIME_MS - 60_000);
  const cluster = createMemoryCluster(clock);
  cluster.put(pod, { kind: 'Pod', metadata: { uid: UID, labels: { app: 'web' }, ...metadata }, spec: {} });
  clock.advance(65_000);
  const policies = `
- policy: shells
  description: d
  mode: enforce
  match: {source: syscall, rules: [Terminal shell in container]}
  unsigned: ${unsigned}
  actions: [${action}]
  ${more}
- protect: {namespaces: [kube-system], labels: [keep]}
`;
  return { clock, cluster, deps: responder({ clock, client: cluster.client, policies }) };
}

async function answer(alert = shellAlert(), options: Parameters<typeof scene>[0] = {}) {
  const { cluster, deps } = scene(options);
  const outcome = await deliver(alert, deps);
  if (outcome.kind !== 'answered') throw new Error(`the alert was ${outcome.kind}`);
  const [entry] = outcome.entries;
  const refusedBy = entry!.guards.filter(({ verdict }) => verdict !== 'pass').map(({ guard }) => guard);
  return { entry: entry!, refusedBy: refusedBy.filter((guard) => guard !== 'within-budget'), cluster };
}

describe('an alert about what a process did', () => {
  it.each([
    ['isolate-pod', '{action: isolate-pod, with: {enforcement: assume}}'],
    ['label', '{action: label, with: {resources: [pods], labels: {suspect: "yes"}}}'],
    ['delete-object', '{action: delete-object, with: {resources: [pods]}}'],
  ])('is acted on by %s where the policy allows unsigned alerts', async (_, action) => {
    const { entry, cluster } = await answer(shellAlert(), { action });
    expect(entry).toMatchObject({
      status: 'done',
      cluster: 'prod-1',
      target: { resource: 'pods', namespace: 'prod', name: 'web-1', uid: UID },
    });
    expect(cluster.writes.length).toBeGreaterThan(0);
    // What a command line holds is nobody's business.
    expect(JSON.stringify(entry)).not.toContain('secret');
  });

  it('is refused by `signed` alone where it does not', async () => {
    const { entry, refusedBy, cluster } = await answer(shellAlert(), { unsigned: 'refuse' });
    expect(entry.status).toBe('refused');
    expect(refusedBy).toEqual(['signed']);
    expect(cluster.writes).toEqual([]);
  });

  it('aims at exactly the pod: not one of its name that came later, has another UID, or is protected', async () => {
    expect((await answer(shellAlert({ 'k8s.pod.uid': 'another' }))).refusedBy).toEqual(['same-object']);
    expect((await answer(shellAlert({ 'k8s.pod.uid': null }))).entry.status).toBe('done');
    const younger = { metadata: { creationTimestamp: '2026-11-21T08:24:55Z' } };
    for (const uid of [UID, null]) expect((await answer(shellAlert({ 'k8s.pod.uid': uid }), younger)).refusedBy).toEqual(['same-object']);
    expect((await answer(shellAlert(), { metadata: { labels: { keep: '' } } })).refusedBy).toEqual(['unprotected']);
    expect((await answer(shellAlert({ 'k8s.ns.name': 'kube-system' }))).refusedBy).toContain('unprotected');
  });

  it('needs a UID for what deletes by UID', async () => {
    const action = '{action: delete-object, with: {resources: [pods]}}';
    expect((await answer(shellAlert({ 'k8s.pod.uid': null }), { action })).refusedBy).toEqual(['identified']);
  });

  it.each([
    ['of a process of the node', { 'k8s.pod.name': null, 'k8s.ns.name': null }],
    ['of a task of Amazon ECS', { 'k8s.pod.name': '<NA>', 'k8s.ns.name': '<NA>', cluster: null, 'ecs.cluster': 'runtime' }],
    ['whose pod was cut', { 'k8s.pod.name': cut('web') }],
  ])('%s has no target and is journalled as refused', async (_, fields) => {
    const { entry, refusedBy } = await answer(shellAlert(fields));
    expect(entry).toMatchObject({ status: 'refused', rules: ['Terminal shell in container'] });
    expect(refusedBy).toContain('identified');
  });

  it('goes stale like any other', async () => {
    const { clock, deps } = scene();
    clock.advance(600_000);
    expect(await deliver(shellAlert(), deps)).toMatchObject({ entries: [{ status: 'refused' }] });
  });

  it('is its own happening: answered once however often it comes, again when it happens again', async () => {
    const { deps, cluster } = scene({
      action: '{action: label, with: {resources: [pods], labels: {suspect: "yes"}}}',
      more: 'cooldown: 1s',
    });
    await deliver(shellAlert(), deps);
    const redelivered = shellAlert({ 'evt.time': 1795249494747143200 }, { uuid: 'another', hostname: 'x' });
    expect(await deliver(redelivered, deps)).toMatchObject({ duplicate: true });
    expect(cluster.writes).toHaveLength(1);
    expect(happeningOf(shellAlert())).toEqual({ known: true, key: alertKey(shellAlert()) });
    expect(alertKey(shellAlert({}, { time: '2026-11-21T08:24:55Z' }))).not.toBe(alertKey(shellAlert()));
  });

  it('waits for approval under the name it was asked under', async () => {
    const { deps, clock, cluster } = scene({ more: 'approval: {within: 1h}' });
    const asked = await deliver(shellAlert(), deps);
    const entry = asked.kind === 'answered' ? asked.entries[0]! : undefined;
    expect(entry?.status).toBe('awaiting-approval');
    const done = await respondToCommand({ verb: 'approve', id: entry!.id, by: 'ann' }, deps, { killedAtMs: clock.now() + LEASE_MS });
    expect(done).toMatchObject({ status: 'done', id: entry!.id, event: entry!.event });
    expect(cluster.writes).toHaveLength(2);
  });

  it('takes nothing from fields of audited calls, which a node has no business to name', () => {
    const fields = [
      'ka.target.name',
      'ka.target.namespace',
      'ka.target.resource',
      'ka.cluster.name',
      'tiercel.uid',
      'tiercel.apiversion',
      'ka.resp.name',
    ];
    const value = fc.oneof(fc.string(), fc.constantFrom<FieldValue>(null, '<NA>', 'kube-system', 'nodes'));
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...fields), value), (extra) => {
        expect(targetOf(shellAlert(extra))).toEqual({ target: { ...pod, uid: UID } });
      }),
    );
  });
});

describe('an alert about an audited call that carries no MAC', () => {
  const policies = (unsigned: string) => `
- policy: bindings
  description: d
  mode: enforce
  match: {source: k8s_audit}
  unsigned: ${unsigned}
  actions: [{action: delete-binding}]
`;
  const binding = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1', resource: 'clusterrolebindings', name: 'pwn-43' };
  const send = async (unsigned: string, fields: Record<string, FieldValue> = {}) => {
    const clock = testClock(ALERT_TIME_MS - 1_000);
    const cluster = createMemoryCluster(clock);
    cluster.put(binding, { metadata: { uid: 'f95eb877-a056-424d-89a4-27b2ab04bae2' } });
    clock.advance(5_000);
    const outcome = await deliver(bindingAlert(fields), responder({ clock, client: cluster.client, policies: policies(unsigned) }));
    return outcome.kind === 'answered' ? outcome.entries[0]!.status : outcome.kind;
  };

  it('is acted on only where the policy allows it, and never with a MAC that does not verify', async () => {
    expect(await send('refuse')).toBe('refused');
    expect(await send('allow')).toBe('done');
    expect(await send('allow', { 'tiercel.mac': 'test.wrong' })).toBe('refused');
    expect(await send('allow', { 'tiercel.mac': 'other.wrong' })).toBe('refused');
  });

  it('is trusted on a road that the policy names, not on every one', () => {
    const text = policies('allow').replace('match: {source: k8s_audit}', 'match: {rules: [a]}');
    expect(() => responder({ clock: testClock(0), client: undefined, policies: text })).toThrow('name the one road that is trusted');
  });
});
