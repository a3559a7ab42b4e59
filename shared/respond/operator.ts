import { TiercelError } from '../platform/errors.ts';
import { casesOf, decide } from './decide.ts';
import type { Entry } from './journal/journal.ts';
import { act, type Responding, type RespondingDeps } from './respond.ts';
import { undo } from './undo.ts';

/** What a person, or the clock, wants done about a response that is in the journal. */
export interface Command {
  readonly verb: 'approve' | 'deny' | 'expire';
  readonly id: string;
  /** Who says so, for the journal. */
  readonly by: string;
}

export class CommandRefusedError extends TiercelError {
  constructor({ verb, id }: Command, why: string, retryable = false) {
    super('respond.command', `Cannot ${verb} response ${id}: ${why}.`, { retryable });
  }
}

/**
 * Does what was asked for, once: asking again finds it done. Approving looks at the live object again; the age of the alert was judged when the
 * question was put.
 * @throws CommandRefusedError, UndoRefusedError, and what may pass.
 */
export async function obey(command: Command, responding: Responding, deps: RespondingDeps): Promise<Entry> {
  const entry = await deps.journal.find(command.id);
  if (!entry) throw new CommandRefusedError(command, 'the journal does not know it');
  if (command.verb === 'expire') return expire(entry, command, responding, deps);
  if (command.verb === 'approve' && ['open', 'done'].includes(entry.status)) return entry;
  if (command.verb === 'deny' && entry.status === 'denied') return entry;
  if (entry.status !== 'awaiting-approval') throw new CommandRefusedError(command, `it is ${entry.status}, not awaiting approval`);
  if (deps.clock.now() > (entry.approveByMs ?? 0))
    return deps.journal.save({ ...entry, status: 'denied', remark: 'nobody answered in time' });
  if (command.verb === 'deny') return deps.journal.save({ ...entry, status: 'denied', remark: `denied by ${command.by}` });
  return approve(entry, command, responding, deps);
}

async function approve(entry: Entry, command: Command, { mode, killedAtMs }: Responding, deps: RespondingDeps): Promise<Entry> {
  if (mode !== 'enforce') throw new CommandRefusedError(command, `the mode is ${mode}; nothing is carried out`);
  const policy = deps.set.policies.find((candidate) => candidate.policy === entry.policy);
  const given = policy && casesOf(entry.alert, policy, deps.actions).find(({ action }) => action.name === entry.action);
  if (!given) throw new CommandRefusedError(command, `policy ${entry.policy} no longer has the action ${entry.action}`);
  // Under the key it was asked under: the journal does not keep every field that an alert's own key is made of.
  const decided = await decide({ ...given, event: entry.event }, mode, deps, entry);
  const remark = `approved by ${command.by}`;
  if (decided.status !== 'open') {
    return deps.journal.save({
      ...entry,
      guards: decided.guards,
      status: 'refused',
      remark: `${remark}, but what it was about has changed`,
    });
  }
  // Saving is conditional: of two who approve at once, one carries it out.
  return act(await deps.journal.save({ ...entry, ...decided, rules: entry.rules, status: 'open', leaseUntilMs: killedAtMs, remark }), deps);
}

async function expire(entry: Entry, command: Command, { mode }: Responding, deps: RespondingDeps): Promise<Entry> {
  if (entry.status === 'refused' || entry.status === 'superseded' || entry.status === 'undone') return entry;
  if (entry.status === 'open') throw new CommandRefusedError(command, 'it is still being carried out; it is tried again', true);
  if (mode !== 'enforce') throw new CommandRefusedError(command, `the mode is ${mode}; it is tried again`, true);
  const reached = await deps.clusters.clientFor(entry.cluster);
  if (!('client' in reached)) throw new CommandRefusedError(command, reached.why);
  return undo(entry, { by: command.by, force: false }, { ...deps, client: reached.client });
}
