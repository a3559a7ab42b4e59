import { TiercelError } from '../platform/errors.ts';
import { WorkInProgressError } from '../platform/once.ts';
import { carryOut } from './carry-out.ts';
import { type Case, type DecideDeps, decide, planAgain } from './decide.ts';
import type { Entry, Journal, Status } from './journal/journal.ts';
import type { Mode } from './mode.ts';

/** Something that comes back to a response when its time is over. */
export interface Expiry {
  /** Scheduling the same again changes nothing. */
  schedule(id: string, atMs: number): Promise<void>;
}

export interface RespondingDeps extends DecideDeps {
  readonly journal: Journal;
  /** Absent where nothing can be scheduled: a policy with a `ttl` is then refused at the start. */
  readonly expiry?: Expiry;
}

export interface Responding {
  /** The most that may be done: the deployment's ceiling and the run-time switch, read for this invocation. */
  readonly mode: Mode;
  /** Epoch milliseconds at which the invocation is killed: the lease of what it carries out. */
  readonly killedAtMs: number;
}

/** States in which something was set in motion for this happening and action: nothing is decided again. */
const IN_MOTION: ReadonlySet<Status> = new Set(['open', 'awaiting-approval', 'denied', 'done', 'superseded', 'failed', 'undone']);

/** How long to wait for another invocation that is carrying out the same response, before handing the alert back. */
const WAIT_MS = 3_000;
const POLL_MS = 100;

/**
 * One case, to its end: resume or join what is in motion; else decide, write the intent down, act, record.
 * @throws what may pass: the alert should be delivered again, and goes on where this attempt stopped.
 */
export async function respondToCase(given: Case, { mode, killedAtMs }: Responding, deps: RespondingDeps): Promise<Entry> {
  // By action, not by id: the id of an exec alert needs the live object's UID, which is gone once the object is.
  const before = (await deps.journal.ofEvent(given.event)).find(
    ({ action, status }) => action === given.action.name && IN_MOTION.has(status),
  );
  if (before) return settle(await deps.journal.join(before, [given.alert.rule]), { mode, killedAtMs }, deps);
  const draft = await decide(given, mode, deps);
  const { entry, won } = await deps.journal.record(draft.status === 'open' ? { ...draft, leaseUntilMs: killedAtMs } : draft);
  if (entry.status !== 'open') return entry;
  return won ? act(entry, deps) : settle(entry, { mode, killedAtMs }, deps);
}

/** Waits for whoever carries an open entry out, or takes it over when their lease has ended. */
export async function settle(entry: Entry, { mode, killedAtMs }: Responding, deps: RespondingDeps): Promise<Entry> {
  const { clock, journal } = deps;
  const waitUntilMs = clock.now() + WAIT_MS;
  let current = entry;
  while (current.status === 'open') {
    // The switch stops what is under way, too; it goes on when somebody turns it back and the alert comes again.
    if (mode !== 'enforce') return current;
    if ((current.leaseUntilMs ?? 0) <= clock.now()) {
      return act(await journal.save({ ...current, leaseUntilMs: killedAtMs, attempt: current.attempt + 1 }), deps);
    }
    if (clock.now() >= waitUntilMs) throw new WorkInProgressError(`response ${current.id}`);
    await clock.sleep(POLL_MS);
    current = (await journal.find(current.id)) ?? current;
  }
  return current;
}

/** Carries out an open entry whose lease is the caller's. */
export async function act(entry: Entry, deps: RespondingDeps): Promise<Entry> {
  const { journal, clock } = deps;
  const action = deps.actions.get(entry.action);
  const reached = await deps.clusters.clientFor(entry.cluster);
  if (!action || !('client' in reached)) {
    return journal.save({
      ...entry,
      status: 'failed',
      remark: action && 'why' in reached ? reached.why : `there is no action ${entry.action} any more`,
    });
  }
  const { client } = reached;
  try {
    // Before anything is done, so that no crash leaves a containment that nobody ends.
    if (entry.expiresAtMs !== undefined) {
      if (!deps.expiry) throw new NoExpiryError(entry.policy);
      await deps.expiry.schedule(entry.id, entry.expiresAtMs);
    }
    return await carryOut(entry, {
      clock,
      journal,
      client,
      evidence: deps.evidence,
      planAgain: (current) => planAgain(current, action, client, deps.set.protection),
    });
  } catch (error) {
    await endLease(entry, deps);
    throw error;
  }
}

/** Lets the next delivery resume at once. Only a courtesy: without it the lease ends by itself. */
async function endLease({ id, leaseUntilMs }: Entry, { journal, clock }: RespondingDeps): Promise<void> {
  try {
    const current = await journal.find(id);
    if (current?.status === 'open' && current.leaseUntilMs === leaseUntilMs) await journal.save({ ...current, leaseUntilMs: clock.now() });
  } catch {
    // Whatever stopped the response may stop this as well; the first error is the one to tell.
  }
}

class NoExpiryError extends TiercelError {
  constructor(policy: string) {
    super(
      'respond.expiry',
      `Policy ${policy} has a ttl, but nothing is set up that could end its responses. Set EXPIRY_GROUP, EXPIRY_ROLE_ARN and EXPIRY_TARGET_ARN, or take the ttl out.`,
    );
  }
}
