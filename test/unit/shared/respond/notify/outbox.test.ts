import { describe, expect, it } from 'vitest';
import { type RespondDeps, respondToCommand } from '../../../../../shared/flows/respond.ts';
import type { Entry } from '../../../../../shared/respond/index.ts';
import { ChannelError } from '../../../../../shared/respond/notify/channel.ts';
import type { Message } from '../../../../../shared/respond/notify/message.ts';
import type { Notice } from '../../../../../shared/respond/notify/notice.ts';
import { ALERT_TIME_MS, bindingAlert } from '../../../../support/alerts.ts';
import { createMemoryCluster } from '../../../../support/memory-cluster.ts';
import { deliver, LEASE_MS, responder, sign, testClock } from '../../../../support/responder.ts';

const configMap = { apiGroup: '', apiVersion: 'v1', resource: 'configmaps', namespace: 'prod', name: 'c' };

type Answer = () => void;
const busy = (waitMs?: number): Answer => {
  return () => {
    throw new ChannelError('it answered 503', { retryable: true, waitMs });
  };
};
const wrong: Answer = () => {
  throw new ChannelError('it answered 404', { retryable: false });
};
const fine: Answer = () => {};

/** A label policy that tells two channels; `answers` are those of channel `a` in turn, the last one for ever. */
function scene(extra: string, answers: readonly Answer[] = [fine], mode = 'enforce') {
  const clock = testClock(ALERT_TIME_MS - 1000);
  const cluster = createMemoryCluster(clock);
  const { uid } = cluster.put(configMap, { kind: 'ConfigMap', data: {} }).metadata;
  clock.advance(5000);
  const policies = `
- policy: p
  description: d
  mode: ${mode}
  match: {source: k8s_audit}
  actions: [{action: label, with: {resources: [configmaps], labels: {a: b}}}]
  ${extra}
`;
  const sent: [string, Message][] = [];
  const observed: Notice[] = [];
  let asked = 0;
  const deps: RespondDeps = {
    ...responder({ clock, client: cluster.client, policies }),
    stage: 'test',
    random: { next: () => 0.5, hex: () => '' },
    channels: new Map([
      [
        'a',
        {
          send: async (message: Message) => {
            (answers[asked++] ?? answers.at(-1)!)();
            sent.push(['a', message]);
          },
        },
      ],
      ['b', { send: async (message: Message) => void sent.push(['b', message]) }],
    ]),
    onNotice: ({ notice }) => observed.push(notice),
  };
  const alert = sign(
    bindingAlert({
      'ka.target.resource': 'configmaps',
      'ka.target.namespace': 'prod',
      'ka.target.name': 'c',
      'ka.resp.name': 'c',
      'tiercel.apigroup': '<NA>',
      'tiercel.uid': uid,
    }),
  );
  const entry = async (): Promise<Entry> => {
    const [summary] = await deps.journal.list({ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 9 });
    return (await deps.journal.find(summary!.id))!;
  };
  const states = async () =>
    (await entry()).notices?.map(({ channel, about, state, attempts }) => `${channel} ${about} ${state} ${attempts}`);
  return { clock, cluster, deps, alert, sent, observed, entry, states, asked: () => asked };
}

describe('who is told', () => {
  it('hears by default of what was changed, once, in every channel', async () => {
    const { alert, deps, sent, states, observed } = scene('notify: [a, b]');
    expect(await deliver(alert, deps)).toMatchObject({ kind: 'answered', entries: [{ status: 'done' }] });
    await deliver({ ...alert, rule: 'Another' }, deps);
    expect(sent.map(([channel, { outcome }]) => [channel, outcome])).toEqual([
      ['a', 'done'],
      ['b', 'done'],
    ]);
    expect(new Set(sent.map(([, { id }]) => id)).size).toBe(1);
    expect(await states()).toEqual(['a done sent 1', 'b done sent 1']);
    expect(observed).toHaveLength(2);
  });

  it('hears of plans only where the policy says so', async () => {
    const silent = scene('notify: [a]', [fine], 'shadow');
    await deliver(silent.alert, silent.deps);
    expect(silent.sent).toEqual([]);
    const told = scene('notify: {channels: [a], on: [planned, refused]}', [fine], 'shadow');
    await deliver(told.alert, told.deps);
    expect(told.sent.map(([, { outcome }]) => outcome)).toEqual(['planned']);
  });

  it('hears why nothing was done', async () => {
    const { alert, deps, sent } = scene('notify: {channels: [a], on: [refused]}');
    const { 'tiercel.mac': _mac, ...fields } = alert.output_fields;
    await deliver({ ...alert, output_fields: fields }, deps);
    expect(sent.map(([, { response }]) => [response.status, response.refusedBy.map(({ guard }) => guard)])).toEqual([
      ['refused', expect.arrayContaining(['signed'])],
    ]);
  });

  it('is asked, and hears what came of the answer', async () => {
    const { alert, deps, sent, entry, clock } = scene('notify: [a]\n  approval: {within: 1h}');
    await deliver(alert, deps);
    const { id } = await entry();
    expect(sent[0]![1].commands.approve).toContain(`tiercel approve ${id} --stage test`);
    await respondToCommand({ verb: 'approve', id, by: 'ann' }, deps, { killedAtMs: clock.now() + LEASE_MS });
    expect(sent.map(([, { outcome }]) => outcome)).toEqual(['awaiting-approval', 'done']);
  });
});

it('two policies that lead to one response are told of once', async () => {
  const second = `
- policy: q
  description: d
  mode: enforce
  match: {source: k8s_audit}
  actions: [{action: label, with: {resources: [configmaps], labels: {a: b}}}]
  notify: [a]`;
  const { alert, deps, sent } = scene(`notify: [a]${second}`);
  expect(await deliver(alert, deps)).toMatchObject({ entries: [{ status: 'done' }, { status: 'done' }] });
  expect(sent).toHaveLength(1);
});

it('a response that cannot be told of keeps nobody from hearing of another', async () => {
  const second = `
- policy: q
  description: d
  mode: shadow
  match: {source: k8s_audit}
  actions: [{action: delete-object, with: {resources: [configmaps]}}]
  notify: {channels: [b], on: [planned]}`;
  const { alert, deps, sent } = scene(`notify: [a]${second}`, [busy()]);
  expect(await deliver(alert, deps)).toMatchObject({ kind: 'failed' });
  expect(sent.map(([channel, { outcome }]) => [channel, outcome])).toEqual([['b', 'planned']]);
});

describe('a channel that fails', () => {
  it('is tried again at once, and nobody notices', async () => {
    const { alert, deps, sent, states } = scene('notify: [a]', [busy(), busy(3_000), fine]);
    expect(await deliver(alert, deps)).toMatchObject({ kind: 'answered' });
    expect(sent).toHaveLength(1);
    expect(await states()).toEqual(['a done sent 1']);
  });

  it('holds up neither the response nor the other channel; the alert comes again, and only the notice is tried', async () => {
    const { alert, deps, sent, states, cluster } = scene('notify: [a, b]', [busy(), busy(), busy(), fine]);
    expect(await deliver(alert, deps)).toMatchObject({ kind: 'failed', error: { code: 'NOTICES_DUE', retryable: true } });
    expect(await states()).toEqual(['a done due 1', 'b done sent 1']);
    expect(cluster.writes).toHaveLength(1);
    expect(await deliver(alert, deps)).toMatchObject({ kind: 'answered', duplicate: false, entries: [{ status: 'done' }] });
    expect(await states()).toEqual(['a done sent 2', 'b done sent 1']);
    expect(sent.map(([channel]) => channel)).toEqual(['b', 'a']);
    expect(cluster.writes).toHaveLength(1);
  });

  it('is left alone for as long as it asks', async () => {
    const { alert, deps, asked } = scene('notify: [a]', [busy(60_000), fine]);
    expect(await deliver(alert, deps)).toMatchObject({ kind: 'failed' });
    expect(asked()).toBe(1);
  });

  it('is given up after five deliveries, and the journal says why', async () => {
    const { alert, deps, states, entry, asked } = scene('notify: [a]', [busy()]);
    for (let delivery = 1; delivery < 5; delivery++) expect(await deliver(alert, deps)).toMatchObject({ kind: 'failed' });
    expect(await deliver(alert, deps)).toMatchObject({ kind: 'answered', duplicate: false });
    expect(await states()).toEqual(['a done failed 5']);
    expect((await entry()).notices?.[0]?.why).toBe('it answered 503');
    expect(asked()).toBe(15);
    expect(await deliver(alert, deps)).toMatchObject({ duplicate: true });
  });

  it('is not tried again where only an operator can help', async () => {
    const { alert, deps, states, asked, observed } = scene('notify: [a]', [wrong]);
    expect(await deliver(alert, deps)).toMatchObject({ kind: 'answered', entries: [{ status: 'done' }] });
    expect(await states()).toEqual(['a done failed 1']);
    expect(asked()).toBe(1);
    expect(observed).toMatchObject([{ state: 'failed', why: 'it answered 404' }]);
  });

  it('may not exist', async () => {
    const { alert, deps, entry } = scene('notify: [nowhere]');
    await deliver(alert, deps);
    expect((await entry()).notices).toMatchObject([{ state: 'failed', why: 'no channel is named nowhere; there are a, b' }]);
  });
});

it('where nobody can be told, notices wait for whoever can', async () => {
  const { alert, deps, sent, states } = scene('notify: [a]');
  const { channels: _channels, ...alone } = deps;
  await deliver(alert, alone);
  expect(await states()).toEqual(['a done due 0']);
  await deliver({ ...alert, rule: 'Another' }, deps);
  expect(await states()).toEqual(['a done sent 1']);
  expect(sent).toHaveLength(1);
});

describe('a crash', () => {
  for (const after of [false, true]) {
    it(`${after ? 'after' : 'before'} any call loses no notice, and repeats no write`, async () => {
      let points = 0;
      for (; ; points++) {
        const { alert, deps, sent, states, cluster, clock } = scene('notify: [a]');
        const crash = { left: points };
        const dying = <T extends object>(part: T): T =>
          new Proxy(part, {
            get(target, name) {
              const member = Reflect.get(target, name);
              if (typeof member !== 'function') return member;
              return async (...given: unknown[]) => {
                if (crash.left < 0) throw new Error('the process is dead');
                if (crash.left-- > 0) return member.apply(target, given);
                if (after) await member.apply(target, given);
                throw new Error('died');
              };
            },
          });
        const channels = new Map([...deps.channels!].map(([name, channel]) => [name, dying(channel)]));
        const doomed = { ...deps, journal: dying(deps.journal), channels };
        await deliver(alert, { ...doomed, clusters: { clientFor: async () => ({ client: dying(cluster.client) }) } });
        if (crash.left >= 0) break;
        // The queue gives the alert out again before the dead one's lease has ended, and after.
        await deliver(alert, deps);
        clock.advance(LEASE_MS + 1);
        await deliver(alert, deps);
        expect(await states(), `crash at call ${points}`).toEqual([expect.stringMatching(/^a done sent \d$/)]);
        expect(cluster.writes, `crash at call ${points}`).toHaveLength(1);
        expect(sent.length, `crash at call ${points}`).toBeGreaterThan(0);
        expect(sent.length, `crash at call ${points}`).toBeLessThanOrEqual(2);
        expect(new Set(sent.map(([, { id }]) => id)).size).toBe(1);
      }
      expect(points).toBeGreaterThan(5);
    });
  }
});
