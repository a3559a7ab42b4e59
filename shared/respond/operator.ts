import { describeEffect } from './action/effect.ts';
import { type Command, CommandRefusedError } from './command.ts';
import { casesOf, decide } from './decide.ts';
import { expire } from './expire.ts';
import type { Entry } from './journal/journal.ts';
import { isThere, sameDeeds } from './plan-again.ts';
import { act, type Responding, type RespondingDeps, StoppedError, settle } from './respond.ts';

/**
 * Does what was asked for, once: asking again finds it done.
 * @throws CommandRefusedError, StoppedError, and what may pass.
 */
export async function obey(command: Command, responding: Responding, deps: RespondingDeps): Promise<Entry> {
  if (command.verb === 'expire') return expire(command, responding, deps);
  const entry = await deps.journal.find(command.id);
  if (!entry) throw new CommandRefusedError(command, 'the journal does not know it');
  return command.verb === 'approve' ? approve(entry, command, responding, deps) : deny(entry, command, deps);
}

/**
 * Acts. What lives in the cluster is judged again; the age of the alert was judged when the question was put. Of a response that was begun and stopped short
 * (a crash, the switch, a cluster that was away) it is the word to carry on.
 */
async function approve(entry: Entry, command: Command, responding: Responding, deps: RespondingDeps): Promise<Entry> {
  if (entry.status === 'done') return entry;
  if (entry.status === 'open') {
    // A kubeconfig of another cluster must not make it look as if the interrupted attempt had done its work.
    const reached = await deps.clusters.clientFor(entry.cluster);
    const looking = { journal: deps.journal, protection: deps.set.protection };
    if (!('client' in reached) || !(await isThere(entry, reached.client, looking)))
      throw new CommandRefusedError(
        command,
        'the object it is about is not there: is it this cluster? Else let its alert come again, or deny it',
      );
    const settled = await settle(entry, responding, deps);
    if (settled.status === 'open') throw new StoppedError(settled);
    return settled;
  }
  if (entry.status !== 'awaiting-approval') throw new CommandRefusedError(command, `it is ${entry.status}, not awaiting approval`);
  if (isLate(entry, deps)) return nobodyAnswered(entry, deps);
  const mode = await responding.modeNow();
  if (mode !== 'enforce') throw new CommandRefusedError(command, `the mode is ${mode}; nothing is carried out`);
  const policy = deps.set.policies.find((candidate) => candidate.policy === entry.policy);
  // The question stands: perhaps these are only not the policies that are deployed.
  if (policy && policy.mode !== 'enforce')
    throw new CommandRefusedError(command, `policy ${policy.policy} says ${policy.mode} here; give the policies that are deployed`);
  if (entry.ttlMs !== undefined && !deps.expiry)
    throw new CommandRefusedError(command, 'its policy has a ttl, and nothing here could end it; approve it by an EventBridge event');
  const given = policy && casesOf(entry.alert, policy, deps.actions).find(({ action }) => action.name === entry.action);
  if (!given) throw new CommandRefusedError(command, `policy ${entry.policy} no longer has the action ${entry.action}`);
  // With the parameters that were shown, and under the key it was asked under: the journal does not keep every field that an alert's own key is made of.
  const decided = await decide({ ...given, parameters: entry.parameters, event: entry.event }, mode, deps, entry);
  const remark = `approved by ${command.by}`;
  const refuse = (why: string) =>
    deps.journal.save({ ...entry, guards: decided.guards, status: 'refused', remark: `${remark}, but ${why}` });
  // Whoever cannot look answers nothing: the question stands, for somebody who can.
  if (decided.status === 'refused' && !decided.guards.some(({ verdict }) => verdict === 'refuse'))
    throw new CommandRefusedError(command, whyNot(decided));
  if (decided.status !== 'open') return refuse(whyNot(decided));
  // The yes was to what was shown. Whoever can write to the object must not turn it into a yes to something else.
  const deeds = decided.steps.map(({ effect }) => effect);
  if (!sameDeeds(entry.steps, deeds)) return refuse(`what would be done now is something else: ${deeds.map(describeEffect).join(', ')}`);
  // Saving is conditional: of two who approve at once, one carries it out.
  const opened = { ...entry, ...decided, rules: entry.rules, status: 'open' as const, leaseUntilMs: responding.killedAtMs, remark };
  return act(await deps.journal.save(opened), responding, deps);
}

function whyNot({ guards }: Pick<Entry, 'guards'>): string {
  const against = guards.filter(({ verdict }) => verdict !== 'pass').map(({ guard, reason }) => `${guard}: ${reason}`);
  return against.join('; ') || 'there is nothing to do any more';
}

/** Says no, also to a response that was begun and stopped short: what it did stands and can be undone, the rest is not done any more. */
async function deny(entry: Entry, command: Command, deps: RespondingDeps): Promise<Entry> {
  if (entry.status === 'denied') return entry;
  if (entry.status === 'open') return giveUp(entry, command, deps);
  if (entry.status !== 'awaiting-approval') throw new CommandRefusedError(command, `it is ${entry.status}, not awaiting approval`);
  if (isLate(entry, deps)) return nobodyAnswered(entry, deps);
  return deps.journal.save({ ...entry, status: 'denied', remark: `denied by ${command.by}` });
}

function giveUp(entry: Entry, command: Command, { clock, journal }: RespondingDeps): Promise<Entry> {
  if ((entry.leaseUntilMs ?? 0) > clock.now()) throw new CommandRefusedError(command, 'it is being carried out right now', true);
  const next = entry.steps.find(({ state }) => state === 'intended');
  const doubt = next ? `; whether it got to ${describeEffect(next.effect)} is not known` : '';
  const status = entry.steps.some(({ state }) => state === 'done') ? 'failed' : 'denied';
  return journal.save({ ...entry, status, remark: `given up by ${command.by}${doubt}` });
}

function isLate({ approveByMs = 0 }: Entry, { clock }: RespondingDeps): boolean {
  return clock.now() > approveByMs;
}

function nobodyAnswered(entry: Entry, { journal }: RespondingDeps): Promise<Entry> {
  return journal.save({ ...entry, status: 'denied', remark: 'nobody answered in time' });
}
