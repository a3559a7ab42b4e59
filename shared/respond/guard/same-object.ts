import { fieldText } from '../fields.ts';
import { type Guard, pass, refuse, unknown } from './guard.ts';

export const sameObject: Guard = {
  name: 'same-object',
  summary:
    'The live object is the one of the alert: same UID, and made no later than the audited call; a second before it where the alert has no UID.',
  again: true,
  ask: ({ alert, target, look }) => {
    if (look.kind === 'none') return unknown(look.why);
    if (look.kind === 'denied') return unknown(look.why);
    if (look.kind === 'gone') return refuse('the object is gone');
    const { uid, creationTimestamp } = look.live.metadata;
    if (target?.uid !== undefined && uid !== target.uid)
      return refuse(`the object of that name is another one now: uid ${uid}, the alert's was ${target.uid}`);
    const createdMs = Date.parse(creationTimestamp);
    // With a UID the stage time is the latest moment the call itself can have made the object. Without one the object must have been there before the
    // call, and creation times are cut to whole seconds: one that was made again within the second of the call would look older than it is.
    const exact = target?.uid !== undefined;
    const calledMs = Date.parse(fieldText(alert, exact ? 'tiercel.stage_time' : 'tiercel.received') ?? alert.time);
    if (!Number.isFinite(createdMs) || !Number.isFinite(calledMs)) return unknown('no time of creation or of the call can be read');
    if (createdMs > calledMs) return refuse(`the object was made at ${creationTimestamp}, after the audited call`);
    if (!exact && createdMs + 1000 > calledMs)
      return refuse(
        `the object was made at ${creationTimestamp}, within the second of the audited call: it may be another one of its name`,
      );
    return pass(`uid ${uid}, made at ${creationTimestamp}`);
  },
};
