import { describe, expect, it } from 'vitest';
import { respondToCommand } from '../../../../shared/flows/respond.ts';
import { KubeConnectionError, KubeStatusError } from '../../../../shared/platform/kube/index.ts';
import type { Effect } from '../../../../shared/respond/action/effect.ts';
import { commandEvent, readCommand } from '../../../../shared/respond/alert-input/index.ts';
import { actionCatalogue, type Command, type Entry, loadPolicies } from '../../../../shared/respond/index.ts';
import { ALERT_TIME_MS, bindingAlert } from '../../../support/alerts.ts';
import { createMemoryCluster } from '../../../support/memory-cluster.ts';
import { deliver, LEASE_MS, responder, sign, testClock } from '../../../support/responder.ts';

const configMap = { apiGroup: '', apiVersion: 'v1', resource: 'configmaps', namespace: 'prod', name: 'c' };

const POLICY = (extra: string) => `
- policy: p
  description: d
  mode: enforce
  match: {source: k8s_audit}
  actions: [{action: label, with: {resources: [configmaps], labels: {a: b}}}]
  ${extra}
`;

function scene(extra: string) {
  const clock = testClock(ALERT_TIME_MS - 1000);
  const cluster = createMemoryCluster(clock);
  const { uid } = cluster.put(configMap, { kind: 'ConfigMap', data: {} }).metadata;
  clock.advance(5000);
  const scheduled: [string, number][] = [];
  const deps = {
    ...responder({ clock, client: cluster.client, policies: POLICY(extra) }),
    expiry: {
      schedule: async (id: string, atMs: number) => {
        scheduled.push([id, atMs]);
      },
    },
  };
  const fields = {
    'ka.target.resource': 'configmaps',
    'ka.target.namespace': 'prod',
    'ka.target.name': 'c',
    'tiercel.apigroup': '<NA>',
    'tiercel.uid': uid,
  };
  const command = (verb: Command['verb'], id: string) =>
    respondToCommand({ verb, id, by: 'ann' }, deps, { killedAtMs: clock.now() + LEASE_MS });
  /** Delivers the alert; with another time of receipt it is about another request. */
  const again = (received?: string, rule?: string) => {
    const changes = received === undefined ? {} : { 'tiercel.received': received };
    return deliver(sign(bindingAlert({ ...fields, ...changes }, rule === undefined ? {} : { rule })), deps);
  };
  const ask = async (...changed: Parameters<typeof again>): Promise<Entry> => {
    const outcome = await again(...changed);
    if (outcome.kind === 'failed') throw outcome.error;
    if (outcome.kind !== 'answered' || !outcome.entries[0]) throw new Error(outcome.kind);
    return outcome.entries[0];
  };
  const labelled = () => cluster.peek(configMap)?.metadata.labels?.a === 'b';
  return { clock, cluster, deps, ask, again, command, labelled, scheduled };
}

const lowered = { mode: 'off', by: 'ann', at: '', why: '' } as const;

/** With a ttl, and ways to break the cluster and mend it. */
function pending() {
  const given = scene('ttl: 1h');
  const away = async () => {
    throw new KubeConnectionError('asking', 'got nothing');
  };
  const { get, patch } = given.cluster.client;
  return { ...given, broken: { get: away, patch: away }, whole: { get, patch } };
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

  it('does what was shown, also where the policy says something else by then', async () => {
    const { ask, command, deps, cluster } = scene('approval: {within: 1h}');
    const { id } = await ask();
    const text = POLICY('approval: {within: 1h}').replace('{a: b}', '{a: something-else}');
    Object.assign(deps, { set: loadPolicies([{ path: 'p.yaml', text }], actionCatalogue) });
    expect(await command('approve', id)).toMatchObject({ status: 'done', parameters: { labels: { a: 'b' } } });
    expect(cluster.peek(configMap)?.metadata.labels).toEqual({ a: 'b' });
  });

  it('is for the deed that was shown: a plan for another object is refused', async () => {
    const { ask, command, deps, cluster } = scene('approval: {within: 1h}');
    const { id } = await ask();
    const other = { ...configMap, name: 'other' };
    const { uid, resourceVersion } = cluster.put(other, { kind: 'ConfigMap' }).metadata;
    const label = actionCatalogue.get('label')!;
    const effect: Effect = { verb: 'patch', object: other, uid, resourceVersion, patch: { metadata: { labels: { a: 'b' } } }, before: {} };
    const actions = new Map([...actionCatalogue, ['label', { ...label, plan: async () => ({ caveats: [], effects: [effect] }) }]]);
    Object.assign(deps, { actions });
    expect(await command('approve', id)).toMatchObject({
      status: 'refused',
      remark: 'approved by ann, but what would be done now is something else: patch configmaps prod/other',
    });
    expect(cluster.writes).toEqual([]);
  });

  it('stands where the one who says yes may not look: it was no answer', async () => {
    const { ask, command, deps, cluster } = scene('approval: {within: 1h}');
    const { id } = await ask();
    const { get } = cluster.client;
    const denied = async () => {
      throw new KubeStatusError('get', 403, 'Forbidden', 'not you');
    };
    Object.assign(cluster.client, { get: denied });
    await expect(command('approve', id)).rejects.toThrow(/Cannot approve response .*: same-object: .*not you/);
    expect(await deps.journal.find(id)).toMatchObject({ status: 'awaiting-approval' });
    Object.assign(cluster.client, { get });
    expect(await command('approve', id)).toMatchObject({ status: 'done' });
  });

  it('is not spent on policies that are not the deployed ones', async () => {
    const { ask, command, deps, labelled } = scene('approval: {within: 1h}');
    const { id } = await ask();
    const { set } = deps;
    Object.assign(deps, { set: { ...set, policies: set.policies.map((policy) => ({ ...policy, mode: 'shadow' })) } });
    await expect(command('approve', id)).rejects.toThrow('policy p says shadow here');
    Object.assign(deps, { set: { ...set, policies: [] } });
    await expect(command('approve', id)).rejects.toThrow('policy p no longer has the action label');
    Object.assign(deps, { set });
    expect(await command('approve', id)).toMatchObject({ status: 'done' });
    expect(labelled()).toBe(true);
  });

  it('says why a yes came to nothing', async () => {
    const { ask, command, deps, cluster } = scene('approval: {within: 1h}');
    const { id } = await ask();
    Object.assign(deps, { set: { ...deps.set, protection: { ...deps.set.protection, names: ['c'] } } });
    expect((await command('approve', id)).remark).toMatch(/^approved by ann, but unprotected: protected by name c/);
    expect(cluster.writes).toEqual([]);
  });

  it('takes its place in the budget when it asks, so that nobody can flood people with questions', async () => {
    const { ask, command, cluster } = scene('approval: {within: 1h}\n  budget: {policy: 1}\n  cooldown: 1s');
    const { id } = await ask();
    expect(await ask('2026-11-21T08:24:54.744999Z')).toMatchObject({
      status: 'refused',
      guards: expect.arrayContaining([expect.objectContaining({ guard: 'within-budget', verdict: 'refuse' })]),
    });
    expect(await command('approve', id)).toMatchObject({ status: 'done' });
    expect(cluster.writes).toHaveLength(1);
  });

  it('is asked for again when it happens again: the no to one shell is no yes to the next', async () => {
    const { ask, command } = scene('approval: {within: 1h}');
    const { id } = await ask();
    await command('deny', id);
    expect(await ask('2026-11-21T08:24:54.744999Z')).toMatchObject({ status: 'awaiting-approval' });
  });

  it.each(['approve', 'the alert'])('that could not be carried out to its end goes on when %s comes again', async (by) => {
    const { ask, command, deps, cluster, labelled, clock } = scene('approval: {within: 1h}');
    const { id } = await ask();
    const { patch } = cluster.client;
    cluster.client.patch = async () => {
      throw new KubeStatusError('patch', 503, 'ServiceUnavailable', 'away');
    };
    await expect(command('approve', id)).rejects.toThrow('503');
    expect(await deps.journal.find(id)).toMatchObject({ status: 'open' });
    cluster.client.patch = patch;
    clock.advance(1);
    expect(await (by === 'approve' ? command('approve', id) : ask(undefined, 'Another Rule'))).toMatchObject({ status: 'done' });
    expect(labelled()).toBe(true);
  });

  it('is not begun from where its end could not be scheduled', async () => {
    const { ask, command, deps, cluster } = scene('approval: {within: 1h}\n  ttl: 1h');
    const { id } = await ask();
    const { expiry } = deps;
    Object.assign(deps, { expiry: undefined });
    await expect(command('approve', id)).rejects.toThrow('nothing here could end it');
    expect(await deps.journal.find(id)).toMatchObject({ status: 'awaiting-approval' });
    Object.assign(deps, { expiry });
    expect(await command('approve', id)).toMatchObject({ status: 'done' });
    expect(cluster.writes).toHaveLength(1);
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

describe('the end of a containment', () => {
  const end = 3_600_000;

  it('is not taken for one before its time, nor of a response that has none', async () => {
    const { ask, command, labelled } = scene('ttl: 1h');
    const { id } = await ask();
    expect(await command('expire', id)).toMatchObject({ status: 'done' });
    expect(labelled()).toBe(true);
    const lasting = scene('');
    await expect(lasting.command('expire', (await lasting.ask()).id)).rejects.toThrow('it has no time to live');
    expect(lasting.labelled()).toBe(true);
  });

  it.each<
    [string, (scene: ReturnType<typeof pending>) => void | Promise<void>, (scene: ReturnType<typeof pending>) => void | Promise<void>]
  >([
    [
      'the switch is turned',
      ({ deps }) => deps.modeSwitch.turn(lowered),
      ({ deps }) => deps.modeSwitch.turn({ ...lowered, mode: 'enforce' }),
    ],
    [
      'the cluster is away',
      ({ cluster, broken }) => void Object.assign(cluster.client, broken),
      ({ cluster, whole }) => void Object.assign(cluster.client, whole),
    ],
    [
      'the cluster cannot be reached',
      ({ deps }) => void Object.assign(deps, { clusters: { clientFor: async () => ({ why: 'no' }) } }),
      ({ deps, cluster }) => void Object.assign(deps, { clusters: { clientFor: async () => ({ client: cluster.client }) } }),
    ],
  ])('is put off while %s, and comes', async (_what, breaks, mends) => {
    const given = pending();
    const { ask, command, labelled, scheduled, clock } = given;
    const { id } = await ask();
    clock.advance(end);
    await breaks(given);
    // Lambda tries a failed invocation again: no attempt may schedule one more.
    for (let attempt = 0; attempt < 3; attempt++) expect(await command('expire', id)).toMatchObject({ status: 'done' });
    const [, ...later] = scheduled;
    expect(new Set(later.map(([, atMs]) => atMs)).size).toBe(1);
    expect(later[0]![1]).toBeGreaterThan(clock.now());
    expect(labelled()).toBe(true);
    await mends(given);
    expect(await command('expire', id)).toMatchObject({ status: 'undone' });
    expect(labelled()).toBe(false);
  });

  it.each(['journal', 'modeSwitch'] as const)('is put off, aloud, while a table does not answer (%s)', async (part) => {
    const { ask, command, clock, deps, scheduled, labelled } = scene('ttl: 1h');
    const { id } = await ask();
    clock.advance(end);
    const whole = deps[part];
    const away = async () => {
      throw new Error('throttled');
    };
    Object.assign(deps, { [part]: { ...whole, find: away, read: away } });
    for (let attempt = 0; attempt < 3; attempt++) await expect(command('expire', id)).rejects.toThrow('throttled');
    expect(new Set(scheduled.slice(1).map(([, atMs]) => atMs)).size).toBe(1);
    Object.assign(deps, { [part]: whole });
    expect(await command('expire', id)).toMatchObject({ status: 'undone' });
    expect(labelled()).toBe(false);
  });

  it('is put off by a switch that is turned between the look and the write', async () => {
    const { ask, command, clock, deps, cluster, labelled, scheduled } = scene('ttl: 1h');
    const { id } = await ask();
    clock.advance(end);
    const { get } = cluster.client;
    cluster.client.get = async (...given) => {
      await deps.modeSwitch.turn(lowered);
      clock.advance(1_000);
      return get(...given);
    };
    expect(await command('expire', id)).toMatchObject({ status: 'done', remark: expect.stringContaining('the mode is off') });
    expect(labelled()).toBe(true);
    expect(scheduled).toHaveLength(2);
  });

  it('is given up aloud after a week', async () => {
    const { ask, command, clock, deps } = scene('ttl: 1h');
    const { id } = await ask();
    await deps.modeSwitch.turn(lowered);
    clock.advance(end + 8 * 86_400_000);
    await expect(command('expire', id)).rejects.toThrow('the mode is off');
  });

  it('is written down also where only that was left to do', async () => {
    const { ask, command, clock, deps } = scene('ttl: 1h');
    const { id } = await ask();
    clock.advance(end);
    const { save } = deps.journal;
    Object.assign(deps.journal, {
      save: async (entry: Entry) => {
        if (entry.status === 'undone') throw new Error('throttled');
        return save(entry);
      },
    });
    await expect(command('expire', id)).rejects.toThrow('throttled');
    Object.assign(deps.journal, { save });
    expect(await deps.journal.find(id)).toMatchObject({ status: 'done', steps: [{ state: 'undone' }] });
    expect(await command('expire', id)).toMatchObject({ status: 'undone' });
  });

  it('leaves to a person what somebody changed since, and says so', async () => {
    const { ask, command, clock, cluster, labelled } = scene('ttl: 1h');
    const { id } = await ask();
    clock.advance(end);
    await cluster.client.patch(configMap, { metadata: { labels: { a: 'mine' } } }, { auditId: 'x' });
    expect(await command('expire', id)).toMatchObject({ status: 'failed', remark: expect.stringContaining('was changed since') });
    expect(cluster.peek(configMap)?.metadata.labels).toEqual({ a: 'mine' });
    expect(labelled()).toBe(false);
  });

  it('is nothing where nothing was done', async () => {
    const { ask, command, clock, cluster } = scene('ttl: 1h');
    cluster.client.patch = async () => {
      throw new KubeStatusError('patch', 403, 'Forbidden', 'no');
    };
    const { id, status } = await ask();
    expect(status).toBe('failed');
    clock.advance(end);
    expect(await command('expire', id)).toMatchObject({ status: 'failed' });
  });

  it('is counted from when the response was carried out, however late that was', async () => {
    const { ask, command, clock, cluster, scheduled, labelled } = pending();
    const { patch } = cluster.client;
    cluster.client.patch = async () => {
      throw new KubeStatusError('patch', 503, 'ServiceUnavailable', 'away');
    };
    await expect(ask()).rejects.toThrow('503');
    const [id, planned] = scheduled[0]!;
    clock.advance(end + 1);
    expect(await command('expire', id)).toMatchObject({ status: 'open', remark: expect.stringContaining('put off') });
    cluster.client.patch = patch;
    expect(await ask()).toMatchObject({ status: 'done', expiresAtMs: clock.now() + end });
    expect(scheduled.at(-1)).toEqual([id, clock.now() + end]);
    expect(scheduled.at(-1)![1]).toBeGreaterThan(planned);
    // The end that was put off comes first, and is not the one.
    clock.advance(20 * 60_000);
    expect(await command('expire', id)).toMatchObject({ status: 'done' });
    expect(labelled()).toBe(true);
    clock.advance(end);
    expect(await command('expire', id)).toMatchObject({ status: 'undone' });
  });
});

describe('a response that was begun and stopped', () => {
  const begun = async () => {
    const given = scene('');
    const { patch } = given.cluster.client;
    given.cluster.client.patch = async () => {
      throw new KubeStatusError('patch', 503, 'ServiceUnavailable', 'away');
    };
    await expect(given.ask()).rejects.toThrow('503');
    const [{ id } = { id: '' }] = await given.deps.journal.list({ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 1 });
    given.cluster.client.patch = patch;
    return { ...given, id };
  };

  it('is given up by a no, for good', async () => {
    const { id, command, ask, cluster } = await begun();
    expect(await command('deny', id)).toMatchObject({
      status: 'denied',
      remark: 'given up by ann; whether it got to patch configmaps prod/c is not known',
    });
    expect(await ask()).toMatchObject({ status: 'denied' });
    await expect(command('approve', id)).rejects.toThrow('it is denied');
    expect(cluster.writes).toEqual([]);
  });

  it('does not go on in another cluster, where nothing would tell that it was not done', async () => {
    const { id, command, deps, clock } = await begun();
    const other = createMemoryCluster(clock);
    Object.assign(deps, { clusters: { clientFor: async () => ({ client: other.client }) } });
    await expect(command('approve', id)).rejects.toThrow('is it this cluster?');
    expect(await deps.journal.find(id)).toMatchObject({ status: 'open' });
    expect(other.writes).toEqual([]);
  });

  it('is not given up under the hands of whoever carries it out', async () => {
    const { id, command, deps, clock } = await begun();
    const entry = (await deps.journal.find(id))!;
    await deps.journal.save({ ...entry, leaseUntilMs: clock.now() + 1_000 });
    await expect(command('deny', id)).rejects.toThrow('it is being carried out right now');
  });

  it.each(['alert', 'approve'])('does not go on with what was sheltered since, by whatever it comes again: %s', async (by) => {
    const { id, command, ask, deps, cluster } = await begun();
    Object.assign(deps, { set: { ...deps.set, protection: { ...deps.set.protection, namespaces: ['prod'] } } });
    expect(await (by === 'alert' ? ask() : command('approve', id))).toMatchObject({
      status: 'failed',
      remark: 'not gone on with: unprotected: protected by namespace prod',
    });
    expect(cluster.writes).toEqual([]);
  });

  it('does not go on while the switch or its policy says less, and says how it can', async () => {
    const { id, command, ask, deps, labelled, clock } = await begun();
    const { set } = deps;
    for (const mode of ['shadow', 'off'] as const) {
      Object.assign(deps, { set: { ...set, policies: set.policies.map((policy) => ({ ...policy, mode })) } });
      await expect(command('approve', id)).rejects.toThrow(`tiercel deny ${id}`);
    }
    Object.assign(deps, { set: { ...set, policies: set.policies.map((policy) => ({ ...policy, mode: 'shadow' })) } });
    await expect(ask()).rejects.toThrow('no longer says enforce');
    Object.assign(deps, { set });
    await deps.modeSwitch.turn({ ...lowered, mode: 'shadow' });
    await expect(ask()).rejects.toThrow('no longer says enforce');
    expect(labelled()).toBe(false);
    await deps.modeSwitch.turn({ ...lowered, mode: 'enforce' });
    clock.advance(1);
    expect(await ask()).toMatchObject({ status: 'done' });
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
      // Words that every object of the language knows.
      { ...good, 'detail-type': 'constructor' },
      { ...good, 'detail-type': 'toString' },
      { ...good, detail: { id: '../x', by: 'x' } },
      { ...good, detail: { ...good.detail, by: '' } },
    ]) {
      expect(readCommand(event)).toBeUndefined();
    }
  });
});
