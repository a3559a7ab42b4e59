import type { ObjectReference } from '../../platform/kube/index.ts';

/** Kinds that own pods, or own what owns them; respond may read these and no other owners. */
export const OWNER_KINDS: Readonly<Record<string, Omit<ObjectReference, 'name' | 'namespace'>>> = {
  ReplicaSet: { apiGroup: 'apps', apiVersion: 'v1', resource: 'replicasets' },
  Deployment: { apiGroup: 'apps', apiVersion: 'v1', resource: 'deployments' },
  StatefulSet: { apiGroup: 'apps', apiVersion: 'v1', resource: 'statefulsets' },
  DaemonSet: { apiGroup: 'apps', apiVersion: 'v1', resource: 'daemonsets' },
  Job: { apiGroup: 'batch', apiVersion: 'v1', resource: 'jobs' },
  CronJob: { apiGroup: 'batch', apiVersion: 'v1', resource: 'cronjobs' },
  ReplicationController: { apiGroup: '', apiVersion: 'v1', resource: 'replicationcontrollers' },
};
