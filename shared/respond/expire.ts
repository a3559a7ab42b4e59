import { TiercelError } from '../platform/errors.ts';
import type { KubeClient } from '../platform/kube/index.ts';
import { changesCluster } from './action/effect.ts';
import { type Command, CommandRefusedError } from './command.ts';
import type { Entry, Step } from './journal/journal.ts';
import type { Mode } from './mode.ts';
import type { Responding, RespondingDeps } from './respond.ts';
import { UndoRefusedError, undo } from './undo.ts';

/** EventBridge Scheduler cuts a time to whole seconds, and clocks differ. */
const EARLY_MS = 10_000;
/** How often an end is tried that could not be carried out, and for how long. */
const AGAIN_MS = 10 * 60_000;
const GIVE_UP_MS = 7 * 86_400_000;

/**
 * Ends a containment whose time is over. Whatever is in the way (the switch, a cluster that is away, a response still under way, a table that does not
 * answer) puts it off: a schedule fires once, Lambda tries a failed invocation for a few minutes, and a containment that nobody ends is an outage. One whose
 * object was changed since is left to a person, as failed.
 * @throws CommandRefusedError when it was put off for a week, or may not be ended by a clock; and what was not foreseen, put off all the same.
 */
export async function expire(command: Command, responding: Responding, deps: RespondingDeps): Promise<Entry> {
  try {
    return await end(command, responding, deps);
  } catch (error) {
    if (!(error instanceof CommandRefusedError)) await deps.expiry?.schedule(command.id, laterThan(deps.clock.now()));
    throw error;
  }
}

async function end(command: Command, { modeNow }: Responding, deps: RespondingDeps): Promise<Entry> {
  const { clock, journal } = deps;
  const entry = await journal.find(command.id);
  if (!entry) throw new CommandRefusedError(command, 'the journal does not know it');
  if (entry.expiresAtMs === undefined) throw new CommandRefusedError(command, 'it has no time to live; `tiercel undo` takes it back');
  // Carried out later than was planned at first: there is another schedule for that.
  if (clock.now() < entry.expiresAtMs - EARLY_MS) return entry;
  // Of what is done, the steps may be taken back already, and only that it is over may be left to write down.
  const left = entry.status === 'open' || entry.status === 'done' || (entry.status === 'failed' && entry.steps.some(isLasting));
  if (!left) return entry;
  const mode = await modeNow();
  if (mode !== 'enforce') return putOff(entry, new LoweredError(mode).message, command, deps);
  if (entry.status === 'open') return putOff(entry, 'it is still being carried out', command, deps);
  const reached = await deps.clusters.clientFor(entry.cluster);
  if (!('client' in reached)) return putOff(entry, reached.why, command, deps);
  try {
    const client = whileEnforcing(reached.client, modeNow);
    return await undo(entry, { by: command.by, force: false }, { clock, journal, client });
  } catch (error) {
    if (error instanceof UndoRefusedError) {
      const current = (await journal.find(entry.id)) ?? entry;
      return journal.save({ ...current, status: 'failed', remark: `its time is over, but: ${error.message}` });
    }
    if (!(error instanceof TiercelError)) throw error;
    return putOff((await journal.find(entry.id)) ?? entry, error.message, command, deps);
  }
}

/** The client, writing only while the switch lets it: between the first look and the last write it may be turned. */
function whileEnforcing(client: KubeClient, modeNow: Responding['modeNow']): KubeClient {
  const ask = async () => {
    const mode = await modeNow();
    if (mode !== 'enforce') throw new LoweredError(mode);
  };
  return {
    ...client,
    create: async (...given) => {
      await ask();
      return client.create(...given);
    },
    patch: async (...given) => {
      await ask();
      return client.patch(...given);
    },
    delete: async (...given) => {
      await ask();
      return client.delete(...given);
    },
  };
}

class LoweredError extends TiercelError {
  constructor(mode: Mode) {
    super('MODE_LOWERED', `the mode is ${mode}`, { retryable: true });
  }
}

function isLasting({ effect, state }: Step): boolean {
  return changesCluster(effect) && state === 'done';
}

async function putOff(entry: Entry, why: string, command: Command, { clock, expiry }: RespondingDeps): Promise<Entry> {
  const now = clock.now();
  if (!expiry || now > entry.expiresAtMs! + GIVE_UP_MS) throw new CommandRefusedError(command, why, true);
  const atMs = laterThan(now);
  await expiry.schedule(entry.id, atMs);
  return { ...entry, remark: `its end is put off to ${new Date(atMs).toISOString()}: ${why}` };
}

/** The same for all attempts of some minutes: scheduling it again changes nothing, so that what is tried again does not multiply. */
function laterThan(nowMs: number): number {
  return Math.ceil((nowMs + AGAIN_MS) / AGAIN_MS) * AGAIN_MS;
}
