import { fieldText } from '../fields.ts';
import { type Guard, pass, refuse, unknown } from './guard.ts';

export const sameObject: Guard = {
  name: 'same-object',
  summary: 'The live object is the one of the alert: same UID, and made no later than the audited call.',
  again: true,
  ask: ({ alert, target, look }) => {
    if (look.kind === 'none') return unknown(look.why);
    if (look.kind === 'denied') return unknown(look.why);
    if (look.kind === 'gone') return refuse('the object is gone');
    const { uid, creationTimestamp } = look.live.metadata;
    if (target?.uid !== undefined && uid !== target.uid)
      return refuse(`the object of that name is another one now: uid ${uid}, the alert's was ${target.uid}`);
    // The server cuts creation times to whole seconds; the stage time is the latest moment the call itself can have made the object.
    const createdMs = Date.parse(creationTimestamp);
    const calledMs = Date.parse(fieldText(alert, target?.uid === undefined ? 'tiercel.received' : 'tiercel.stage_time') ?? alert.time);
    if (!Number.isFinite(createdMs) || !Number.isFinite(calledMs)) return unknown('no time of creation or of the call can be read');
    if (createdMs > calledMs) return refuse(`the object was made at ${creationTimestamp}, after the audited call`);
    return pass(`uid ${uid}, made at ${creationTimestamp}`);
  },
};
