import { readField } from '../fields.ts';
import { isRuntimeAlert } from '../runtime-alert.ts';
import { type Guard, pass, refuse } from './guard.ts';

export const whole: Guard = {
  name: 'whole',
  summary: 'The audit event reached Falco whole: nothing had been cut by the log agent or reduced to what Falco takes.',
  ask: ({ alert }) => {
    if (isRuntimeAlert(alert)) return pass('there is no audit event that could have been cut');
    if (!Object.hasOwn(alert.output_fields, 'tiercel.truncated'))
      return refuse('tiercel.truncated is not among the fields: whether the event was cut is not known');
    return readField(alert, 'tiercel.truncated').state === 'missing'
      ? pass('the event is whole')
      : refuse('the audit event was cut before Falco saw it');
  },
};
