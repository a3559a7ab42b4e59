import type { ObjectReference } from '../../platform/kube/index.ts';

export type OwnerKind = Omit<ObjectReference, 'name' | 'namespace'>;

/** Kinds that own pods, or own what owns them; respond may read these and no other owners. A map: whoever makes an object writes any word as its owner's kind. */
export const OWNER_KINDS: ReadonlyMap<string, OwnerKind> = new Map(
  Object.entries({
    ReplicaSet: { apiGroup: 'apps', apiVersion: 'v1', resource: 'replicasets' },
    Deployment: { apiGroup: 'apps', apiVersion: 'v1', resource: 'deployments' },
    StatefulSet: { apiGroup: 'apps', apiVersion: 'v1', resource: 'statefulsets' },
    DaemonSet: { apiGroup: 'apps', apiVersion: 'v1', resource: 'daemonsets' },
    Job: { apiGroup: 'batch', apiVersion: 'v1', resource: 'jobs' },
    CronJob: { apiGroup: 'batch', apiVersion: 'v1', resource: 'cronjobs' },
    ReplicationController: { apiGroup: '', apiVersion: 'v1', resource: 'replicationcontrollers' },
  }),
);
