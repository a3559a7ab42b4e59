import { settleAll } from '../platform/concurrency.ts';
import type { Meter } from '../platform/observe/meter.ts';
import { type Once, WorkInProgressError } from '../platform/once.ts';
import {
  accountFor,
  alertKey,
  type Command,
  casesOf,
  createOutbox,
  type Entry,
  type IncomingAlert,
  isSetBack,
  type Mode,
  type ModeSwitch,
  matches,
  mostCautious,
  type NotAnAlert,
  type OutboxDeps,
  obey,
  ownCall,
  type ReceivedItem,
  type RespondingDeps,
  respondToCase,
} from '../respond/index.ts';
import { type AlertLog, noteAlert } from './alert-log.ts';
import { type HeartbeatAnswer, isHeartbeat, type ReturnDeps, takeHeartbeat } from './heartbeat-return.ts';
import { measureEntry, measureOutcomes } from './respond-report.ts';

/** Everything the story needs from outside. */
export interface RespondDeps extends RespondingDeps, ReturnDeps, Omit<OutboxDeps, 'journal'> {
  readonly once: Once;
  /** The most the deployment allows. */
  readonly ceiling: Mode;
  readonly modeSwitch: ModeSwitch;
  /** Absent in stage `local`, and wherever nothing is to be written down. */
  readonly alertLog?: AlertLog;
  /** Absent where nobody measures. */
  readonly meter?: Meter;
}

/** What became of one item of a trigger. */
export type ItemOutcome =
  /** `duplicate`: the same alert was answered before; the entries are in the journal. */
  | { readonly kind: 'answered'; readonly item: IncomingAlert; readonly duplicate: boolean; readonly entries: readonly Entry[] }
  /** A beat of our own that came back: noted down, or set aside. It is never a policy's business. */
  | { readonly kind: 'heartbeat'; readonly item: IncomingAlert; readonly answer: HeartbeatAnswer }
  /** A call of our own, accounted for by the journal. */
  | { readonly kind: 'own'; readonly item: IncomingAlert }
  /** A call under our identity that the journal does not account for: somebody else holds our credentials. */
  | { readonly kind: 'impostor'; readonly item: IncomingAlert; readonly why: string }
  /** Not brought to an end; the same alert can be sent again and goes on where this attempt stopped. */
  | { readonly kind: 'failed'; readonly item: IncomingAlert; readonly error: unknown }
  | { readonly kind: 'rejected' | 'ignored'; readonly item: NotAnAlert };

export interface RespondTimes {
  /** Epoch milliseconds at which the invocation is killed: leases end then. */
  readonly killedAtMs: number;
}

/** Alerts under way at once: each costs a few round trips to DynamoDB and to a cluster, none of them much memory. */
const MAX_UNDER_WAY = 16;

/**
 * Does what a person or the clock wants done about one response.
 * @throws CommandRefusedError, UndoRefusedError, and what may pass.
 */
export async function respondToCommand(command: Command, deps: RespondDeps, times: RespondTimes): Promise<Entry> {
  const startedMs = deps.clock.now();
  const outbox = createOutbox(deps, times.killedAtMs);
  const obeyed = await obey(command, { mode: await modeNow(deps), killedAtMs: times.killedAtMs }, { ...deps, journal: outbox.journal });
  const [entry = obeyed] = await outbox.deliver([obeyed]);
  if (deps.meter) measureEntry(entry, startedMs, deps.meter);
  return entry;
}

/** Read for each invocation: a switch that was turned holds at once. @throws when it cannot be read: then nothing is done. */
async function modeNow({ ceiling, modeSwitch, meter }: RespondDeps): Promise<Mode> {
  const mode = mostCautious(ceiling, (await modeSwitch.read())?.mode ?? ceiling);
  meter?.record('ModeLowered', mode === ceiling ? 0 : 1);
  return mode;
}

/**
 * Answers the alerts of one trigger; one failure stops nobody else.
 * @throws when the run-time switch cannot be read: then nothing is done.
 */
export async function respondToAlerts(
  items: readonly ReceivedItem[],
  deps: RespondDeps,
  times: RespondTimes,
): Promise<readonly ItemOutcome[]> {
  const startedMs = deps.clock.now();
  const mode = await modeNow(deps);
  const settled = await settleAll(
    items,
    MAX_UNDER_WAY,
    async (item): Promise<ItemOutcome> => (item.kind === 'alert' ? respondToAlert(item, mode, deps, times) : { kind: item.kind, item }),
  );
  const outcomes = settled.map(
    (result, at): ItemOutcome =>
      result.status === 'fulfilled' ? result.value : { kind: 'failed', item: items[at] as IncomingAlert, error: result.reason },
  );
  if (deps.meter) measureOutcomes(outcomes, startedMs, deps.meter);
  return outcomes;
}

/** One alert: once → match → guard → intend → act → record → tell; guard to record are one case's, in shared/respond/respond.ts. */
async function respondToAlert(item: IncomingAlert, mode: Mode, deps: RespondDeps, { killedAtMs }: RespondTimes): Promise<ItemOutcome> {
  const { alert } = item;
  // Whatever the mode: that events come through is worth knowing also while nothing is answered.
  if (isHeartbeat(alert)) return { kind: 'heartbeat', item, answer: await takeHeartbeat(alert, deps) };
  if (ownCall(alert, deps.principal)) {
    const account = await accountFor(alert, deps.journal);
    return account.ours ? { kind: 'own', item } : { kind: 'impostor', item, why: account.why };
  }
  if (mode === 'off') return { kind: 'answered', item, duplicate: false, entries: [] };
  const outbox = createOutbox(deps, killedAtMs);
  const noting = { ...deps, journal: outbox.journal };
  let entries: Entry[] = [];
  const { ran } = await deps.once.run(alertKey(alert), { endsAtMs: killedAtMs }, async () => {
    // On the side: no response waits for it, and an attempt that fails is noted again by the next.
    const noted = deps.alertLog && noteAlert(item, deps.alertLog, deps.meter);
    try {
      for (const policy of deps.set.policies.filter((candidate) => candidate.mode !== 'off' && matches(candidate, alert))) {
        for (const given of casesOf(alert, policy, deps.actions)) {
          const entry = await respondToCase(given, { mode, killedAtMs }, noting);
          entries.push(entry);
          if (policy.onFailure === 'stop' && isSetBack(entry.status)) break;
        }
      }
    } catch (error) {
      // What was decided before is told all the same; the first error is the one to tell.
      await outbox.deliver(entries).catch(() => undefined);
      throw error;
    }
    // Last, so that no channel holds up a response.
    entries = [...(await outbox.deliver(entries))];
    await noted;
    // Not confirmed: once somebody turns the switch back, the alert must find its response unfinished.
    const open = entries.find(({ status }) => status === 'open');
    if (open) throw new WorkInProgressError(`response ${open.id}`);
    return { responses: entries.length };
  });
  return { kind: 'answered', item, duplicate: !ran, entries };
}
