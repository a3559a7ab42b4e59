import { asksForDryRun } from '../../audit/key.ts';
import { fieldText, readField } from '../fields.ts';
import { isRuntimeAlert } from '../runtime-alert.ts';
import { type Guard, pass, type Question, refuse } from './guard.ts';

/** Connections that are taken over answer 101 (Switching Protocols) when they were granted. */
const UPGRADED = new Set(['exec', 'attach', 'portforward']);

/**
 * Most detection rules fire on refused and dry-run calls as well. Acting on those would let an unprivileged caller have a legitimate object
 * deleted by naming it.
 */
export const succeeded: Guard = {
  name: 'succeeded',
  summary:
    'The audited call was carried out: its answer is 2xx (101 for exec, attach and port-forward), and it was no dry run. What a process did has happened.',
  ask: ({ alert, identity }) => {
    if (isRuntimeAlert(alert)) return pass('Falco saw it happen');
    const code = fieldText(alert, 'ka.response.code');
    if (code === undefined) return refuse('ka.response.code is missing: whether the call succeeded is not known');
    const subresource = fieldText(alert, 'ka.target.subresource');
    const upgraded = code === '101' && subresource !== undefined && UPGRADED.has(subresource);
    if (!upgraded && !/^2\d\d$/.test(code)) return refuse(`the API server answered ${code}: nothing was done that could be answered`);
    const stage = fieldText(alert, 'ka.stage');
    if (stage !== 'ResponseComplete' && !(upgraded && stage === 'ResponseStarted'))
      return refuse(`the call is at stage ${stage ?? '(missing)'}, not complete`);
    return dryRun(alert, identity) ?? pass(`the API server answered ${code}`);
  },
};

function dryRun(alert: Question['alert'], identity: Question['identity']): ReturnType<typeof refuse> | undefined {
  if (!Object.hasOwn(alert.output_fields, 'tiercel.dryrun'))
    return refuse('tiercel.dryrun is not among the fields: whether it was a dry run is not known');
  const marked = readField(alert, 'tiercel.dryrun');
  // The URI is under the MAC, the field made of it is not.
  const asked = identity.known && asksForDryRun(identity.facts?.requestURI ?? '');
  if (marked.state !== 'missing' || asked) return refuse('the call was a dry run: nothing was changed');
  return undefined;
}
