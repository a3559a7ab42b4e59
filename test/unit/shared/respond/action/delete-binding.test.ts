import { expect, it } from 'vitest';
import { ALERT_TIME_MS, bindingAlert } from '../../../../support/alerts.ts';
import { createMemoryCluster } from '../../../../support/memory-cluster.ts';
import { deliver, responder, sign, testClock } from '../../../../support/responder.ts';

const binding = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1', resource: 'clusterrolebindings', name: 'pwn-43' };

const POLICY = `
- policy: p
  description: d
  mode: enforce
  match: {source: k8s_audit, rules: [Attach to cluster-admin Role]}
  actions: [{action: delete-binding, with: {roles: [cluster-admin, admin]}}]
`;

it.each([
  ['cluster-admin', 'done'],
  ['admin', 'done'],
  ['view', 'refused'],
  [undefined, 'refused'],
])('believes the binding about its role, not the rule that an alert names: %s', async (role, status) => {
  const clock = testClock(ALERT_TIME_MS - 1_000);
  const cluster = createMemoryCluster(clock);
  const roleRef = role === undefined ? {} : { roleRef: { kind: 'ClusterRole', name: role } };
  const { uid } = cluster.put(binding, { kind: 'ClusterRoleBinding', ...roleRef }).metadata;
  clock.advance(5_000);
  const outcome = await deliver(sign(bindingAlert({ 'tiercel.uid': uid })), responder({ clock, client: cluster.client, policies: POLICY }));
  expect(outcome).toMatchObject({ entries: [{ status }] });
  expect(cluster.peek(binding) === undefined).toBe(status === 'done');
});
