import { verifyMac } from '../../audit/mac.ts';
import { fieldText } from '../fields.ts';
import { type Guard, pass, refuse, unknown } from './guard.ts';

/** Falco's webhook has no authentication: whoever reaches it could forge an alert, and so a deletion. */
export const signed: Guard = {
  name: 'signed',
  summary:
    'The event carries the MAC of this deployment: it came from the log, not from somebody who reaches Falco. An alert that cannot carry one (of a node, by way of FireLens), or does not, is acted on only where the policy says `unsigned: allow`; one with a MAC that does not verify never is.',
  ask: ({ alert, identity, macKeys, policy }) => {
    if (!identity.known) return refuse('the happening cannot be identified, so no MAC covers it');
    const mac = fieldText(alert, 'tiercel.mac');
    const runtime = identity.facts === undefined;
    if (policy.unsigned === 'allow' && (runtime || mac === undefined)) return pass('the alert is unsigned, which the policy allows');
    if (runtime) return refuse('an alert of a node cannot be signed: the policy would have to say `unsigned: allow`');
    if (macKeys.length === 0) return unknown('no MAC key is configured: set MAC_KEY_SECRET_ID');
    const verdict = verifyMac(macKeys, mac, identity.facts);
    if (verdict.ok) return pass('the MAC verifies');
    if (verdict.reason === 'no-mac') return refuse('tiercel.mac is missing: the event did not come through this deployment');
    return refuse(
      verdict.reason === 'unknown-key' ? 'tiercel.mac names a key that is not known here' : 'tiercel.mac does not belong to this event',
    );
  },
};
