import { describe, expect, it } from 'vitest';
import type { ObjectReference } from '../../../../../shared/platform/kube/index.ts';
import { undo } from '../../../../../shared/respond/undo.ts';
import { ALERT_TIME_MS, bindingAlert } from '../../../../support/alerts.ts';
import { createMemoryCluster, type MemoryCluster } from '../../../../support/memory-cluster.ts';
import { deliver, responder, sign, testClock } from '../../../../support/responder.ts';

const QUARANTINE = 'tiercel.dev/quarantine';
const POD_UID = 'f95eb877-a056-424d-89a4-27b2ab04bae2';
const at = (apiGroup: string, resource: string, name: string, namespace = 'prod'): ObjectReference => ({
  apiGroup,
  apiVersion: 'v1',
  resource,
  namespace,
  name,
});
const POD = at('', 'pods', 'web-1');
const policy = (name: string) => at('networking.k8s.io', 'networkpolicies', name);
const daemonSet = (name: string, namespace = 'kube-system') => at('apps', 'daemonsets', name, namespace);

interface Scene {
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly spec?: Record<string, unknown>;
  readonly owner?: { readonly kind: string; readonly name: string };
  readonly enforcement?: 'detect' | 'assume';
  readonly prepare?: (cluster: MemoryCluster) => void;
}

const cilium = (cluster: MemoryCluster) => cluster.put(daemonSet('cilium'), { kind: 'DaemonSet', status: { numberReady: 3 } });
const allowing = (cluster: MemoryCluster, podSelector: unknown, name = 'allow') =>
  cluster.put(policy(name), { kind: 'NetworkPolicy', spec: { podSelector, policyTypes: ['Ingress'], ingress: [{}] } });

async function answer({ labels = { app: 'web' }, annotations, spec = {}, owner, enforcement = 'detect', prepare = cilium }: Scene = {}) {
  const clock = testClock(ALERT_TIME_MS - 1_000);
  const cluster = createMemoryCluster(clock);
  const ownerReferences = owner && [{ apiVersion: 'apps/v1', ...owner, uid: 'o', controller: true }];
  cluster.put(POD, {
    kind: 'Pod',
    metadata: { uid: POD_UID, labels, annotations, ownerReferences },
    spec: { nodeName: 'ip-10-0-0-1', ...spec },
  });
  prepare(cluster);
  clock.advance(5_000);
  const policies = `
- policy: p
  description: d
  mode: enforce
  match: {source: k8s_audit}
  cooldown: 1s
  actions: [{action: isolate-pod, with: {enforcement: ${enforcement}}}]
`;
  const deps = responder({ clock, client: cluster.client, policies });
  const alert = sign(
    bindingAlert({
      'ka.target.resource': 'pods',
      'ka.target.namespace': 'prod',
      'ka.target.name': 'web-1',
      'tiercel.apigroup': '<NA>',
      'tiercel.uid': POD_UID,
    }),
  );
  const outcome = await deliver(alert, deps);
  if (outcome.kind !== 'answered') throw new Error(`the alert was ${outcome.kind}`);
  const entry = outcome.entries[0]!;
  const refusal = entry.guards.filter(({ verdict }) => verdict !== 'pass').map(({ reason }) => reason);
  const takeBack = () => undo(entry, { by: 't', force: false }, { ...deps, client: cluster.client });
  return { cluster, entry, refusal: refusal.join('; '), labels: cluster.peek(POD)!.metadata.labels ?? {}, takeBack };
}

describe('isolate-pod', () => {
  it('names its response on the pod and on the policy, and strips what anything selects by, and nothing else', async () => {
    const { cluster, entry, labels, takeBack } = await answer({
      labels: { app: 'web', 'pod-template-hash': 'x', tier: 'front', team: 'a' },
      owner: { kind: 'ReplicaSet', name: 'web' },
      prepare: (c) => {
        cilium(c);
        c.put(at('apps', 'replicasets', 'web'), { kind: 'ReplicaSet', spec: { selector: { matchLabels: { 'pod-template-hash': 'x' } } } });
        c.put(at('', 'services', 'web'), { kind: 'Service', spec: { selector: { app: 'web' } } });
        allowing(c, { matchExpressions: [{ key: 'tier', operator: 'In', values: ['front'] }] });
      },
    });
    expect(entry.status).toBe('done');
    expect(labels).toEqual({ team: 'a', [QUARANTINE]: entry.id });
    expect(cluster.peek(policy(`tiercel-quarantine-${entry.id}`))).toMatchObject({
      metadata: { annotations: { 'tiercel.dev/response': entry.id } },
      spec: { podSelector: { matchLabels: { [QUARANTINE]: entry.id } }, policyTypes: ['Ingress', 'Egress'] },
    });
    expect(entry.caveats.join()).toMatch(/open already may survive.*only NetworkPolicies are looked at/);
    await takeBack();
    expect(cluster.peek(POD)!.metadata.labels).toEqual({ app: 'web', 'pod-template-hash': 'x', tier: 'front', team: 'a' });
    expect(cluster.peek(policy(`tiercel-quarantine-${entry.id}`))).toBeUndefined();
  });

  it.each<[string, Scene, RegExp]>([
    ["on its node's network", { spec: { hostNetwork: true } }, /the node's network/],
    ['where nothing enforces', { prepare: () => {} }, /^not enforceable/],
    [
      'where what would enforce runs nowhere',
      { prepare: (c) => c.put(daemonSet('cilium'), { kind: 'DaemonSet', status: { numberReady: 0 } }) },
      /^not enforceable/,
    ],
    [
      'where the VPC CNI was not told to',
      {
        prepare: (c) =>
          c.put(daemonSet('aws-node'), {
            kind: 'DaemonSet',
            spec: { args: ['--enable-network-policy=false'] },
            status: { numberReady: 3 },
          }),
      },
      /^not enforceable/,
    ],
    ['on Fargate', { spec: { nodeName: 'fargate-ip-10-0-0-1.ec2.internal' } }, /^not enforceable: .*Fargate/],
    ['on Fargate, though enforcement is assumed', { enforcement: 'assume', spec: { nodeName: 'fargate-ip-10-0-0-1' } }, /Fargate/],
    [
      'on Windows under the VPC CNI',
      {
        spec: { nodeSelector: { 'kubernetes.io/os': 'windows' } },
        prepare: (c) =>
          c.put(daemonSet('aws-node'), { kind: 'DaemonSet', spec: { args: ['--enable-network-policy=true'] }, status: { numberReady: 3 } }),
      },
      /^not enforceable/,
    ],
    [
      'that a policy for every pod lets through',
      {
        prepare: (c) => {
          cilium(c);
          allowing(c, {});
        },
      },
      /^not enforceable: NetworkPolicy allow/,
    ],
  ])('refuses a pod %s', async (_name, scene, why) => {
    const { cluster, entry, refusal } = await answer(scene);
    expect(entry.status).toBe('refused');
    expect(refusal).toMatch(why);
    expect(cluster.writes).toEqual([]);
  });

  it.each([
    ['aws-node', 'kube-system', { args: ['--enable-ipv6=false', '--enable-network-policy=true'] }],
    ['calico-node', 'calico-system', {}],
    ['calico-node', 'kube-system', {}],
    ['cilium', 'kube-system', {}],
  ])('goes by %s in %s', async (name, namespace, spec) => {
    const { entry } = await answer({
      prepare: (c) => c.put(daemonSet(name, namespace), { kind: 'DaemonSet', spec, status: { numberReady: 1 } }),
    });
    expect(entry.status).toBe('done');
  });

  it('says what was assumed, and that a StatefulSet cannot go on', async () => {
    const { entry } = await answer({ enforcement: 'assume', prepare: () => {}, owner: { kind: 'StatefulSet', name: 'db' } });
    expect(entry.status).toBe('done');
    expect(entry.caveats).toContain('that something in the cluster enforces NetworkPolicies is assumed');
    expect(entry.caveats).toContain('StatefulSet db starts no other in its place while this pod has its name');
  });

  describe('whoever makes the pod does not get it out of it', () => {
    it('by the label of an isolated one', async () => {
      const { entry, labels, cluster, takeBack } = await answer({ labels: { app: 'web', [QUARANTINE]: 'mine' } });
      expect(entry.status).toBe('done');
      expect(labels[QUARANTINE]).toBe(entry.id);
      await takeBack();
      expect(cluster.peek(POD)!.metadata.labels).toEqual({ app: 'web', [QUARANTINE]: 'mine' });
    });

    it('by that label, and a policy that lets it through', async () => {
      const { entry, refusal } = await answer({
        labels: { [QUARANTINE]: 'mine' },
        prepare: (c) => {
          cilium(c);
          allowing(c, { matchLabels: { [QUARANTINE]: 'mine' } });
        },
      });
      expect([entry.status, refusal]).toEqual(['done', '']);
    });

    it.each(['constructor', '__proto__', 'toString', 'Rollout'])('by an owner of kind %s', async (kind) => {
      const { entry, cluster } = await answer({ owner: { kind, name: 'x' } });
      expect(entry.status).toBe('done');
      expect(cluster.calls.filter((call) => !/^(get (pods|daemonsets)|list |ask |patch |create )/.test(call))).toEqual([]);
    });

    it('by filling its annotations to their limit', async () => {
      const annotations = { padding: 'x'.repeat(262_144 - 'padding'.length) };
      const { entry, cluster } = await answer({ annotations });
      expect(entry.status).toBe('done');
      expect(cluster.peek(POD)!.metadata.annotations).toEqual(annotations);
    });
  });

  it('leaves alone what is isolated already', async () => {
    const { entry, refusal } = await answer({
      labels: { [QUARANTINE]: 'earlier' },
      prepare: (c) => {
        cilium(c);
        c.put(policy('tiercel-quarantine-earlier'), {
          kind: 'NetworkPolicy',
          spec: { podSelector: { matchLabels: { [QUARANTINE]: 'earlier' } }, policyTypes: ['Ingress', 'Egress'] },
        });
      },
    });
    expect([entry.status, refusal]).toEqual(['refused', expect.stringContaining('isolated already')]);
  });
});
