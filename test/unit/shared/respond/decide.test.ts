import { describe, expect, it } from 'vitest';
import { KubeListTooLongError } from '../../../../shared/platform/kube/errors.ts';
import { type KubeClient, KubeConnectionError, KubeStatusError } from '../../../../shared/platform/kube/index.ts';
import { ALERT_TIME_MS, bindingAlert } from '../../../support/alerts.ts';
import { createMemoryCluster } from '../../../support/memory-cluster.ts';
import { deliver, responder, sign, testClock } from '../../../support/responder.ts';

const pod = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' };

/** A pod to isolate, in a cluster whose client fails in one of its calls. */
function scene(mode: string, broken: Partial<KubeClient>) {
  const clock = testClock(ALERT_TIME_MS - 1000);
  const cluster = createMemoryCluster(clock);
  const { uid } = cluster.put(pod, { kind: 'Pod', metadata: { labels: { app: 'web' } }, spec: {} }).metadata;
  clock.advance(5000);
  const policies = `- policy: p\n  description: d\n  mode: ${mode}\n  match: {source: k8s_audit}\n  actions: [{action: isolate-pod, with: {enforcement: assume}}]\n`;
  const deps = responder({ clock, client: { ...cluster.client, ...broken }, policies });
  const alert = sign(
    bindingAlert({
      'ka.target.resource': 'pods',
      'ka.target.namespace': 'prod',
      'ka.target.name': 'web',
      'tiercel.apigroup': '<NA>',
      'tiercel.uid': uid,
    }),
  );
  return { deliver: () => deliver(alert, deps), cluster };
}

const unknowns = (outcome: Awaited<ReturnType<typeof deliver>>) =>
  outcome.kind === 'answered'
    ? outcome.entries.map(({ status, guards }) => [
        status,
        ...guards.filter(({ verdict }) => verdict === 'unknown').map(({ guard }) => guard),
      ])
    : outcome.kind;

const away = async () => {
  throw new KubeConnectionError('looking', 'got nothing');
};
const forbidden = async () => {
  throw new KubeStatusError('looking', 403, 'Forbidden', 'no');
};

const endless = async () => {
  throw new KubeListTooLongError('listing', 40);
};

describe('when the cluster cannot be asked', () => {
  it.each([
    ['the look', { get: away }, ['same-object', 'within-budget']],
    ['planning', { list: away }, ['feasible', 'within-budget']],
    ['the question for rights', { mayI: away }, ['permitted', 'within-budget']],
  ])('a plan in shadow shows what %s left unknown', async (_what, broken, guards) => {
    expect(unknowns(await scene('shadow', broken).deliver())).toEqual([['planned', ...guards]]);
  });

  it.each([
    ['the look', { get: away }],
    ['planning', { list: away }],
  ])('nothing is decided about acting while %s finds nobody: the alert comes again', async (_what, broken) => {
    const { deliver: send, cluster } = scene('enforce', broken);
    expect(await send()).toMatchObject({ kind: 'failed', error: { retryable: true } });
    expect(cluster.writes).toEqual([]);
  });

  it.each([
    ['the look', { get: forbidden }, 'same-object'],
    ['planning', { list: forbidden }, 'feasible'],
    ['planning, by a list without end', { list: endless }, 'feasible'],
  ])('a lasting no to %s is a refusal', async (_what, broken, guard) => {
    const { deliver: send, cluster } = scene('enforce', broken);
    expect(unknowns(await send())).toEqual([['refused', guard, 'within-budget']]);
    expect(cluster.writes).toEqual([]);
  });

  it('a write that is forbidden fails the response, for an operator to see', async () => {
    const { deliver: send } = scene('enforce', { create: forbidden });
    expect(await send()).toMatchObject({ entries: [{ status: 'failed', remark: expect.stringContaining('403 Forbidden') }] });
  });
});

describe('in shadow, respond asks whether it might', () => {
  const binding = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1', resource: 'clusterrolebindings', name: 'pwn-43' };

  async function asked(action: string, answer: (verb: string) => boolean, metadata: object = {}) {
    const clock = testClock(ALERT_TIME_MS - 1000);
    const cluster = createMemoryCluster(clock);
    const { uid } = cluster.put(binding, { kind: 'ClusterRoleBinding', metadata }).metadata;
    clock.advance(5000);
    const questions: unknown[] = [];
    const mayI: KubeClient['mayI'] = async (question, call) => {
      questions.push([question, call.auditId]);
      return answer(question.verb);
    };
    const policies = `- {policy: p, description: d, mode: shadow, match: {source: k8s_audit}, actions: [${action}]}\n`;
    const deps = responder({ clock, client: { ...cluster.client, mayI }, policies });
    const outcome = await deliver(sign(bindingAlert({ 'tiercel.uid': uid })), deps);
    const [entry] = outcome.kind === 'answered' ? outcome.entries : [];
    const { guard: _, ...permitted } = entry!.guards.find(({ guard }) => guard === 'permitted')!;
    expect(cluster.writes).toEqual([]);
    return { questions, permitted, status: entry!.status, event: entry!.event };
  }

  it('for each thing it would do, under the name of the look', async () => {
    const { questions, permitted, status, event } = await asked('{action: delete-binding}', () => true);
    expect(questions).toEqual([[{ verb: 'delete', object: expect.objectContaining(binding) }, `tiercel/${event}/look`]]);
    expect([permitted.verdict, status]).toEqual(['pass', 'planned']);
  });

  it('also for taking finalizers away', async () => {
    const finalizers = { finalizers: ['example.com/stay'] };
    const { questions, permitted, status } = await asked('{action: delete-binding}', (verb) => verb !== 'patch', finalizers);
    expect(questions.map((question) => (question as [{ verb: string }])[0].verb)).toEqual(['delete', 'patch']);
    expect(permitted).toEqual({
      verdict: 'unknown',
      reason:
        'respond may not patch clusterrolebindings.rbac.authorization.k8s.io pwn-43: bind the role tiercel-respond-act before enforcing',
    });
    expect(status).toBe('planned');
  });

  it('and says what it may not', async () => {
    const { permitted } = await asked('{action: delete-binding}', () => false);
    expect(permitted).toMatchObject({ verdict: 'unknown', reason: expect.stringMatching(/^respond may not delete clusterrolebindings/) });
  });

  it('but not for what changes no cluster', async () => {
    const { questions, permitted } = await asked(
      '{action: notify, with: {channels: [a], resources: [clusterrolebindings.rbac.authorization.k8s.io]}}',
      () => false,
    );
    expect([questions, permitted.verdict]).toEqual([[], 'pass']);
  });
});

it('a place is taken in the window of the event, for its cluster, however late; and the journal says who called', async () => {
  const clock = testClock(ALERT_TIME_MS - 1000);
  const cluster = createMemoryCluster(clock);
  const binding = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1', resource: 'clusterrolebindings', name: 'pwn-43' };
  const { uid } = cluster.put(binding, { kind: 'ClusterRoleBinding' }).metadata;
  clock.advance(481_000);
  const policies = `- {policy: p, description: d, mode: enforce, match: {source: k8s_audit}, actions: [{action: delete-binding}], budget: {per: 5m}}\n`;
  const deps = responder({ clock, client: cluster.client, policies });
  const taken: Parameters<typeof deps.budgets.reserve>[0][] = [];
  const reserve: typeof deps.budgets.reserve = (reservation) => {
    taken.push(reservation);
    return deps.budgets.reserve(reservation);
  };
  const outcome = await deliver(sign(bindingAlert({ 'tiercel.uid': uid })), { ...deps, budgets: { ...deps.budgets, reserve } });
  expect(outcome).toMatchObject({ entries: [{ status: 'done', user: 'mallory', cluster: 'prod-1' }] });
  expect(taken).toMatchObject([
    {
      window: { key: `p/${Date.parse('2026-11-21T08:20:00Z')}`, endsAtMs: Date.parse('2026-11-21T08:25:00Z') },
      cooldown: { untilMs: expect.any(Number) },
    },
  ]);
  expect(taken[0]!.cooldown!.untilMs).toBeGreaterThan(clock.now());
});
