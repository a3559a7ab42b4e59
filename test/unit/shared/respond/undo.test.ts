import { describe, expect, it } from 'vitest';
import { type Entry, undo } from '../../../../shared/respond/index.ts';
import { createMemoryJournal } from '../../../../shared/respond/journal/index.ts';
import type { Status } from '../../../../shared/respond/journal/journal.ts';
import { ALERT_TIME_MS, bindingAlert } from '../../../support/alerts.ts';
import { entryOf } from '../../../support/entry.ts';
import { createMemoryCluster } from '../../../support/memory-cluster.ts';
import { deliver, responder, sign, testClock } from '../../../support/responder.ts';

const pod = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' };

const POLICIES = `
- policy: one
  description: d
  mode: enforce
  match: {source: k8s_audit, rules: [One, Again]}
  actions: [{action: label, with: {resources: [pods], labels: {one: "1", app: null}}}]
  cooldown: 1s
- policy: two
  description: d
  mode: enforce
  match: {source: k8s_audit, rules: [Two]}
  actions: [{action: label, with: {resources: [pods], labels: {two: "2"}}}]
- policy: delete
  description: d
  mode: enforce
  match: {source: k8s_audit, rules: [Delete]}
  actions: [{action: delete-object, with: {resources: [pods]}}]
`;

function scene() {
  const clock = testClock(ALERT_TIME_MS - 1000);
  const cluster = createMemoryCluster(clock);
  const { uid } = cluster.put(pod, { kind: 'Pod', metadata: { labels: { app: 'web' } }, spec: { containers: [] } }).metadata;
  clock.advance(5000);
  const deps = responder({ clock, client: cluster.client, policies: POLICIES });
  let happenings = 0;
  const respond = async (rule: string): Promise<Entry> => {
    clock.advance(1_001);
    const fields = {
      'ka.target.resource': 'pods',
      'ka.target.namespace': 'prod',
      'ka.target.name': 'web',
      'tiercel.apigroup': '<NA>',
      'tiercel.uid': uid,
      'tiercel.received': `2026-11-21T08:24:54.74463${++happenings}Z`,
    };
    const outcome = await deliver(sign(bindingAlert(fields, { rule })), deps);
    if (outcome.kind !== 'answered') throw new Error(JSON.stringify(outcome.kind));
    return outcome.entries[0]!;
  };
  const takeBack = (entry: Entry, force = false) => undo(entry, { by: 'ann', force }, { ...deps, client: cluster.client });
  return { cluster, deps, respond, takeBack, labels: () => cluster.peek(pod)?.metadata.labels };
}

describe('two responses to one object', () => {
  it.each([
    ['the first first', [0, 1]],
    ['the last first', [1, 0]],
  ])('are taken back one by one: %s', async (_order, order) => {
    const { respond, takeBack, labels, cluster } = scene();
    const entries = [await respond('One'), await respond('Two')];
    expect(labels()).toEqual({ one: '1', two: '2' });
    for (const at of order) expect(await takeBack(entries[at]!)).toMatchObject({ status: 'undone' });
    expect(labels()).toEqual({ app: 'web' });
    expect(cluster.writes).toHaveLength(4);
  });

  it('never set the same twice: one way back would take the other one’s label', async () => {
    const { respond, takeBack, labels } = scene();
    const first = await respond('One');
    expect(await respond('Again')).toMatchObject({
      status: 'refused',
      guards: expect.arrayContaining([{ guard: 'feasible', verdict: 'refuse', reason: 'it is labelled so already' }]),
    });
    await takeBack(first);
    expect(labels()).toEqual({ app: 'web' });
  });
});

describe('taking back', () => {
  it('leaves alone what somebody changed, unless forced', async () => {
    const { respond, takeBack, labels, cluster } = scene();
    const entry = await respond('One');
    await cluster.client.patch(pod, { metadata: { labels: { one: 'mine' } } }, { auditId: 'x' });
    await expect(takeBack(entry)).rejects.toThrow('was changed since');
    expect(labels()).toEqual({ one: 'mine' });
    expect(await takeBack(entry, true)).toMatchObject({ status: 'undone' });
    expect(labels()).toEqual({ app: 'web' });
  });

  it.each(['One', 'Delete'])('does nothing in another cluster, unless told that it is the same one: %s', async (rule) => {
    const { respond, cluster, deps, labels } = scene();
    const entry = await respond(rule);
    expect(entry).toMatchObject({ status: 'done', server: 'https://cluster.test' });
    const writes = cluster.writes.length;
    const through = { ...deps, client: { ...cluster.client, server: 'https://staging.test' } };
    await expect(undo(entry, { by: 'ann', force: true }, through)).rejects.toThrow(
      'carried out at https://cluster.test, and this is https://staging.test',
    );
    expect(cluster.writes).toHaveLength(writes);
    expect(await deps.journal.find(entry.id)).toMatchObject({ status: 'done' });
    await undo(entry, { by: 'ann', force: false, otherServer: true }, through);
    expect(labels()).toEqual({ app: 'web' });
  });

  it('does not take for its own what somebody else made under its mark', async () => {
    const { respond, takeBack, cluster } = scene();
    const entry = await respond('Delete');
    expect(cluster.peek(pod)).toBeUndefined();
    const metadata = { annotations: { 'tiercel.dev/response': entry.id }, labels: { app: 'web' } };
    const planted = cluster.put(pod, { kind: 'Pod', metadata, spec: { containers: [{ name: 'miner' }] } });
    await expect(takeBack(entry)).rejects.toThrow('exists again');
    expect(cluster.peek(pod)?.metadata.uid).toBe(planted.metadata.uid);
  });
});

it.each<[Status, RegExp]>([
  ['planned', /cannot be undone: it is planned, nothing was done\.$/],
  ['refused', /it is refused, nothing was done/],
  ['denied', /it is denied, nothing was done/],
  ['failed', /it is failed, nothing was done/],
  ['awaiting-approval', /nothing was done; deny it instead/],
  ['open', /`tiercel approve` carries on, `tiercel deny` gives it up/],
])('a response that is %s is not taken back, and says why', async (status, why) => {
  const clock = testClock(0);
  const cluster = createMemoryCluster(clock);
  const journal = createMemoryJournal(clock);
  await expect(
    undo(entryOf({ status, steps: [] }), { by: 'ann', force: true }, { clock, journal, client: cluster.client }),
  ).rejects.toThrow(why);
  expect(cluster.calls).toEqual([]);
});
