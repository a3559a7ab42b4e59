import { fieldText } from '../fields.ts';
import { ownCall } from '../principal.ts';
import { isRuntimeAlert } from '../runtime-alert.ts';
import { type Guard, pass, refuse, unknown } from './guard.ts';

export const notOurs: Guard = {
  name: 'not-ours',
  summary: "The call was not made by respond's own identity: answering ourselves would be a loop.",
  ask: ({ alert, principal }) => {
    if (isRuntimeAlert(alert)) return pass('no call was made');
    if ((principal.roleArns ?? []).length === 0 && principal.username === undefined)
      return unknown('respond does not know its own identity: set OWN_ROLE_ARN or OWN_USERNAME');
    if (ownCall(alert, principal)) return refuse("the call was made by respond's own identity");
    return fieldText(alert, 'ka.user.name') === undefined
      ? unknown('ka.user.name is missing or truncated')
      : pass('somebody else made the call');
  },
};
