import type { KubeClient, ObjectReference } from '../../../shared/platform/kube/index.ts';
import { type Made, makeBinding, makeConfigMap, makePod, makeRoleBinding, makeService } from './objects.ts';
import { gone, isolated, labelsOf } from './scene.ts';

/** Something that is made and answered by one action. */
export interface Scenario {
  readonly action: string;
  readonly what: string;
  readonly make: (client: KubeClient) => Promise<Made>;
  readonly accomplished: (reference: ObjectReference) => Promise<boolean>;
}

/** Every action, on everything its permissions are for. */
export const SCENARIOS: readonly Scenario[] = [
  { action: 'delete-binding', what: 'a ClusterRoleBinding', make: (client) => makeBinding(client), accomplished: gone },
  { action: 'delete-binding', what: 'a RoleBinding', make: (client) => makeRoleBinding(client), accomplished: gone },
  { action: 'delete-object', what: 'a Service', make: makeService, accomplished: gone },
  {
    action: 'label',
    what: 'a ConfigMap',
    make: makeConfigMap,
    accomplished: async (reference) => (await labelsOf(reference)).suspect === 'true',
  },
  ...['ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'ReplicationController'].map(
    (kind): Scenario => ({
      action: 'isolate-pod',
      what: `a pod of a ${kind}`,
      make: (client) => makePod(client, { kind }),
      accomplished: isolated,
    }),
  ),
];
