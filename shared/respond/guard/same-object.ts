import { fieldText } from '../fields.ts';
import { isRuntimeAlert } from '../runtime-alert.ts';
import { type LiveGuard, pass, refuse, unknown } from './guard.ts';

export const sameObject: LiveGuard = {
  name: 'same-object',
  summary:
    'The live object is the one of the alert: same UID, and made no later than the audited call. A call such as exec tells no UID: its object must be older than the second of the call.',
  ask: ({ alert, target, look }) => {
    if (look.kind === 'none') return unknown(look.why);
    if (look.kind === 'denied') return unknown(look.why);
    if (look.kind === 'gone') return refuse('the object is gone');
    const { uid, creationTimestamp } = look.live.metadata;
    if (target?.uid !== undefined && uid !== target.uid)
      return refuse(`the object of that name is another one now: uid ${uid}, the alert's was ${target.uid}`);
    const createdMs = Date.parse(creationTimestamp);
    // A call that made the object, or that answered with it, can have done so until its stage time. Any other found it there, so it is older; and as
    // creation times are cut to whole seconds, one that was made again within the second of the call would look older than it is.
    const mayBeNew = target?.uid !== undefined || (fieldText(alert, 'ka.verb') === 'create' && target?.subresource === undefined);
    const named = isRuntimeAlert(alert) ? undefined : fieldText(alert, mayBeNew ? 'tiercel.stage_time' : 'tiercel.received');
    const calledMs = Date.parse(named ?? alert.time);
    if (!Number.isFinite(createdMs) || !Number.isFinite(calledMs)) return unknown('no time of creation or of the call can be read');
    if (createdMs > calledMs) return refuse(`the object was made at ${creationTimestamp}, after the audited call`);
    if (!mayBeNew && createdMs + 1000 > calledMs)
      return refuse(
        `the object was made at ${creationTimestamp}, within the second of the audited call: it may be another one of its name`,
      );
    return pass(`uid ${uid}, made at ${creationTimestamp}`);
  },
};
