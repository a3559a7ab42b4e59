import * as z from 'zod';
import { describeObject } from '../target.ts';
import type { Action } from './action.ts';

const RBAC_GROUP = 'rbac.authorization.k8s.io';
const BINDINGS = new Set(['rolebindings', 'clusterrolebindings']);
/**
 * Takes back a grant: exactly the binding that the audited call created. One that was there before and was only changed is left alone:
 * others may rely on it, and deleting it would take their rights too.
 */
export const deleteBinding: Action = {
  name: 'delete-binding',
  summary: 'Deletes the RoleBinding or ClusterRoleBinding that the audited call created, by UID.',
  parameters: z.strictObject({}),
  needs: ['ka.verb', 'ka.target.resource', 'tiercel.apigroup', 'tiercel.apiversion', 'tiercel.uid'],
  declines: (target, alert) => {
    if (target.apiGroup !== RBAC_GROUP || !BINDINGS.has(target.resource) || target.subresource !== undefined) {
      return `expected a RoleBinding or ClusterRoleBinding, the alert is about ${describeObject(target)}`;
    }
    const verb = String(alert.output_fields['ka.verb']);
    return verb === 'create'
      ? undefined
      : `expected a binding that the audited call created, its verb is ${verb}: others may rely on the binding`;
  },
  intent: (target) => `delete ${describeObject(target)}, uid ${target.uid ?? 'unknown'}`,
};
