import { describe, expect, it } from 'vitest';
import { type RespondDeps, respondToCommand } from '../../../../shared/flows/respond.ts';
import { accountFor, type Entry } from '../../../../shared/respond/index.ts';
import { lookAuditId } from '../../../../shared/respond/look.ts';
import { rightsFor } from '../../../../shared/respond/rbac.ts';
import { ALERT_TIME_MS, bindingAlert } from '../../../support/alerts.ts';
import { createMemoryCluster } from '../../../support/memory-cluster.ts';
import { createOutside } from '../../../support/outside.ts';
import { deliver, LEASE_MS, responder, sign, testClock } from '../../../support/responder.ts';

const pod = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' };

/** A shell in a pod, under a policy that keeps evidence, tells somebody, and asks before it isolates. */
function scene(mode = 'enforce') {
  const clock = testClock(ALERT_TIME_MS - 1000);
  const cluster = createMemoryCluster(clock);
  cluster.put(pod, { kind: 'Pod', metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'app' }] } });
  cluster.write({ namespace: 'prod', pod: 'web', container: 'app' }, 'log\n');
  clock.advance(5000);
  const outside = createOutside();
  const policies = `
- policy: p
  description: d
  mode: ${mode}
  match: {source: k8s_audit}
  actions:
    - action: capture-evidence
    - action: notify
      with: {channels: [security], text: "{ka.user.name} in {ka.target.namespace}/{ka.target.name}"}
    - action: isolate-pod
      with: {enforcement: assume}
  approval: {within: 1h}
  onFailure: continue
  notify: [security]
  ttl: 1h
`;
  const deps: RespondDeps = {
    ...responder({ clock, client: cluster.client, policies }),
    ...outside.deps,
    expiry: { schedule: async () => {} },
  };
  const alert = sign(
    bindingAlert({
      'ka.verb': 'get',
      'ka.resp.name': null,
      'ka.target.resource': 'pods',
      'ka.target.subresource': 'exec',
      'ka.target.namespace': 'prod',
      'ka.target.name': 'web',
      'ka.response.code': '101',
      'ka.stage': 'ResponseStarted',
      'ka.uri': '/api/v1/namespaces/prod/pods/web/exec?command=sh',
      'tiercel.apigroup': '<NA>',
      'tiercel.uid': '<NA>',
    }),
  );
  return { clock, cluster, outside, deps, alert };
}

const entriesOf = (outcome: Awaited<ReturnType<typeof deliver>>): readonly Entry[] => (outcome.kind === 'answered' ? outcome.entries : []);

describe('a policy that keeps evidence first', () => {
  it('keeps and tells at once, and changes nothing before somebody says yes', async () => {
    const { clock, cluster, outside, deps, alert } = scene();
    const entries = entriesOf(await deliver(alert, deps));
    expect(entries.map(({ action, status, expiresAtMs }) => [action, status, expiresAtMs])).toEqual([
      ['capture-evidence', 'done', undefined],
      ['notify', 'done', undefined],
      ['isolate-pod', 'awaiting-approval', undefined],
    ]);
    expect(cluster.writes).toEqual([]);
    expect(outside.manifests()).toHaveLength(1);
    expect(outside.messages.map(({ outcome, title }) => [outcome, title])).toEqual([
      ['done', 'Done: keep evidence of pods prod/web'],
      ['step-0', 'mallory in prod/web'],
      ['awaiting-approval', 'Asks whether to isolate pods prod/web'],
    ]);
    // One happening is one place in the budget and one turn of the cool-down, whatever is done about it.
    const approved = await respondToCommand({ verb: 'approve', id: entries[2]!.id, by: 'ann' }, deps, {
      killedAtMs: clock.now() + LEASE_MS,
    });
    expect(approved).toMatchObject({ status: 'done', expiresAtMs: expect.any(Number) });
    expect(cluster.writes).toHaveLength(2);
  });

  it('writes, sends and reads no log in shadow', async () => {
    const { cluster, outside, deps, alert } = scene('shadow');
    expect(entriesOf(await deliver(alert, deps)).map(({ status }) => status)).toEqual(['planned', 'planned', 'planned']);
    expect([cluster.writes, outside.calls, cluster.calls.filter((call) => call.includes('log'))]).toEqual([[], [], []]);
  });

  it('isolates also where no evidence can be kept, and says why there is none', async () => {
    const { deps, alert } = scene();
    const { evidence: _evidence, ...without } = deps;
    const entries = entriesOf(await deliver(alert, without));
    expect(entries.map(({ action, status }) => [action, status])).toEqual([
      ['capture-evidence', 'refused'],
      ['notify', 'done'],
      ['isolate-pod', 'awaiting-approval'],
    ]);
    expect(entries[0]!.guards).toContainEqual({
      guard: 'feasible',
      verdict: 'unknown',
      reason: 'nothing is set up that could keep evidence: set EVIDENCE_BUCKET',
    });
  });

  it('asks for the rights of its actions, subresources included, and for none on secrets', () => {
    const { deps } = scene();
    const rights = rightsFor(deps.set.policies, deps.actions, 'act');
    expect(rights).toContainEqual({ apiGroups: [''], resources: ['pods/log'], verbs: ['get'] });
    expect(rights).toContainEqual({ apiGroups: [''], resources: ['events'], verbs: ['list'] });
    const all = [...rights, ...rightsFor(deps.set.policies, deps.actions, 'look')];
    expect(all.flatMap(({ resources }) => resources)).not.toContain('secrets');
  });
});

describe('calls of our own', () => {
  const read = (entry: Entry, received: string, verb = 'get') =>
    bindingAlert({
      'ka.auditid': lookAuditId(entry.event),
      'ka.verb': verb,
      'ka.target.resource': 'pods',
      'ka.target.subresource': 'log',
      'ka.target.namespace': 'prod',
      'ka.target.name': 'web',
      'ka.uri': '/api/v1/namespaces/prod/pods/web/log?container=app',
      'tiercel.received': received,
    });

  it('are the reads of evidence, for as long as its response may be under way', async () => {
    const { deps, alert, clock } = scene();
    const [entry] = entriesOf(await deliver(alert, deps));
    const at = (ms: number) => new Date(ms).toISOString();
    expect(await accountFor(read(entry!, at(entry!.updatedAtMs)), deps.journal)).toEqual({ ours: true });
    expect(await accountFor(read(entry!, at(entry!.updatedAtMs), 'create'), deps.journal)).toMatchObject({ ours: false });
    // Open, and its attempt may still read up to the end of its lease.
    const leaseUntilMs = clock.now() + 300_000;
    await deps.journal.save({ ...(await deps.journal.find(entry!.id))!, status: 'open', leaseUntilMs });
    expect(await accountFor(read(entry!, at(leaseUntilMs - 1)), deps.journal)).toEqual({ ours: true });
    expect(await accountFor(read(entry!, at(leaseUntilMs + 120_000)), deps.journal)).toMatchObject({ ours: false });
  });

  it('are none under the name of a step that makes no call', async () => {
    const { deps, alert } = scene();
    const [entry] = entriesOf(await deliver(alert, deps));
    const received = new Date(entry!.updatedAtMs).toISOString();
    const alleged = read(entry!, received);
    const claimed = { ...alleged, output_fields: { ...alleged.output_fields, 'ka.auditid': `tiercel/${entry!.id}/0` } };
    expect(await accountFor(claimed, deps.journal)).toEqual({ ours: false, why: 'the step is to keep, which makes no call of its own' });
  });
});
