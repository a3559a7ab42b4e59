import { TiercelError } from '../platform/errors.ts';
import { WorkInProgressError } from '../platform/once.ts';
import { carryOut } from './carry-out.ts';
import { type Case, type DecideDeps, decide } from './decide.ts';
import type { Entry, Journal, Status } from './journal/journal.ts';
import { type Mode, mostCautious } from './mode.ts';
import { objectionSince, planAgain } from './plan-again.ts';

export interface RespondingDeps extends DecideDeps {
  readonly journal: Journal;
}

export interface Responding {
  /** The most that may be done: the deployment's ceiling and the run-time switch. Asked again right before each step, so that a switch that is turned stops what is under way. */
  readonly modeNow: () => Promise<Mode>;
  /** Epoch milliseconds at which the invocation is killed: the lease of what it carries out. */
  readonly killedAtMs: number;
}

/** States in which something was set in motion for this happening and action: nothing is decided again. */
const IN_MOTION: ReadonlySet<Status> = new Set(['open', 'awaiting-approval', 'denied', 'done', 'superseded', 'failed', 'undone']);

/** How long to wait for another invocation that is carrying out the same response, before handing the alert back. */
const WAIT_MS = 3_000;
const POLL_MS = 100;

/**
 * One case, to its end: resume or join what is in motion; else decide, write the intent down, act, record. It comes back open when it may not act any more.
 * @throws what may pass: the alert should be delivered again, and goes on where this attempt stopped.
 */
export async function respondToCase(given: Case, responding: Responding, deps: RespondingDeps): Promise<Entry> {
  // By action, not by id: the id of an exec alert needs the live object's UID, which is gone once the object is.
  const before = (await deps.journal.ofEvent(given.event)).find(
    ({ action, status }) => action === given.action.name && IN_MOTION.has(status),
  );
  if (before) return settle(await deps.journal.join(before, [given.alert.rule]), responding, deps);
  const draft = await decide(given, await responding.modeNow(), deps);
  const { entry, won } = await deps.journal.record(draft.status === 'open' ? { ...draft, leaseUntilMs: responding.killedAtMs } : draft);
  if (entry.status !== 'open') return entry;
  return won ? act(entry, responding, deps) : settle(entry, responding, deps);
}

/** Waits for whoever carries an open entry out, or takes it over when their lease has ended. */
export async function settle(entry: Entry, responding: Responding, deps: RespondingDeps): Promise<Entry> {
  const { clock, journal } = deps;
  const waitUntilMs = clock.now() + WAIT_MS;
  let current = entry;
  while (current.status === 'open') {
    if (!(await mayAct(current, responding, deps))) return current;
    if ((current.leaseUntilMs ?? 0) <= clock.now()) {
      const taken = await journal.save({ ...current, leaseUntilMs: responding.killedAtMs, attempt: current.attempt + 1 });
      return act(taken, responding, deps);
    }
    if (clock.now() >= waitUntilMs) throw new WorkInProgressError(`response ${current.id}`);
    await clock.sleep(POLL_MS);
    current = (await journal.find(current.id)) ?? current;
  }
  return current;
}

/**
 * The switch stops what is under way, and so does a policy that was taken out or lowered; it goes on when they are turned back and the alert comes
 * again, or somebody approves it.
 */
async function mayAct(entry: Entry, { modeNow }: Responding, { set }: RespondingDeps): Promise<boolean> {
  const policy = set.policies.find((candidate) => candidate.policy === entry.policy);
  return mostCautious(await modeNow(), policy?.mode ?? 'off') === 'enforce';
}

/** Carries out an open entry whose lease is the caller's. */
export async function act(opened: Entry, responding: Responding, deps: RespondingDeps): Promise<Entry> {
  const { journal, clock } = deps;
  const action = deps.actions.get(opened.action);
  const reached = await deps.clusters.clientFor(opened.cluster);
  if (!action || !('client' in reached)) {
    return journal.save({
      ...opened,
      status: 'failed',
      remark: action && 'why' in reached ? reached.why : `there is no action ${opened.action} any more`,
    });
  }
  const { client } = reached;
  const looking = { journal, protection: deps.set.protection };
  try {
    // An interrupted response may come again after days: somebody may have looked at it, and sheltered the object.
    const objection = opened.attempt > 1 ? await objectionSince(opened, client, looking) : undefined;
    if (objection !== undefined) return await journal.save({ ...opened, status: 'failed', remark: `not gone on with: ${objection}` });
    const carried = await carryOut(
      { ...(await withEnd(opened, deps)), server: client.server },
      {
        clock,
        journal,
        client,
        evidence: deps.evidence,
        mayAct: () => mayAct(opened, responding, deps),
        planAgain: (current) => planAgain(current, action, client, looking),
      },
    );
    if (carried.status === 'open') await endLease(opened, deps);
    return carried;
  } catch (error) {
    await endLease(opened, deps);
    throw error;
  }
}

/**
 * Schedules the end of a containment, before anything is done, so that no crash leaves one that nobody ends. An attempt that comes late, after an outage,
 * begins the time anew: an end that has passed would never come.
 */
async function withEnd(entry: Entry, { clock, journal, expiry }: RespondingDeps): Promise<Entry> {
  const { expiresAtMs, ttlMs = 0 } = entry;
  if (expiresAtMs === undefined) return entry;
  if (!expiry) throw new NoExpiryError(entry.policy);
  const late = expiresAtMs - clock.now() < ttlMs / 2;
  const renewed = late ? await journal.save({ ...entry, expiresAtMs: clock.now() + ttlMs }) : entry;
  await expiry.schedule(renewed.id, renewed.expiresAtMs!);
  return renewed;
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

/** Begun, and stopped by the switch or by its policy: neither done nor given up. */
export class StoppedError extends TiercelError {
  constructor({ id, policy }: Entry) {
    super(
      'RESPONSE_STOPPED',
      `Response ${id} was begun and is stopped, because the run-time switch or policy ${policy} no longer says enforce. Once they do, the alert that comes again or \`tiercel approve ${id}\` carries on; \`tiercel deny ${id}\` gives it up.`,
      { retryable: true },
    );
  }
}

class NoExpiryError extends TiercelError {
  constructor(policy: string) {
    super(
      'EXPIRY_NOT_SCHEDULED',
      `Policy ${policy} has a ttl, but nothing is set up that could end its responses. Set EXPIRY_GROUP, EXPIRY_ROLE_ARN and EXPIRY_TARGET_ARN, or take the ttl out.`,
    );
  }
}
