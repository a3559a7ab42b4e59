import { describe, expect, it } from 'vitest';
import { respondToAlerts } from '../../../../shared/flows/respond.ts';
import { type KubeClient, KubeConnectionError } from '../../../../shared/platform/kube/index.ts';
import type { ReceivedItem } from '../../../../shared/respond/index.ts';
import { ALERT_TIME_MS, bindingAlert } from '../../../support/alerts.ts';
import { createMemoryCluster } from '../../../support/memory-cluster.ts';
import { deliver, LEASE_MS, responder, sign, testClock } from '../../../support/responder.ts';

const pod = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' };
const namespace = { apiGroup: '', apiVersion: 'v1', resource: 'namespaces', name: 'prod' };
const CALL = { auditId: 'somebody-else' };

const POLICIES = `
- protect:
    labels: [hands-off]
    namespaceLabels: [hands-off]
- policy: isolate
  description: d
  mode: enforce
  match: {source: k8s_audit, rules: [Isolate]}
  actions: [{action: isolate-pod, with: {enforcement: assume}}]
- policy: mark
  description: d
  mode: enforce
  match: {source: k8s_audit, rules: [Mark, Both]}
  actions: [{action: label, with: {resources: [pods], labels: {a: b}}}]
- policy: delete
  description: d
  mode: enforce
  match: {source: k8s_audit, rules: [Delete, Both]}
  actions: [{action: delete-object, with: {resources: [pods]}}]
`;

function scene(policies = POLICIES) {
  const clock = testClock(ALERT_TIME_MS - 1000);
  const cluster = createMemoryCluster(clock);
  cluster.put(namespace, { kind: 'Namespace' });
  const { uid } = cluster.put(pod, { kind: 'Pod', metadata: { labels: { app: 'web' } }, spec: {} }).metadata;
  clock.advance(5000);
  const deps = responder({ clock, client: cluster.client, policies });
  const alert = (rule: string, fields: Parameters<typeof bindingAlert>[0] = {}) =>
    sign(
      bindingAlert(
        {
          'ka.target.resource': 'pods',
          'ka.target.namespace': 'prod',
          'ka.target.name': 'web',
          'ka.resp.name': 'web',
          'tiercel.apigroup': '<NA>',
          'tiercel.uid': uid,
          ...fields,
        },
        { rule },
      ),
    );
  /** Has something happen right before the first call of one kind. */
  const rightBefore = <Name extends 'patch' | 'delete' | 'create'>(name: Name, happens: () => Promise<unknown>) => {
    const original = cluster.client[name] as (...given: unknown[]) => Promise<unknown>;
    const restore = () => Object.assign(cluster.client, { [name]: original });
    Object.assign(cluster.client, {
      [name]: async (...given: unknown[]) => {
        restore();
        await happens();
        return original.apply(cluster.client, given);
      },
    } as Partial<KubeClient>);
  };
  const ours = () => cluster.writes.filter(({ auditId }) => auditId !== CALL.auditId);
  return { clock, cluster, deps, alert, rightBefore, ours };
}

describe('what somebody does between the look and the write', () => {
  it.each([
    ['Mark', 'patch'],
    ['Delete', 'delete'],
  ] as const)('holds: a label that protects the object (%s)', async (rule, verb) => {
    const { cluster, deps, alert, rightBefore, ours } = scene();
    rightBefore(verb, () => cluster.client.patch(pod, { metadata: { labels: { 'hands-off': 'please' } } }, CALL));
    expect(await deliver(alert(rule), deps)).toMatchObject({
      entries: [{ status: 'failed', remark: expect.stringContaining('protected by label hands-off') }],
    });
    expect(ours()).toEqual([]);
    expect(cluster.peek(pod)?.metadata.labels).toEqual({ app: 'web', 'hands-off': 'please' });
  });

  it.each([
    ['Mark', 'patch'],
    ['Delete', 'delete'],
  ] as const)('holds: a label that protects its namespace (%s)', async (rule, verb) => {
    const { cluster, deps, alert, rightBefore, ours } = scene();
    rightBefore(verb, async () => {
      await cluster.client.patch(namespace, { metadata: { labels: { 'hands-off': 'please' } } }, CALL);
      await cluster.client.patch(pod, { metadata: { annotations: { touched: 'yes' } } }, CALL);
    });
    expect(await deliver(alert(rule), deps)).toMatchObject({
      entries: [{ status: 'failed', remark: expect.stringContaining('protected by namespace label hands-off') }],
    });
    expect(ours()).toEqual([]);
  });

  it('that is harmless delays the write by one more look', async () => {
    const { cluster, deps, alert, rightBefore, ours } = scene();
    rightBefore('delete', () => cluster.client.patch(pod, { metadata: { annotations: { touched: 'yes' } } }, CALL));
    expect(await deliver(alert('Delete'), deps)).toMatchObject({ entries: [{ status: 'done' }] });
    expect(ours()).toHaveLength(1);
  });
});

describe('the switch', () => {
  it('stops a response between two of its steps, within a second', async () => {
    const { clock, deps, alert, rightBefore, ours } = scene();
    rightBefore('create', async () => {
      await deps.modeSwitch.turn({ mode: 'off', by: 'ann', at: '', why: '' });
      clock.advance(1_000);
    });
    expect(await deliver(alert('Isolate'), deps)).toMatchObject({ kind: 'failed', error: { code: 'RESPONSE_STOPPED', retryable: true } });
    expect(ours().map(({ verb }) => verb)).toEqual(['create']);
    await deps.modeSwitch.turn({ mode: 'enforce', by: 'ann', at: '', why: '' });
    expect(await deliver(alert('Isolate'), deps)).toMatchObject({ entries: [{ status: 'done' }] });
    expect(ours().map(({ verb }) => verb)).toEqual(['create', 'patch']);
  });

  it('stops the alerts of one invocation that are still to come', async () => {
    const { clock, deps, alert, rightBefore, ours } = scene();
    rightBefore('patch', async () => {
      await deps.modeSwitch.turn({ mode: 'off', by: 'ann', at: '', why: '' });
      clock.advance(1_000);
    });
    const item = (rule: string): ReceivedItem => ({ kind: 'alert', alert: alert(rule), via: { kind: 'invoke' } });
    const first = Array.from({ length: 16 }, () => item('Mark'));
    const outcomes = await respondToAlerts([...first, item('Delete')], deps, { killedAtMs: clock.now() + LEASE_MS });
    expect(outcomes.at(-1)).toMatchObject({ kind: 'answered', entries: [] });
    expect(ours().filter(({ verb }) => verb === 'delete')).toEqual([]);
  });

  it('that cannot be read any more stops as well', async () => {
    const { clock, deps, alert, rightBefore, ours } = scene();
    rightBefore('create', async () => {
      Object.assign(deps.modeSwitch, {
        read: async () => {
          throw new Error('throttled');
        },
      });
      clock.advance(1_000);
    });
    expect(await deliver(alert('Isolate'), deps)).toMatchObject({ kind: 'failed' });
    expect(ours().map(({ verb }) => verb)).toEqual(['create']);
  });
});

describe('a policy that fails', () => {
  it('costs no other policy its answer, and is tried again', async () => {
    const { cluster, deps, alert } = scene();
    const { patch } = cluster.client;
    cluster.client.patch = async () => {
      throw new KubeConnectionError('patching', 'got nothing');
    };
    expect(await deliver(alert('Both'), deps)).toMatchObject({ kind: 'failed', error: { code: 'KUBE_CONNECTION' } });
    expect(cluster.peek(pod)).toBeUndefined();
    cluster.client.patch = patch;
    expect(await deliver(alert('Both'), deps)).toMatchObject({ entries: [{ status: 'superseded' }, { status: 'done' }] });
  });

  const kept = (onFailure: string) => `
- policy: p
  description: d
  mode: enforce
  match: {source: k8s_audit}
  actions: [{action: capture-evidence}, {action: isolate-pod, with: {enforcement: assume}}]
  onFailure: ${onFailure}
`;
  it.each([
    ['continue', true],
    ['stop', false],
  ])(
    'goes on to its next action where it says so (onFailure: %s), also while what failed may yet come right',
    async (onFailure, isolated) => {
      const { cluster, deps, alert } = scene(kept(onFailure));
      const away = async () => {
        throw new KubeConnectionError('putting', 'got nothing');
      };
      Object.assign(deps, { evidence: { put: away, putIfAbsent: away } });
      expect(await deliver(alert('Any'), deps)).toMatchObject({ kind: 'failed' });
      expect('tiercel.dev/quarantine' in (cluster.peek(pod)?.metadata.labels ?? {})).toBe(isolated);
    },
  );

  it('leaves the order of actions to whoever is at it', async () => {
    const { cluster, deps, alert, clock } = scene(kept('continue'));
    await deliver(alert('Any'), { ...deps, evidence: {} as never });
    const listed = await deps.journal.list({ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 9 });
    const evidence = (await deps.journal.find(listed.find(({ action }) => action === 'capture-evidence')!.id))!;
    // Another invocation keeps evidence at this moment; isolating is next, and that is its business.
    await deps.journal.save({ ...evidence, status: 'open', leaseUntilMs: clock.now() + LEASE_MS });
    cluster.writes.length = 0;
    const other = { ...alert('Another Rule') };
    expect(await deliver(other, deps)).toMatchObject({ kind: 'failed', error: { code: 'WORK_IN_PROGRESS' } });
    expect(cluster.writes).toEqual([]);
  });
});

describe('what a caller writes into a request', () => {
  it.each([
    ['a dot', '.'],
    ['two dots', '..'],
    ['two names', 'a/b'],
    ['an escape', '%2e%2e'],
    ['half a character', '\ud800'],
    ['a book', 'x'.repeat(8_193)],
  ])('is refused where it should be a name and is none: %s', async (_what, name) => {
    const { deps, alert, cluster } = scene();
    for (const field of ['ka.target.name', 'ka.target.namespace', 'ka.target.resource', 'tiercel.apiversion', 'tiercel.apigroup']) {
      const outcome = await deliver(alert('Delete', { [field]: name, 'tiercel.received': '2026-11-21T08:24:54.1Z' }), deps);
      expect(outcome).toMatchObject({ kind: 'answered', entries: [{ status: 'refused' }] });
      expect(JSON.stringify(outcome.kind === 'answered' && outcome.entries[0]!.guards)).toContain(`${field} missing, truncated or no name`);
    }
    expect(cluster.calls).toEqual([]);
  });

  it('fits into an entry of the journal, however much it is', async () => {
    const { deps, alert } = scene();
    const long = '"\u0001'.repeat(30_000);
    const noise = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`ka.noise.${at}`, long]));
    const groups = Array.from({ length: 4_000 }, (_, at) => `group-${at}`);
    const outcome = await deliver(
      alert('Mark', { 'ka.useragent': long, 'ka.user.groups': groups, 'ka.response.code': long, 'ka.user.name': long, ...noise }),
      deps,
    );
    if (outcome.kind !== 'answered') throw new Error(outcome.kind);
    expect(Buffer.byteLength(JSON.stringify(outcome.entries))).toBeLessThan(100 * 1024);
    // What was cut does not pass for the whole.
    const { output_fields } = outcome.entries[0]!.alert;
    expect(output_fields['ka.user.groups']).toEqual([expect.stringMatching(/\[\.\.\.\]$/)]);
  });

  it('gets nobody out of a response by its length', async () => {
    const { deps, alert, cluster } = scene();
    expect(await deliver(alert('Delete', { 'ka.useragent': 'x'.repeat(400_000) }), deps)).toMatchObject({ entries: [{ status: 'done' }] });
    expect(cluster.peek(pod)).toBeUndefined();
  });

  it('is not kept where it may be a secret', async () => {
    const { deps, alert } = scene();
    const outcome = await deliver(
      alert('Mark', {
        'ka.uri': '/api/v1/namespaces/prod/pods/web/exec?command=mysql&command=-psecret',
        'ka.uri.param[command]': '-psecret',
        'ka.req.binding.role': 'secret',
      }),
      deps,
    );
    expect(outcome).toMatchObject({
      entries: [{ status: 'done', alert: { output_fields: { 'ka.uri': '/api/v1/namespaces/prod/pods/web/exec' } } }],
    });
    expect(JSON.stringify(outcome.kind === 'answered' && outcome.entries)).not.toContain('secret');
  });
});
