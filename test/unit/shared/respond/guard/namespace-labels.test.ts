import { describe, expect, it } from 'vitest';
import { type KubeClient, KubeStatusError } from '../../../../../shared/platform/kube/index.ts';
import { actionCatalogue, loadPolicies, rightsFor } from '../../../../../shared/respond/index.ts';
import { ALERT_TIME_MS, shellAlert } from '../../../../support/alerts.ts';
import { createMemoryCluster } from '../../../../support/memory-cluster.ts';
import { deliver, responder, testClock } from '../../../../support/responder.ts';

const namespace = (name: string) => ({ apiGroup: '', apiVersion: 'v1', resource: 'namespaces', name });
const policies = `
- policy: p
  description: d
  mode: enforce
  match: {source: syscall}
  unsigned: allow
  actions: [{action: label, with: {resources: [pods], labels: {suspect: "yes"}}}]
- protect: {namespaceLabels: [example.com/keep, "tier=gold*"]}
`;

/** A shell in prod/web-1, whose namespace carries what a test gives it. */
async function answer(metadata: Record<string, unknown> | undefined, broken: Partial<KubeClient> = {}, text = policies) {
  const clock = testClock(ALERT_TIME_MS - 60_000);
  const cluster = createMemoryCluster(clock);
  cluster.put(
    { ...namespace('web-1'), resource: 'pods', namespace: 'prod' },
    { metadata: { uid: '6f0c2d56-7a44-4c33-8a4c-0e7c15c9d6b1' } },
  );
  if (metadata) cluster.put(namespace('prod'), { metadata });
  clock.advance(65_000);
  const { get } = cluster.client;
  const client = {
    ...cluster.client,
    ...broken,
    get: broken.get
      ? async (...given: Parameters<typeof get>) => (given[0].resource === 'pods' ? get(...given) : broken.get!(...given))
      : get,
  };
  const outcome = await deliver(shellAlert(), responder({ clock, client, policies: text }));
  if (outcome.kind !== 'answered') return { status: outcome.kind, why: [], calls: cluster.calls };
  const { status, guards } = outcome.entries[0]!;
  const why = guards
    .filter(({ verdict, guard }) => verdict !== 'pass' && guard !== 'within-budget')
    .map(({ guard, verdict, reason }) => `${guard} ${verdict}: ${reason}`);
  return { status, why, calls: cluster.calls };
}

describe('protected by a label of its namespace', () => {
  it.each([
    ['a label', { labels: { 'example.com/keep': '' } }, 'namespace label example.com/keep'],
    ['an annotation', { annotations: { 'example.com/keep': 'true' } }, 'namespace label example.com/keep'],
    ['a label with its value', { labels: { tier: 'golden' } }, 'namespace label tier=golden (tier=gold*)'],
  ])('%s refuses', async (_, metadata, by) => {
    expect(await answer(metadata)).toMatchObject({ status: 'refused', why: [`unprotected refuse: protected by ${by}`] });
  });

  it('no such label lets it through', async () => {
    expect(await answer({ labels: { tier: 'silver' } })).toMatchObject({ status: 'done', why: [] });
  });

  it('what cannot be known refuses', async () => {
    expect(await answer(undefined)).toMatchObject({ status: 'refused', why: ['unprotected unknown: its namespace is gone'] });
    const forbidden = async () => {
      throw new KubeStatusError('looking', 403, 'Forbidden', 'no');
    };
    expect(await answer({}, { get: forbidden })).toMatchObject({
      status: 'refused',
      why: [expect.stringContaining('is protected is not known')],
    });
  });

  it('costs nothing where no list asks for it: no look, no right', async () => {
    const without = policies.replace(/- protect.*/, '');
    expect((await answer({ labels: { 'example.com/keep': '' } }, {}, without)).calls).not.toContain('get namespaces');
    expect((await answer({}, {}, policies)).calls).toContain('get namespaces');
    const rights = (text: string) => {
      const set = loadPolicies([{ path: 'p.yaml', text }], actionCatalogue);
      return JSON.stringify(rightsFor(set.policies, actionCatalogue, 'look', set.protection));
    };
    expect(rights(policies)).toContain('{"apiGroups":[""],"resources":["namespaces"],"verbs":["get"]}');
    expect(rights(without)).not.toContain('namespaces');
  });
});
