import * as z from 'zod';
import { describeObject, type JsonValue } from '../../platform/kube/index.ts';
import type { Action } from './action.ts';
import { type JsonPatch, planPatch, RESPONSE_ANNOTATION, satisfies } from './effect.ts';
import { isAmong, resourceName, splitResource } from './resources.ts';

/** Kubernetes' grammar of a label or annotation key. */
const key = z
  .string()
  .regex(
    /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'expected a key such as team or example.com/team',
  );
const labelValue = z.string().regex(/^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/, 'expected at most 63 letters, digits, - . or _');

const parameters = z
  .strictObject({
    resources: z.array(resourceName).min(1).describe('what may be labelled; an alert about anything else is refused'),
    labels: z.record(key, labelValue.nullable()).optional().describe('labels to set; null removes one'),
    annotations: z.record(key, z.string().max(4096).nullable()).optional().describe('annotations to set; null removes one'),
  })
  .refine(({ labels, annotations }) => Object.keys({ ...labels, ...annotations }).length > 0, {
    error: 'expected at least one label or annotation',
  });
const settings = (given: unknown) => parameters.parse(given);

/** Marks the object for people and for other programs; changes nothing else about it. */
export const label: Action = {
  name: 'label',
  summary: 'Sets or removes labels and annotations of the object the alert is about.',
  parameters,
  example: { resources: ['pods'], labels: { 'tiercel.dev/suspect': 'true' } },
  needs: ['ka.target.resource', 'tiercel.apiversion', 'tiercel.received'],
  undo: 'respond',
  undoSummary: 'Restores the former labels and annotations, unless somebody changed them since.',
  declines: (target, _alert, given) => {
    const { resources } = settings(given);
    return isAmong(target, resources) ? undefined : `expected one of ${resources.join(', ')}, the alert is about ${describeObject(target)}`;
  },
  intent: (target, given) => {
    const { labels, annotations } = settings(given);
    const changes = Object.entries({ ...labels, ...annotations }).map(([name, value]) =>
      value === null ? `${name}-` : `${name}=${value}`,
    );
    return `label ${describeObject(target)}: ${changes.join(' ')}`;
  },
  permissions: (given) =>
    settings(given).resources.flatMap((name) => [
      { ...splitResource(name), verb: 'get', use: 'look' },
      { ...splitResource(name), verb: 'patch', use: 'act' },
    ]),
  plan: async ({ id, target, live, parameters: given }) => {
    const { labels, annotations } = settings(given);
    const wanted: JsonPatch = { metadata: { ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) } };
    // Two responses that set the same could not be taken back one by one.
    if (satisfies(live as unknown as JsonValue, wanted)) return { refusal: 'it is labelled so already' };
    const patch: JsonPatch = { metadata: { ...(labels ? { labels } : {}), annotations: { ...annotations, [RESPONSE_ANNOTATION]: id } } };
    return { caveats: [], effects: [planPatch(target, live, patch)] };
  },
};
