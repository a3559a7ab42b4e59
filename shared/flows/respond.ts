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
  JournalContentionError,
  type Mode,
  type ModeSwitch,
  matches,
  mostCautious,
  type NotAnAlert,
  type OutboxDeps,
  obey,
  ownCall,
  type PolicySet,
  type ReceivedItem,
  type Responding,
  type RespondingDeps,
  respondToCase,
  StoppedError,
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
 * @throws CommandRefusedError, StoppedError, and what may pass.
 */
export async function respondToCommand(command: Command, deps: RespondDeps, times: RespondTimes): Promise<Entry> {
  const startedMs = deps.clock.now();
  const modeNow = readsMode(deps);
  const outbox = createOutbox(deps, times.killedAtMs);
  const obeyed = await obey(command, { modeNow, killedAtMs: times.killedAtMs }, { ...deps, journal: outbox.journal });
  const [entry = obeyed] = await outbox.deliver([obeyed]);
  if (deps.meter) measureEntry(entry, startedMs, deps.meter);
  return entry;
}

/** How long one reading of the switch holds within an invocation: what is under way stops this long after the switch was turned. */
const SWITCH_KEPT_MS = 1_000;

/**
 * Reads the switch when it is first asked, and again whenever a second has passed: an invocation may have hundreds of alerts and a minute to answer them.
 * It throws when the switch cannot be read: then nothing may be done.
 */
function readsMode({ ceiling, modeSwitch, clock, meter }: RespondDeps): () => Promise<Mode> {
  const read = async () => mostCautious(ceiling, (await modeSwitch.read())?.mode ?? ceiling);
  let readMs = 0;
  let reading: Promise<Mode> | undefined;
  const first = async () => {
    const mode = await read();
    meter?.record('ModeLowered', mode === ceiling ? 0 : 1);
    return mode;
  };
  return () => {
    if (reading === undefined || clock.now() - readMs >= SWITCH_KEPT_MS) {
      readMs = clock.now();
      reading = reading === undefined ? first() : read();
    }
    return reading;
  };
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
  const modeNow = readsMode(deps);
  await modeNow();
  const settled = await settleAll(
    items,
    MAX_UNDER_WAY,
    async (item): Promise<ItemOutcome> => (item.kind === 'alert' ? respondToAlert(item, modeNow, deps, times) : { kind: item.kind, item }),
  );
  const outcomes = settled.map(
    (result, at): ItemOutcome =>
      result.status === 'fulfilled' ? result.value : { kind: 'failed', item: items[at] as IncomingAlert, error: result.reason },
  );
  if (deps.meter) measureOutcomes(outcomes, startedMs, deps.meter);
  return outcomes;
}

/** One alert: once → match → guard → intend → act → record → tell; guard to record are one case's, in shared/respond/respond.ts. */
async function respondToAlert(
  item: IncomingAlert,
  modeNow: () => Promise<Mode>,
  deps: RespondDeps,
  { killedAtMs }: RespondTimes,
): Promise<ItemOutcome> {
  const { alert } = item;
  // Whatever the mode: that events come through is worth knowing also while nothing is answered.
  if (isHeartbeat(alert)) return { kind: 'heartbeat', item, answer: await takeHeartbeat(alert, deps) };
  if (ownCall(alert, deps.principal)) {
    const account = await accountFor(alert, deps.journal);
    return account.ours ? { kind: 'own', item } : { kind: 'impostor', item, why: account.why };
  }
  if ((await modeNow()) === 'off') return { kind: 'answered', item, duplicate: false, entries: [] };
  const outbox = createOutbox(deps, killedAtMs);
  let entries: readonly Entry[] = [];
  const { ran } = await deps.once.run(alertKey(alert), { endsAtMs: killedAtMs }, async () => {
    // On the side: no response waits for it, and an attempt that fails is noted again by the next.
    const noted = deps.alertLog && noteAlert(item, deps.alertLog, deps.meter);
    const answers: Answers = { entries: [], failures: [] };
    for (const policy of deps.set.policies)
      if (policy.mode !== 'off' && matches(policy, alert))
        await respondByPolicy(alert, policy, { modeNow, killedAtMs }, { ...deps, journal: outbox.journal }, answers);
    // Last, so that no channel holds up a response. What was decided is told also where something else failed; the first error is the one to tell.
    const delivered = outbox.deliver(answers.entries);
    if (answers.failures.length > 0) {
      await delivered.catch(() => undefined);
      throw answers.failures[0];
    }
    entries = await delivered;
    await noted;
    // Not confirmed: once somebody turns the switch back, the alert must find its response unfinished.
    const stopped = entries.find(({ status }) => status === 'open');
    if (stopped) throw new StoppedError(stopped);
    return { responses: entries.length };
  });
  return { kind: 'answered', item, duplicate: !ran, entries };
}

interface Answers {
  readonly entries: Entry[];
  readonly failures: unknown[];
}

/** The cases of one policy, in its order. A failure is noted, and costs no other policy its answer. */
async function respondByPolicy(
  alert: IncomingAlert['alert'],
  policy: PolicySet['policies'][number],
  responding: Responding,
  deps: RespondDeps,
  { entries, failures }: Answers,
): Promise<void> {
  for (const given of casesOf(alert, policy, deps.actions)) {
    try {
      if ((await responding.modeNow()) === 'off') return;
      const entry = await respondToCase(given, responding, deps);
      entries.push(entry);
      if (entry.status === 'open' || (policy.onFailure === 'stop' && isSetBack(entry.status))) return;
    } catch (error) {
      failures.push(error);
      // While another invocation is at this policy, its order of actions is that one's to keep.
      const theirs = error instanceof WorkInProgressError || error instanceof JournalContentionError;
      if (theirs || policy.onFailure === 'stop') return;
    }
  }
}
