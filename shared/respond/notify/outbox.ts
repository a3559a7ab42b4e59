import type { Clock, Random } from '../../platform/clock.ts';
import { settleAll } from '../../platform/concurrency.ts';
import { messageOf, TiercelError } from '../../platform/errors.ts';
import { WorkInProgressError } from '../../platform/once.ts';
import { backoffMs } from '../../platform/retry.ts';
import type { Draft, Entry, Journal } from '../journal/journal.ts';
import { JournalContentionError } from '../journal/journal.ts';
import { type Channel, ChannelError, type Channels } from './channel.ts';
import { messageFor } from './message.ts';
import { type Notice, noticeId, withStatusNotice } from './notice.ts';

export interface OutboxDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  /** Absent where nobody can be told from here (the command line): notices stay due, for whoever comes next. */
  readonly channels?: Channels;
  /** Name of the stage, for commands in messages. */
  readonly stage?: string;
  /** Hears of every attempt, to count and to log it. */
  readonly onNotice?: (told: { readonly entry: Entry; readonly notice: Notice }) => void;
}

/** The notices of one delivery of an alert, or of one command. */
export interface Outbox {
  /** The journal, writing notices down in the same write as the outcome they tell. */
  readonly journal: Journal;
  /**
   * Sends what is due of these entries and is this delivery's to send. Nothing of a response depends on it.
   * @throws NoticesDueError when something is to be tried again: the alert or command should come again.
   */
  deliver(entries: readonly Entry[]): Promise<readonly Entry[]>;
}

/** Deliveries of an alert in which a notice is tried; then it is given up, and stands as failed in the journal. */
const MAX_ATTEMPTS = 5;
/** Tries within one delivery. */
const MAX_TRIES = 3;
const BACKOFF = { baseMs: 250, capMs: 2_000 };
/** A channel that wants to be left alone for longer is tried when the alert comes again. */
const MAX_WAIT_MS = 5_000;
/** Sending stops this long before the invocation is killed. */
const RESERVE_MS = 5_000;
const MAX_CONTENTION = 8;
/** How long to wait for another invocation that is sending the same, before handing the alert back. */
const WAIT_MS = 3_000;
const POLL_MS = 100;

export function createOutbox(deps: OutboxDeps, killedAtMs: number): Outbox {
  const { clock, channels } = deps;
  /** Notices that this delivery wrote down: others leave them alone until the lease ends. */
  const own = new Set<string>();
  const keyOf = (entry: Pick<Entry, 'id'>, notice: Notice) => `${noticeId(entry, notice)}>${notice.channel}`;

  /** The entry with its notices claimed, and which of them are new. */
  function claim<T extends Draft | Entry>(entry: T): { readonly claimed: T; readonly keys: readonly string[] } {
    const told = withStatusNotice(entry);
    const free = (told.notices ?? []).filter(isFree);
    if (free.length === 0) return { claimed: told, keys: [] };
    const leaseUntilMs = channels ? killedAtMs : 0;
    const notices = told.notices!.map((notice) => (free.includes(notice) ? { ...notice, leaseUntilMs } : notice));
    return { claimed: { ...told, notices }, keys: channels ? free.map((notice) => keyOf(entry, notice)) : [] };
  }
  const keep = (keys: readonly string[]) => {
    for (const key of keys) own.add(key);
  };

  const journal: Journal = {
    ...deps.journal,
    async record(draft) {
      const { claimed, keys } = claim(draft);
      const recorded = await deps.journal.record(claimed);
      if (recorded.won) keep(keys);
      return recorded;
    },
    async save(entry) {
      const { claimed, keys } = claim(entry);
      const saved = await deps.journal.save(claimed);
      keep(keys);
      return saved;
    },
  };

  async function deliverOne(given: Entry): Promise<Entry> {
    let entry = given;
    const waitUntilMs = clock.now() + WAIT_MS;
    for (;;) {
      const due = channels ? (entry.notices ?? []).filter(({ state }) => state === 'due') : [];
      if (due.length === 0) return entry;
      const foreign = due.filter((notice) => !own.has(keyOf(entry, notice)));
      if (foreign.length === 0) return send(entry, due);
      // Somebody else wrote it down. If they live they are sending it now; if they died it is sent here once their lease has ended.
      if (foreign.every(({ leaseUntilMs = 0 }) => leaseUntilMs <= clock.now())) entry = await takeOver(entry, foreign);
      else {
        if (clock.now() >= waitUntilMs) throw new WorkInProgressError(`the notices of response ${entry.id}`);
        await clock.sleep(POLL_MS);
        entry = (await deps.journal.find(entry.id)) ?? entry;
      }
    }
  }

  async function send(entry: Entry, due: readonly Notice[]): Promise<Entry> {
    const told = await Promise.all(due.map((notice) => tell(entry, notice, channels!)));
    for (const notice of told) deps.onNotice?.({ entry, notice });
    return recordResults(entry, told);
  }

  /** The entry with the lease of these notices, or as whoever was faster left it. */
  async function takeOver(entry: Entry, foreign: readonly Notice[]): Promise<Entry> {
    const notices = entry.notices!.map((notice) => (foreign.includes(notice) ? { ...notice, leaseUntilMs: killedAtMs } : notice));
    try {
      const saved = await deps.journal.save({ ...entry, notices });
      for (const notice of foreign) own.add(keyOf(entry, notice));
      return saved;
    } catch (error) {
      if (!(error instanceof JournalContentionError)) throw error;
      return (await deps.journal.find(entry.id)) ?? entry;
    }
  }

  /** One notice, tried a few times; never throws. */
  async function tell(entry: Entry, notice: Notice, to: Channels): Promise<Notice> {
    const { leaseUntilMs: _lease, why: _why, ...rest } = notice;
    const attempts = notice.attempts + 1;
    const channel = to.get(notice.channel);
    const failure = channel
      ? await trySending(channel, messageFor(entry, notice, deps.stage))
      : new ChannelError(`no channel is named ${notice.channel}; there are ${[...to.keys()].join(', ') || 'none'}`, { retryable: false });
    const atMs = clock.now();
    if (!failure) return { ...rest, attempts, state: 'sent', atMs };
    const again = failure.retryable && attempts < MAX_ATTEMPTS;
    return { ...rest, attempts, why: failure.message, atMs, ...(again ? { state: 'due', leaseUntilMs: atMs } : { state: 'failed' }) };
  }

  async function trySending(channel: Channel, message: ReturnType<typeof messageFor>): Promise<ChannelError | undefined> {
    for (let attempt = 1; ; attempt++) {
      let failure: ChannelError;
      try {
        await channel.send(message);
        return undefined;
      } catch (error) {
        const retryable = error instanceof TiercelError && error.retryable;
        failure = error instanceof ChannelError ? error : new ChannelError(messageOf(error), { retryable, cause: error });
      }
      const waitMs = failure.waitMs ?? backoffMs(attempt, BACKOFF, deps.random);
      const late = clock.now() + waitMs > killedAtMs - RESERVE_MS;
      if (!failure.retryable || attempt >= MAX_TRIES || waitMs > MAX_WAIT_MS || late) return failure;
      await clock.sleep(waitMs);
    }
  }

  async function recordResults(given: Entry, told: readonly Notice[]): Promise<Entry> {
    let entry = given;
    for (let attempt = 1; ; attempt++) {
      const notices = entry.notices!.map((old) => told.find(({ channel, about }) => channel === old.channel && about === old.about) ?? old);
      try {
        return await deps.journal.save({ ...entry, notices });
      } catch (error) {
        if (!(error instanceof JournalContentionError) || attempt >= MAX_CONTENTION) throw error;
        entry = (await deps.journal.find(given.id)) ?? given;
      }
    }
  }

  return {
    journal,
    async deliver(entries) {
      // Two policies may have led to one response: what is known of it last, once.
      const latest = new Map(entries.map((entry) => [entry.id, entry]));
      const settled = await settleAll([...latest.values()], 1, deliverOne);
      const delivered = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      const open = delivered.flatMap(({ notices = [] }) => notices.filter(({ state, why }) => state === 'due' && why !== undefined));
      if (channels && open.length > 0) throw new NoticesDueError(open);
      for (const result of settled) if (result.status === 'rejected') throw result.reason;
      const byId = new Map(delivered.map((entry) => [entry.id, entry]));
      return entries.map((entry) => byId.get(entry.id) ?? entry);
    },
  };
}

/** Written down by nobody yet. */
function isFree({ state, leaseUntilMs }: Notice): boolean {
  return state === 'due' && leaseUntilMs === undefined;
}

/** The response itself is settled; only who should hear of it has not. */
class NoticesDueError extends TiercelError {
  constructor(due: readonly Notice[]) {
    const list = due.map(({ channel, about, why }) => `${channel} of ${about} (${why})`).join('; ');
    super('NOTICES_DUE', `Expected to tell ${list}. The response stands; the alert is delivered again, and then only this is tried.`, {
      retryable: true,
    });
  }
}
