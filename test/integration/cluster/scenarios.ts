import { expect } from 'vitest';
import type { KubeClient, ObjectReference } from '../../../shared/platform/kube/index.ts';
import type { Outside } from '../../support/outside.ts';
import {
  apps,
  core,
  type Made,
  makeBinding,
  makeConfigMap,
  makeEvictedPod,
  makePod,
  makeRoleBinding,
  makeService,
  POD_OWNERS,
  type PodOptions,
} from './objects.ts';
import { gone, isolated, labelsOf } from './scene.ts';

/** Something that is made and answered by one action of one policy. */
export interface Scenario {
  readonly policy: string;
  readonly action: string;
  readonly what: string;
  readonly make: (client: KubeClient) => Promise<Made>;
  readonly accomplished: (reference: ObjectReference, outside: Outside) => Promise<boolean>;
}

const EVIDENCE = [
  'bindings/cluster.json',
  'bindings/namespaces.json',
  'events.json',
  'logs/c.log',
  'logs/c.previous.log',
  'node.json',
  'object.json',
  'owners',
];

/** Whether everything that can be seen of a pod was kept, and nothing was out of reach. */
async function isKept({ name }: ObjectReference, { manifests, isWhole }: Outside): Promise<boolean> {
  const [manifest, ...others] = manifests();
  if (!manifest || others.length > 0 || !isWhole(manifest) || manifest.missing.length > 0) return false;
  const names = manifest.kept.map((file) => file.name.replace(/^owners\/.*/, 'owners'));
  expect([...new Set(names)].sort(), name).toEqual(EVIDENCE);
  return true;
}

const binding = (what: string, make: (client: KubeClient) => Promise<Made>): Scenario => ({
  policy: 'delete-binding',
  action: 'delete-binding',
  what,
  make: (client) => make(client),
  accomplished: gone,
});

/** A pod that is deleted, or the controller at the top of what makes it. */
function evicted(what: string, options: PodOptions, resource: string): Scenario {
  const group = resource === 'pods' ? core : apps;
  return {
    policy: 'delete-controller',
    action: 'delete-object',
    what,
    make: (client) => makeEvictedPod(client, options),
    accomplished: ({ name }) => gone({ ...group, resource, namespace: 'prod', name }),
  };
}

/** Every action, on everything its permissions are for. */
export const SCENARIOS: readonly Scenario[] = [
  binding('a ClusterRoleBinding', makeBinding),
  binding('a RoleBinding', makeRoleBinding),
  binding('a ClusterRoleBinding that a finalizer keeps', (client) => makeBinding(client, { held: true })),
  binding('a RoleBinding that a finalizer keeps', (client) => makeRoleBinding(client, { held: true })),
  { policy: 'delete-object', action: 'delete-object', what: 'a Service', make: makeService, accomplished: gone },
  evicted('a pod that nothing controls', {}, 'pods'),
  evicted('a pod of a ReplicaSet that nothing controls', { kind: 'ReplicaSet', alone: true }, 'replicasets'),
  evicted('a pod of a Deployment', { kind: 'ReplicaSet' }, 'deployments'),
  {
    policy: 'label',
    action: 'label',
    what: 'a ConfigMap',
    make: makeConfigMap,
    accomplished: async (reference) => (await labelsOf(reference)).suspect === 'true',
  },
  {
    policy: 'notify',
    action: 'notify',
    what: 'a Service',
    make: makeService,
    accomplished: async ({ name }, { messages }) => messages.length === 1 && JSON.stringify(messages).includes(`prod/${name}`),
  },
  ...POD_OWNERS.flatMap((kind): Scenario[] => [
    {
      policy: 'capture-evidence',
      action: 'capture-evidence',
      what: `a pod of a ${kind}`,
      make: (client) => makePod(client, { kind }),
      accomplished: isKept,
    },
    {
      policy: 'isolate-pod',
      action: 'isolate-pod',
      what: `a pod of a ${kind}`,
      make: (client) => makePod(client, { kind }),
      accomplished: isolated,
    },
  ]),
];
