import * as z from 'zod';
import { describeObject } from '../../platform/kube/index.ts';
import { OWNER_KINDS } from '../evidence/owners.ts';
import { fieldList, fieldText } from '../fields.ts';
import type { Action, Permission } from './action.ts';
import { isAmong, resourceName, splitResource } from './resources.ts';

const RBAC_GROUP = 'rbac.authorization.k8s.io';

const parameters = z.strictObject({
  resources: z
    .array(
      resourceName.refine((name) => name !== 'secrets', { error: 'secrets are never read: their data is not evidence, it is the loot' }),
    )
    .min(1)
    .default(['pods'])
    .describe('what evidence is kept of; an alert about anything else is refused'),
  logBytes: z
    .int()
    .min(1024)
    .max(8 * 1024 * 1024)
    .default(1024 * 1024)
    .describe('most of one container’s log, bytes, from its end'),
});
const settings = (given: unknown) => parameters.parse(given);

/** Keeps what there is to see before somebody, or the next action, changes it. */
export const captureEvidence: Action = {
  name: 'capture-evidence',
  summary:
    'Keeps the object, its owners, the Events about it, the logs of all its containers (init and ephemeral ones too, current and previous), its node, and the bindings of the user of the alert, in the evidence bucket with a manifest of what was kept and what could not be had. The object is kept as it is: a pod with the values of its environment.',
  parameters,
  example: {},
  needs: ['ka.user.name', 'ka.target.resource', 'tiercel.apiversion', 'tiercel.received'],
  undo: 'none',
  undoSummary: 'Nothing to take back: it only reads from the cluster, and evidence is kept until its retention ends.',
  declines: (target, _alert, given) => {
    const { resources } = settings(given);
    return isAmong(target, resources) ? undefined : `expected one of ${resources.join(', ')}, the alert is about ${describeObject(target)}`;
  },
  intent: (target) => `keep evidence of ${describeObject(target)}`,
  permissions: (given) => {
    const { resources } = settings(given);
    const act = (apiGroup: string, resource: string, verb: Permission['verb']): Permission => ({ apiGroup, resource, verb, use: 'act' });
    return [
      ...resources.map((name): Permission => ({ ...splitResource(name), verb: 'get', use: 'look' })),
      ...[...OWNER_KINDS.values()].map(({ apiGroup, resource }) => act(apiGroup, resource, 'get')),
      act('', 'events', 'list'),
      ...(resources.includes('pods') ? [act('', 'pods/log', 'get'), act('', 'nodes', 'get')] : []),
      act(RBAC_GROUP, 'clusterrolebindings', 'list'),
      act(RBAC_GROUP, 'rolebindings', 'list'),
    ];
  },
  plan: async ({ target, live, alert, parameters: given }) => {
    const { apiGroup, apiVersion, resource, namespace, name } = target;
    return {
      caveats: [],
      effects: [
        {
          verb: 'keep',
          object: { apiGroup, apiVersion, resource, ...(namespace === undefined ? {} : { namespace }), name },
          uid: live.metadata.uid,
          user: fieldText(alert, 'ka.user.name') ?? '',
          groups: fieldList(alert, 'ka.user.groups') ?? [],
          logBytes: settings(given).logBytes,
        },
      ],
    };
  },
};
