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

/** Keeps an object that was deleted, and nobody takes it away. */
const HELD = { finalizers: ['example.com/stay'] };

const clusterAdmin = (kind: string, held: boolean): Record<string, JsonValue> => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind,
  metadata: held ? HELD : {},
  roleRef: { apiGroup: rbac.apiGroup, kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ apiGroup: rbac.apiGroup, kind: 'User', name: 'eve' }],
});

interface BindingOptions {
  readonly name?: string;
  readonly namespace?: string;
  /** Whether a finalizer keeps it. */
  readonly held?: boolean;
}

export const makeBinding = (client: KubeClient, { name = `pwn-${++serial}`, held = false }: BindingOptions = {}) =>
  create(client, { ...rbac, resource: 'clusterrolebindings', name }, clusterAdmin('ClusterRoleBinding', held));

export const makeRoleBinding = (client: KubeClient, { name = `pwn-${++serial}`, namespace = 'prod', held = false }: BindingOptions = {}) =>
  create(client, { ...rbac, resource: 'rolebindings', namespace, name }, clusterAdmin('RoleBinding', held));

export const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } };

const byMatchLabels = { selector: { matchLabels: { app: 'web' } }, template };
const job = { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } };

/** Controllers of pods, and what owns them in turn. */
const CONTROLLERS: Readonly<Record<string, { readonly group: string; readonly spec: Record<string, JsonValue>; readonly owner?: string }>> =
  {
    Deployment: { group: 'apps', spec: byMatchLabels },
    ReplicaSet: { group: 'apps', spec: byMatchLabels, owner: 'Deployment' },
    StatefulSet: { group: 'apps', spec: { ...byMatchLabels, serviceName: 'x' } },
    DaemonSet: { group: 'apps', spec: byMatchLabels },
    CronJob: { group: 'batch', spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: job } } },
    Job: { group: 'batch', spec: job, owner: 'CronJob' },
    ReplicationController: { group: '', spec: { selector: { app: 'web' }, template } },
  };

/** Kinds that a pod may say owns it. */
export const POD_OWNERS = ['ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'ReplicationController'] as const;

async function makeController(client: KubeClient, kind: string, name: string, alone: boolean): Promise<readonly JsonValue[]> {
  const { group, spec, owner } = CONTROLLERS[kind]!;
  const ownerReferences = owner === undefined || alone ? [] : await makeController(client, owner, name, false);
  const apiVersion = group === '' ? 'v1' : `${group}/v1`;
  const reference = { apiGroup: group, apiVersion: 'v1', resource: `${kind.toLowerCase()}s`, namespace: 'prod', name };
  const { made } = await create(client, reference, { apiVersion, kind, metadata: { ownerReferences }, spec });
  return [{ apiVersion, kind, name, uid: made.metadata.uid, controller: true }];
}

export interface PodOptions {
  /** Kind of the controller that owns it; it has the same name. */
  readonly kind?: string;
  /** Whether nothing owns that controller in turn. */
  readonly alone?: boolean;
  readonly name?: string;
  /** More of its spec. */
  readonly spec?: Record<string, JsonValue>;
}

/** A pod on the node, and whatever owns it. */
export async function makePod(
  client: KubeClient,
  { kind, alone = false, name = `web-${++serial}`, spec = {} }: PodOptions = {},
): Promise<Made> {
  const ownerReferences = kind === undefined ? [] : await makeController(client, kind, name, alone);
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

/** A pod whose name says that it, or what makes it, is to be deleted. */
export const makeEvictedPod = (client: KubeClient, options: PodOptions = {}) => makePod(client, { ...options, name: `evict-${++serial}` });

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
