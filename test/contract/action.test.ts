import { describe, expect, it } from 'vitest';
import { actionCatalogue } from '../../shared/respond/index.ts';
import { bindingAlert } from '../support/alerts.ts';
import { type ActionCase, actionContract } from './action.ts';

const rbac = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1' } as const;
const core = { apiGroup: '', apiVersion: 'v1' } as const;
const binding = { ...rbac, resource: 'clusterrolebindings', name: 'pwn-43' };
const pod = { ...core, resource: 'pods', namespace: 'prod', name: 'web-1' };

const deployment = { apiGroup: 'apps', apiVersion: 'v1', resource: 'deployments', namespace: 'prod', name: 'web' };

const podAlert = (fields: Parameters<typeof bindingAlert>[0] = {}) =>
  bindingAlert(
    {
      'ka.target.resource': 'pods',
      'ka.target.namespace': 'prod',
      'ka.target.name': 'web-1',
      'ka.resp.name': 'web-1',
      'ka.req.binding.role': null,
      'tiercel.apigroup': '<NA>',
      'ka.uri': '/api/v1/namespaces/prod/pods',
      ...fields,
    },
    { rule: 'Create Privileged Pod' },
  );
/** Its answer carries no object: the UID is known from the live object only. */
const execAlert = () =>
  podAlert({
    'ka.verb': 'get',
    'ka.resp.name': null,
    'ka.target.subresource': 'exec',
    'ka.response.code': '101',
    'ka.stage': 'ResponseStarted',
    'ka.uri': '/api/v1/namespaces/prod/pods/web-1/exec?command=sh',
    'tiercel.uid': '<NA>',
  });

const clusterAdmin = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  roleRef: { apiGroup: rbac.apiGroup, kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ kind: 'User', name: 'mallory' }],
};
const labels = { app: 'web', tier: 'front', 'pod-template-hash': 'abc' };
const webPod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { labels },
  spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'nginx' }] },
};

const CASES: readonly ActionCase[] = [
  {
    action: 'delete-binding',
    parameters: '{}',
    alert: (uid) => bindingAlert({ 'tiercel.uid': uid }),
    target: binding,
    prepare: (cluster) => cluster.put(binding, clusterAdmin).metadata,
    accomplished: (cluster) => cluster.peek(binding) === undefined,
    writes: 1,
  },
  {
    // Whoever made it wants it to stay, and to go on granting.
    action: 'delete-binding',
    parameters: '{}',
    alert: (uid) => bindingAlert({ 'tiercel.uid': uid }),
    target: binding,
    prepare: (cluster) => cluster.put(binding, { ...clusterAdmin, metadata: { finalizers: ['example.com/stay'] } }).metadata,
    accomplished: (cluster) => cluster.peek(binding) === undefined,
    writes: 2,
  },
  {
    action: 'delete-object',
    parameters: '{resources: [pods]}',
    alert: (uid) => podAlert({ 'tiercel.uid': uid }),
    target: pod,
    prepare: (cluster) => cluster.put(pod, webPod).metadata,
    accomplished: (cluster) => cluster.peek(pod) === undefined,
    writes: 1,
  },
  {
    // Its controller in its stead.
    action: 'delete-object',
    parameters: '{resources: [pods, replicasets.apps, deployments.apps], owned: controller}',
    alert: (uid) => podAlert({ 'tiercel.uid': uid }),
    target: pod,
    prepare: (cluster) => {
      const template = { spec: { containers: webPod.spec.containers } };
      const { uid } = cluster.put(deployment, { kind: 'Deployment', spec: { template } }).metadata;
      const ownedBy = (kind: string, name: string, owner: string) => [{ apiVersion: 'apps/v1', kind, name, uid: owner, controller: true }];
      const set = { ...deployment, resource: 'replicasets', name: 'web-7d9' };
      const metadata = { ownerReferences: ownedBy('Deployment', 'web', uid) };
      const owner = cluster.put(set, { kind: 'ReplicaSet', metadata, spec: { template } }).metadata.uid;
      return cluster.put(pod, { ...webPod, metadata: { labels, ownerReferences: ownedBy('ReplicaSet', 'web-7d9', owner) } }).metadata;
    },
    accomplished: (cluster) => cluster.peek(deployment) === undefined,
    writes: 1,
  },
  {
    action: 'label',
    parameters: '{resources: [pods], labels: {tiercel.dev/suspect: "true", tier: null}}',
    alert: execAlert,
    target: pod,
    prepare: (cluster) => cluster.put(pod, webPod).metadata,
    accomplished: (cluster) => cluster.peek(pod)?.metadata.labels?.['tiercel.dev/suspect'] === 'true',
    writes: 1,
  },
  {
    action: 'isolate-pod',
    parameters: '{}',
    alert: execAlert,
    target: pod,
    prepare: (cluster) => {
      const apps = { apiGroup: 'apps', apiVersion: 'v1' } as const;
      const set = cluster.put(
        { ...apps, resource: 'replicasets', namespace: 'prod', name: 'web' },
        { kind: 'ReplicaSet', spec: { selector: { matchLabels: { app: 'web', 'pod-template-hash': 'abc' } } } },
      );
      cluster.put(
        { ...core, resource: 'services', namespace: 'prod', name: 'web' },
        { kind: 'Service', spec: { selector: { app: 'web' } } },
      );
      cluster.put(
        { apiGroup: 'networking.k8s.io', apiVersion: 'v1', resource: 'networkpolicies', namespace: 'prod', name: 'allow-front' },
        { kind: 'NetworkPolicy', spec: { podSelector: { matchExpressions: [{ key: 'tier', operator: 'Exists' }] }, ingress: [{}] } },
      );
      cluster.put(
        { ...apps, resource: 'daemonsets', namespace: 'kube-system', name: 'cilium' },
        { kind: 'DaemonSet', status: { numberReady: 1 } },
      );
      const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: set.metadata.uid, controller: true };
      return cluster.put(pod, { ...webPod, metadata: { labels, ownerReferences: [owner] } }).metadata;
    },
    accomplished: (cluster) => Object.keys(cluster.peek(pod)?.metadata.labels ?? {}).join() === 'tiercel.dev/quarantine',
    writes: 2,
  },
];

const LASTING: readonly ActionCase[] = [
  {
    action: 'capture-evidence',
    parameters: '{}',
    alert: execAlert,
    target: pod,
    prepare: (cluster) => cluster.put(pod, webPod).metadata,
    accomplished: (_cluster, outside) => outside.manifests().length === 1 && outside.manifests().every(outside.isWhole),
    writes: 0,
  },
  {
    action: 'notify',
    parameters: `{channels: [security], text: "{ka.user.name} in {ka.target.name}"}`,
    alert: execAlert,
    target: pod,
    prepare: (cluster) => cluster.put(pod, webPod).metadata,
    // At least once, under one id.
    accomplished: (_cluster, outside) => new Set(outside.messages.map(({ id }) => id)).size === 1,
    writes: 0,
  },
];

for (const given of [...CASES, ...LASTING]) actionContract(given);

describe('the contract', () => {
  it('is passed by every action there is', () => {
    const tried = new Set([...CASES, ...LASTING].map(({ action }) => action));
    expect([...tried].sort()).toEqual([...actionCatalogue.keys()].sort());
  });
});
