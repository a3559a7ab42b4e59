import * as z from 'zod';
import { describeObject } from '../../platform/kube/index.ts';
import { fieldText } from '../fields.ts';
import type { Action } from './action.ts';
import { planDeletion } from './delete-effect.ts';

const RBAC_GROUP = 'rbac.authorization.k8s.io';
const BINDINGS = ['clusterrolebindings', 'rolebindings'];

const parameters = z.strictObject({
  roles: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      'only bindings to these Roles or ClusterRoles, as the binding itself says: whichever rule alerted, a binding to any other is left alone',
    ),
});

/**
 * Takes back a grant: exactly the binding that the audited call created. One that was there before and was only changed is left alone:
 * others may rely on it, and deleting it would take their rights too.
 */
export const deleteBinding: Action = {
  name: 'delete-binding',
  summary:
    'Deletes the RoleBinding or ClusterRoleBinding that the audited call created, by UID, and takes away the finalizers that would keep it: until it is gone it grants.',
  parameters,
  example: { roles: ['cluster-admin'] },
  needs: ['ka.verb', 'ka.target.resource', 'tiercel.apigroup', 'tiercel.apiversion', 'tiercel.uid'],
  undo: 'operator',
  undoSummary: 'Creates the binding again, with the rights of the operator who asks for it: creating a binding is granting.',
  declines: (target, alert) => {
    if (target.apiGroup !== RBAC_GROUP || !BINDINGS.includes(target.resource) || target.subresource !== undefined) {
      return `expected a RoleBinding or ClusterRoleBinding, the alert is about ${describeObject(target)}`;
    }
    const verb = String(alert.output_fields['ka.verb']);
    // A patch (server-side apply) and an update create what is not there, and only then answer 201.
    const created = verb === 'create' || fieldText(alert, 'ka.response.code') === '201';
    return created
      ? undefined
      : `expected a binding that the audited call created, its verb is ${verb} and the answer is not 201: others may rely on the binding`;
  },
  intent: (target) => `delete ${describeObject(target)}, uid ${target.uid ?? 'unknown'}`,
  permissions: () =>
    BINDINGS.flatMap((resource) => [
      { apiGroup: RBAC_GROUP, resource, verb: 'get', use: 'look' },
      { apiGroup: RBAC_GROUP, resource, verb: 'delete', use: 'act' },
      // For finalizers. Naming subjects that way is refused by the API server: it takes the rights themselves, or `bind`.
      { apiGroup: RBAC_GROUP, resource, verb: 'patch', use: 'act' },
    ]),
  plan: async ({ target, live, parameters: given }) => {
    const { roles } = parameters.parse(given);
    const { name = 'none' } = (live.roleRef ?? {}) as { readonly name?: string };
    if (roles && !roles.includes(name)) return { refusal: `its role is ${name}, the policy is about bindings to ${roles.join(', ')}` };
    return planDeletion(target, live, { propagationPolicy: 'Background', releases: true });
  },
};
