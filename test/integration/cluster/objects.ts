import type { JsonValue, KubeClient, KubeObject, ObjectReference } from '../../../shared/platform/kube/index.ts';
import { NODE } from '../../cluster/start.ts';

/** Names what the test itself asks for. */
export const CALL = { auditId: 'test' };
export const rbac = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1' } as const;
export const core = { apiGroup: '', apiVersion: 'v1' } as const;
export const apps = { apiGroup: 'apps', apiVersion: 'v1' } as const;

export interface Made {
  readonly reference: ObjectReference;
  readonly made: KubeObject;
}

let serial = 0;

export async function create(client: KubeClient, reference: ObjectReference, manifest: Record<string, JsonValue>): Promise<Made> {
  const { name, namespace } = reference;
  const metadata = {
    ...(manifest.metadata as Record<string, JsonValue> | undefined),
    name,
    ...(namespace === undefined ? {} : { namespace }),
  };
  return { reference, made: await client.create(reference, { ...manifest, metadata }, CALL) };
}

export const makeBinding = (client: KubeClient, name = `pwn-${++serial}`) =>
  create(
    client,
    { ...rbac, resource: 'clusterrolebindings', name },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      roleRef: { apiGroup: rbac.apiGroup, kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: rbac.apiGroup, kind: 'User', name: 'eve' }],
    },
  );

export const makeRoleBinding = (client: KubeClient, namespace = 'prod') =>
  create(
    client,
    { ...rbac, resource: 'rolebindings', namespace, name: `pwn-${++serial}` },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      roleRef: { apiGroup: rbac.apiGroup, kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: rbac.apiGroup, kind: 'User', name: 'eve' }],
    },
  );

export const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } };

export interface PodOptions {
  /** Kind of a controller that owns it. */
  readonly kind?: string;
  readonly name?: string;
  /** More of its spec. */
  readonly spec?: Record<string, JsonValue>;
}

/** A pod on the node, and a controller of the given kind that owns it. */
export async function makePod(client: KubeClient, { kind, name = `web-${++serial}`, spec = {} }: PodOptions = {}): Promise<Made> {
  const owners: Record<string, { reference: Omit<ObjectReference, 'name'>; spec: Record<string, JsonValue> }> = {
    ReplicaSet: {
      reference: { ...apps, resource: 'replicasets', namespace: 'prod' },
      spec: { selector: { matchLabels: { app: 'web' } }, template },
    },
    StatefulSet: {
      reference: { ...apps, resource: 'statefulsets', namespace: 'prod' },
      spec: { serviceName: 'x', selector: { matchLabels: { app: 'web' } }, template },
    },
    DaemonSet: {
      reference: { ...apps, resource: 'daemonsets', namespace: 'prod' },
      spec: { selector: { matchLabels: { app: 'web' } }, template },
    },
    Job: {
      reference: { apiGroup: 'batch', apiVersion: 'v1', resource: 'jobs', namespace: 'prod' },
      spec: { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } },
    },
    ReplicationController: {
      reference: { ...core, resource: 'replicationcontrollers', namespace: 'prod' },
      spec: { selector: { app: 'web' }, template },
    },
  };
  const owner = kind === undefined ? undefined : owners[kind]!;
  const owned =
    owner && kind
      ? await create(
          client,
          { ...owner.reference, name },
          { apiVersion: `${owner.reference.apiGroup === '' ? '' : `${owner.reference.apiGroup}/`}v1`, kind, spec: owner.spec },
        )
      : undefined;
  const ownerReferences =
    owned && kind ? [{ apiVersion: owned.made.apiVersion, kind, name, uid: owned.made.metadata.uid, controller: true }] : [];
  return create(
    client,
    { ...core, resource: 'pods', namespace: 'prod', name },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { labels: { app: 'web', team: 'a' }, ownerReferences },
      spec: { ...template.spec, nodeName: NODE, ...spec },
    },
  );
}

export const makeService = (client: KubeClient) =>
  create(
    client,
    { ...core, resource: 'services', namespace: 'prod', name: `s-${++serial}` },
    { apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80 }], type: 'NodePort', selector: { app: 'other' } } },
  );

export const makeConfigMap = (client: KubeClient) =>
  create(
    client,
    { ...core, resource: 'configmaps', namespace: 'prod', name: `c-${++serial}` },
    { apiVersion: 'v1', kind: 'ConfigMap', data: { a: 'b' } },
  );
