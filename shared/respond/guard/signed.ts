import { verifyMac } from '../../audit/mac.ts';
import { fieldText } from '../fields.ts';
import { type Guard, pass, refuse, unknown } from './guard.ts';

/** Falco's webhook has no authentication: whoever reaches it could forge an alert, and so a deletion. */
export const signed: Guard = {
  name: 'signed',
  summary: 'The event carries the MAC of this deployment: it came from the log, not from somebody who reaches Falco.',
  ask: ({ alert, identity, macKeys }) => {
    if (!identity.known) return refuse('the happening cannot be identified, so no MAC covers it');
    if (macKeys.length === 0) return unknown('no MAC key is configured: set MAC_KEY_SECRET_ID');
    const verdict = verifyMac(macKeys, fieldText(alert, 'tiercel.mac'), identity.facts);
    if (verdict.ok) return pass('the MAC verifies');
    if (verdict.reason === 'no-mac') return refuse('tiercel.mac is missing: the event did not come through this deployment');
    return refuse(
      verdict.reason === 'unknown-key' ? 'tiercel.mac names a key that is not known here' : 'tiercel.mac does not belong to this event',
    );
  },
};
