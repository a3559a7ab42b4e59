import * as z from 'zod';
import { describeObject } from '../../platform/kube/index.ts';
import { channelNames } from '../policy/schema.ts';
import type { Action } from './action.ts';
import { isAmong, resourceName, splitResource } from './resources.ts';
import { fillIn, template } from './template.ts';

const parameters = z.strictObject({
  resources: z.array(resourceName).min(1).default(['pods']).describe('what is told of; an alert about anything else is refused'),
  channels: channelNames,
  text: template.optional().describe('what to say; `{ka.user.name}` stands for that field of the alert'),
});
const settings = (given: unknown) => parameters.parse(given);

/** Says something in the course of a policy. For being told what became of responses, refusals included, a policy has `notify`. */
export const notify: Action = {
  name: 'notify',
  summary:
    'Tells the channels named that the alert came, where its place in the order of actions matters. What became of responses is told by the `notify` of a policy.',
  parameters,
  example: { channels: ['security'], text: '{ka.user.name} opened a shell in {ka.target.namespace}/{ka.target.name}' },
  needs: ['ka.target.resource', 'tiercel.apiversion', 'tiercel.received'],
  undo: 'none',
  undoSummary: 'Nothing to take back: it changes nothing in the cluster.',
  declines: (target, _alert, given) => {
    const { resources } = settings(given);
    return isAmong(target, resources) ? undefined : `expected one of ${resources.join(', ')}, the alert is about ${describeObject(target)}`;
  },
  intent: (target, given) => `tell ${settings(given).channels.join(', ')} about ${describeObject(target)}`,
  permissions: (given) => settings(given).resources.map((name) => ({ ...splitResource(name), verb: 'get', use: 'look' })),
  plan: async ({ alert, parameters: given }) => {
    const { channels, text } = settings(given);
    return { caveats: [], effects: [{ verb: 'send', channels, ...(text === undefined ? {} : { text: fillIn(text, alert) }) }] };
  },
};
