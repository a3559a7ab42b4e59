import { describe, expect, it } from 'vitest';
import { respondToCommand } from '../../../../shared/flows/respond.ts';
import { commandEvent, readCommand } from '../../../../shared/respond/alert-input/index.ts';
import type { Command, Entry } from '../../../../shared/respond/index.ts';
import { ALERT_TIME_MS, bindingAlert } from '../../../support/alerts.ts';
import { createMemoryCluster } from '../../../support/memory-cluster.ts';
import { deliver, LEASE_MS, responder, sign, testClock } from '../../../support/responder.ts';

const configMap = { apiGroup: '', apiVersion: 'v1', resource: 'configmaps', namespace: 'prod', name: 'c' };

function scene(extra: string) {
  const clock = testClock(ALERT_TIME_MS - 1000);
  const cluster = createMemoryCluster(clock);
  const { uid } = cluster.put(configMap, { kind: 'ConfigMap', data: {} }).metadata;
  clock.advance(5000);
  const policies = `
- policy: p
  description: d
  mode: enforce
  match: {source: k8s_audit}
  actions: [{action: label, with: {resources: [configmaps], labels: {a: b}}}]
  ${extra}
`;
  const scheduled: [string, number][] = [];
  const deps = {
    ...responder({ clock, client: cluster.client, policies }),
    expiry: {
      schedule: async (id: string, atMs: number) => {
        scheduled.push([id, atMs]);
      },
    },
  };
  const alert = sign(
    bindingAlert({
      'ka.target.resource': 'configmaps',
      'ka.target.namespace': 'prod',
      'ka.target.name': 'c',
      'tiercel.apigroup': '<NA>',
      'tiercel.uid': uid,
    }),
  );
  const command = (verb: Command['verb'], id: string) =>
    respondToCommand({ verb, id, by: 'ann' }, deps, { killedAtMs: clock.now() + LEASE_MS });
  const again = () => deliver(alert, deps);
  const ask = async (): Promise<Entry> => {
    const outcome = await again();
    if (outcome.kind === 'failed') throw outcome.error;
    if (outcome.kind !== 'answered' || !outcome.entries[0]) throw new Error(outcome.kind);
    return outcome.entries[0];
  };
  const labelled = () => cluster.peek(configMap)?.metadata.labels?.a === 'b';
  return { clock, cluster, deps, ask, again, command, labelled, scheduled };
}

describe('approval', () => {
  it('asks first, and acts on yes, once', async () => {
    const { ask, command, labelled, clock, cluster } = scene('approval: {within: 1h}');
    const entry = await ask();
    expect(entry.status).toBe('awaiting-approval');
    expect(labelled()).toBe(false);
    // Long after the alert went stale: its age was judged when the question was put.
    clock.advance(50 * 60_000);
    const [first, second] = await Promise.allSettled([command('approve', entry.id), command('approve', entry.id)]);
    expect([first.status, second.status]).toContain('fulfilled');
    expect(await command('approve', entry.id)).toMatchObject({ status: 'done', remark: 'approved by ann' });
    expect(labelled()).toBe(true);
    expect(cluster.writes).toHaveLength(1);
  });

  it('does nothing on no, and nothing after that', async () => {
    const { ask, again, command, cluster, deps } = scene('approval: {within: 1h}');
    const { id } = await ask();
    expect(await command('deny', id)).toMatchObject({ status: 'denied', remark: 'denied by ann' });
    await expect(command('approve', id)).rejects.toThrow('it is denied');
    expect(await again()).toMatchObject({ kind: 'answered', duplicate: true, entries: [] });
    expect(await deps.journal.find(id)).toMatchObject({ status: 'denied' });
    expect(cluster.writes).toEqual([]);
  });

  it('takes no answer in time for a no', async () => {
    const { ask, command, clock, cluster } = scene('approval: {within: 1h}');
    const { id } = await ask();
    clock.advance(61 * 60_000);
    expect(await command('approve', id)).toMatchObject({ status: 'denied', remark: 'nobody answered in time' });
    expect(cluster.writes).toEqual([]);
  });

  it('looks again before it acts', async () => {
    const { ask, command, clock, cluster } = scene('approval: {within: 1h}');
    const { id } = await ask();
    clock.advance(60_000);
    cluster.drop(configMap);
    cluster.put(configMap, { kind: 'ConfigMap' });
    expect(await command('approve', id)).toMatchObject({ status: 'refused' });
    expect(cluster.writes).toEqual([]);
  });

  it('obeys the switch', async () => {
    const { ask, command, deps, cluster } = scene('approval: {within: 1h}');
    const { id } = await ask();
    await deps.modeSwitch.turn({ mode: 'shadow', by: 'ann', at: '', why: '' });
    await expect(command('approve', id)).rejects.toThrow('the mode is shadow');
    expect(cluster.writes).toEqual([]);
  });
});

describe('a containment with a ttl', () => {
  it('schedules its end before it acts, and ends', async () => {
    const { ask, command, scheduled, labelled, clock } = scene('ttl: 1h');
    const entry = await ask();
    expect(entry.status).toBe('done');
    expect(scheduled).toEqual([[entry.id, clock.now() + 3_600_000]]);
    clock.advance(3_600_000);
    expect(await command('expire', entry.id)).toMatchObject({ status: 'undone', remark: 'undone by ann' });
    expect(labelled()).toBe(false);
    expect(await command('expire', entry.id)).toMatchObject({ status: 'undone' });
  });

  it('is not begun when its end cannot be scheduled', async () => {
    const { ask, cluster, deps } = scene('ttl: 1h');
    deps.expiry.schedule = async () => {
      throw new Error('no scheduler');
    };
    await expect(ask()).rejects.toThrow('no scheduler');
    expect(cluster.writes).toEqual([]);
  });
});

describe('commands', () => {
  it('travel as EventBridge events', () => {
    const id = `${'a'.repeat(40)}-${'b'.repeat(12)}`;
    for (const verb of ['approve', 'deny', 'expire'] as const)
      expect(readCommand(commandEvent({ verb, id, by: 'x' }))).toEqual({ verb, id, by: 'x' });
  });

  it('are nothing else', () => {
    const good = commandEvent({ verb: 'approve', id: `${'a'.repeat(40)}-${'b'.repeat(12)}`, by: 'x' });
    for (const event of [
      undefined,
      null,
      'x',
      [],
      {},
      { ...good, source: 'aws.ec2' },
      { ...good, 'detail-type': 'x' },
      { ...good, detail: { id: '../x', by: 'x' } },
      { ...good, detail: { ...good.detail, by: '' } },
    ]) {
      expect(readCommand(event)).toBeUndefined();
    }
  });
});
