import type { FalcoAlert } from '../falco/alert.ts';
import { changesCluster } from './action/effect.ts';
import { fieldText } from './fields.ts';
import { eventIdentity } from './identity.ts';
import type { Entry, Journal, Step } from './journal/journal.ts';
import { targetOf } from './target.ts';

/** Clocks of Lambda and of the API server differ by less; a step is in the journal before it is carried out, and answered right after. */
const SKEW_MS = 60_000;

const STEP = /^tiercel\/([0-9a-f]{40}-[0-9a-f]{12})\/(u?)(\d{1,3})$/;
const LOOK = /^tiercel\/([0-9a-f]{40})\/look$/;
const LOOKING = new Set(['get', 'list']);

/**
 * Whether an alert about a call by respond's own identity is about a call respond made: the Audit-ID names a step of the journal, and that step
 * was under way at that moment with this verb on this object. Anything else means that somebody else holds respond's credentials.
 */
export async function accountFor(
  alert: FalcoAlert,
  journal: Journal,
): Promise<{ readonly ours: true } | { readonly ours: false; readonly why: string }> {
  const auditId = fieldText(alert, 'ka.auditid') ?? '';
  const identity = eventIdentity(alert);
  const calledMs = Date.parse(fieldText(alert, 'tiercel.received') ?? '');
  const verb = fieldText(alert, 'ka.verb') ?? '';
  const subresource = fieldText(alert, 'ka.target.subresource');
  if (!identity.known || !Number.isFinite(calledMs)) return { ours: false, why: 'the call cannot be identified' };
  const look = LOOK.exec(auditId);
  if (look) {
    const asks = verb === 'create' && fieldText(alert, 'ka.target.resource') === 'selfsubjectaccessreviews';
    if (!LOOKING.has(verb) && !asks) return { ours: false, why: `the call says it is a look, its verb is ${verb}` };
    // An exec is a get as well.
    if (subresource !== undefined && subresource !== 'log')
      return { ours: false, why: `the call says it is a look, and asks for ${subresource}` };
    const entries = await journal.ofEvent(look[1]!);
    // Evidence is read while its response is open, before the journal hears of it again.
    const near = entries.some(({ createdAtMs, updatedAtMs, status, leaseUntilMs = 0 }) => {
      const endMs = status === 'open' ? Math.max(updatedAtMs, leaseUntilMs) : updatedAtMs;
      return calledMs > createdAtMs - SKEW_MS && calledMs < endMs + SKEW_MS;
    });
    return near ? { ours: true } : { ours: false, why: 'the call says it is a look, but the journal knows of none at that time' };
  }
  const step = STEP.exec(auditId);
  if (!step) return { ours: false, why: 'the call names no step of the journal' };
  const entry = await journal.find(step[1]!);
  const named = entry?.steps[Number(step[3])];
  if (!entry || !named)
    return { ours: false, why: `the call names step ${step[3]} of response ${step[1]}, which the journal does not know` };
  return matchesStep(alert, verb, calledMs, entry, named, step[2] === 'u');
}

function matchesStep(
  alert: FalcoAlert,
  verb: string,
  calledMs: number,
  entry: Entry,
  { effect, atMs, state }: Step,
  undoing: boolean,
): Awaited<ReturnType<typeof accountFor>> {
  if (!changesCluster(effect)) return { ours: false, why: `the step is to ${effect.verb}, which makes no call of its own` };
  const wanted = undoing ? { delete: 'create', create: 'delete', patch: 'patch' }[effect.verb] : effect.verb;
  const releases = effect.verb === 'delete' && effect.releases === true && !undoing && verb === 'patch';
  // A step that met a conflict looks again before it writes again.
  if (verb !== wanted && verb !== 'get' && !releases) return { ours: false, why: `the step's verb is ${wanted}, the call's is ${verb}` };
  // Written down right after the call, long before anybody is alerted to it.
  if (undoing && verb !== 'get' && state !== 'undone')
    return { ours: false, why: 'the call says it takes the step back, which nobody did' };
  const found = targetOf(alert);
  const { apiGroup, resource, namespace, name } = effect.object;
  const same =
    'target' in found &&
    found.target.subresource === undefined &&
    found.target.apiGroup === apiGroup &&
    found.target.resource === resource &&
    found.target.namespace === namespace &&
    found.target.name === name;
  if (!same) return { ours: false, why: `the step is about another object than the call` };
  const endedMs = atMs ?? entry.leaseUntilMs ?? entry.updatedAtMs;
  if (calledMs < entry.createdAtMs - SKEW_MS || calledMs > endedMs + SKEW_MS)
    return { ours: false, why: 'the step was not under way at the time of the call' };
  return { ours: true };
}
