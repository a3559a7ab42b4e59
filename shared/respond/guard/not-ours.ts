import { ownCall } from '../principal.ts';
import { isRuntimeAlert } from '../runtime-alert.ts';
import { type Guard, pass, refuse, unknown } from './guard.ts';

export const notOurs: Guard = {
  name: 'not-ours',
  summary: "The call was not made by respond's own identity: answering ourselves would be a loop.",
  ask: ({ alert, principal }) => {
    if (isRuntimeAlert(alert)) return pass('no call was made');
    if (principal.roleArn === undefined && principal.username === undefined)
      return unknown('respond does not know its own identity: set OWN_ROLE_ARN or OWN_USERNAME');
    return ownCall(alert, principal) ? refuse("the call was made by respond's own identity") : pass('somebody else made the call');
  },
};
