import * as z from 'zod';
import { describeObject } from '../../platform/kube/index.ts';
import type { Action } from './action.ts';
import { topController } from './controller.ts';
import { planDeletion } from './delete-effect.ts';
import { isAmong, resourceName, splitResource } from './resources.ts';

/** Deleting these takes more away than the object, or what the journal must not hold: no undo could bring it back. */
const NEVER: Readonly<Record<string, string>> = {
  namespaces: 'everything in it would go with it',
  secrets: 'the journal never holds the data of a secret, so it could not be undone',
  persistentvolumes: 'the data may go with it',
  persistentvolumeclaims: 'the data may go with it',
  nodes: 'every pod on it would go with it',
  'customresourcedefinitions.apiextensions.k8s.io': 'every object of its kind would go with it',
  'clusterrolebindings.rbac.authorization.k8s.io': 'use delete-binding',
  'rolebindings.rbac.authorization.k8s.io': 'use delete-binding',
};

const parameters = z
  .strictObject({
    resources: z
      .array(
        resourceName.refine((name) => !Object.hasOwn(NEVER, name), {
          error: (issue) => `${String(issue.input)} cannot be deleted by a policy: ${NEVER[String(issue.input)] ?? ''}`,
        }),
      )
      .min(1)
      .describe('what may be deleted; an alert about anything else is refused'),
    owned: z
      .enum(['refuse', 'delete', 'controller'])
      .default('refuse')
      .describe(
        'an object that a controller owns comes back when deleted: `refuse`; `delete` it all the same (evict a compromised pod); or delete the `controller` at the top instead, for which `resources` must name every kind on the way (pods, replicasets.apps, deployments.apps)',
      ),
    propagationPolicy: z
      .enum(['Background', 'Foreground', 'Orphan'])
      .default('Background')
      .describe('what happens to objects that this one owns'),
    gracePeriodSeconds: z.int().min(0).max(3600).optional().describe('time a pod gets to end; the pod decides when left out'),
  })
  .refine(({ owned, propagationPolicy }) => owned !== 'controller' || propagationPolicy !== 'Orphan', {
    path: ['propagationPolicy'],
    error: 'expected Background or Foreground with `owned: controller`: Orphan leaves everything running that the controller made',
  });
const settings = (given: unknown) => parameters.parse(given);

/** Deletes exactly the object the alert is about. */
export const deleteObject: Action = {
  name: 'delete-object',
  summary:
    'Deletes the object the alert is about, by UID: one that was made again under the same name is left alone. Where a controller would make it again, the policy chooses: refuse, the object all the same, or the controller.',
  parameters,
  example: { resources: ['pods'] },
  needs: ['ka.verb', 'ka.target.resource', 'tiercel.apiversion', 'tiercel.uid'],
  undo: 'operator',
  undoSummary:
    'Creates the object again as it was, unless one of its name exists, with the rights of the operator who asks for it: whoever may create pods may do anything. It gets a new UID, and a pod starts from its image.',
  declines: (target, _alert, given) => {
    const { resources } = settings(given);
    return isAmong(target, resources) ? undefined : `expected one of ${resources.join(', ')}, the alert is about ${describeObject(target)}`;
  },
  intent: (target, given) =>
    `delete ${describeObject(target)}, uid ${target.uid ?? 'unknown'}${settings(given).owned === 'controller' ? ', or the controller that makes it' : ''}`,
  permissions: (given) =>
    settings(given).resources.flatMap((name) => [
      { ...splitResource(name), verb: 'get', use: 'look' },
      { ...splitResource(name), verb: 'delete', use: 'act' },
    ]),
  plan: async ({ target, live, parameters: given }, reader) => {
    const { resources, owned, propagationPolicy, gracePeriodSeconds } = settings(given);
    const owner = live.metadata.ownerReferences?.find(({ controller }) => controller);
    if (owner && owned === 'refuse') return { refusal: `${owner.kind} ${owner.name} owns it and would make it again` };
    if (owner && owned === 'controller') {
      if (target.namespace === undefined)
        return { refusal: `${owner.kind} ${owner.name} owns it, and only controllers in a namespace are known` };
      const top = await topController(live, target.namespace, resources, reader);
      if ('refusal' in top) return top;
      const plan = planDeletion(top.reference, top.live, { propagationPolicy, gracePeriodSeconds });
      if ('refusal' in plan) return plan;
      return { ...plan, caveats: [...plan.caveats, `${describeObject(top.reference)} made it, and takes everything it runs with it`] };
    }
    const plan = planDeletion(target, live, { propagationPolicy, gracePeriodSeconds });
    if ('refusal' in plan || !owner) return plan;
    return { ...plan, caveats: [...plan.caveats, `${owner.kind} ${owner.name} will make a new one`] };
  },
};
