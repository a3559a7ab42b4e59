import type { FalcoAlert } from '../../falco/alert.ts';
import { TiercelError } from '../../platform/errors.ts';
import type { Effect } from '../action/effect.ts';
import type { GuardAnswer } from '../guard/guard.ts';
import type { Mode } from '../mode.ts';
import type { Notice } from '../notify/notice.ts';
import type { Target } from '../target.ts';

/** Where a response stands. Everything but `open` and `awaiting-approval` is settled: nothing happens to it without a new cause. */
export const STATUSES = [
  /** A guard said no, or did not know. */
  'refused',
  /** Shadow: what would have been done. */
  'planned',
  /** Everything is decided but a person's yes. */
  'awaiting-approval',
  /** A person said no, or nobody said yes in time. */
  'denied',
  /** Intent and before-state are written; effects are being carried out. */
  'open',
  'done',
  /** The object was gone, or was another one by then. */
  'superseded',
  /** The cluster refused, and will refuse again: an operator must look. */
  'failed',
  /** What was done has been taken back. */
  'undone',
] as const;
export type Status = (typeof STATUSES)[number];

/** One effect and what became of it. */
export interface Step {
  readonly effect: Effect;
  readonly state: 'intended' | 'done' | 'superseded' | 'undone';
  /** What was found, for people. */
  readonly note?: string;
  /** UID of what was created, by the step or by taking it back. */
  readonly uid?: string;
  /** When the answer came, epoch milliseconds. */
  readonly atMs?: number;
}

/** One response: one action on one object because of one happening. */
export interface Entry {
  /** `<event>-<action key>`, cut to 40 and 12 hex digits: enough to find the entry without a search. */
  readonly id: string;
  /** First 40 hex digits of the event key (of the alert key when the happening cannot be identified). */
  readonly event: string;
  /** Grows by one with each write; a writer that saw an older one has lost. */
  readonly version: number;
  readonly status: Status;
  readonly mode: Mode;
  readonly policy: string;
  readonly action: string;
  /** The action's parameters, as the policy had them when it was decided. */
  readonly parameters: unknown;
  /** What is or would be done, for people. */
  readonly intent: string;
  readonly target?: Target;
  /** Every rule that alerted on the happening and led here. */
  readonly rules: readonly string[];
  readonly cluster?: string;
  /** Address of the API server at which it was carried out: a cluster's name says little to a kubeconfig. */
  readonly server?: string;
  readonly user?: string;
  /** The first alert that led here, without what the request held. */
  readonly alert: FalcoAlert;
  readonly guards: readonly GuardAnswer[];
  /** Effects in order, with the state before each. Empty when there was no look at the cluster. */
  readonly steps: readonly Step[];
  readonly caveats: readonly string[];
  /** Who may carry it out: until then nobody else. Epoch milliseconds; only while `open`. */
  readonly leaseUntilMs?: number;
  /** How often somebody set about carrying it out. */
  readonly attempt: number;
  /** How long a containment lasts from when it is carried out, milliseconds. */
  readonly ttlMs?: number;
  /** When it ends by itself, epoch milliseconds. */
  readonly expiresAtMs?: number;
  /** Until when a person may say yes, epoch milliseconds. */
  readonly approveByMs?: number;
  /** Who is told of which outcomes, as the policy had it when it was decided. */
  readonly notify?: { readonly channels: readonly string[]; readonly on: readonly Status[] };
  /** Who is or was told of what. */
  readonly notices?: readonly Notice[];
  /** Why it failed, or who approved, denied or undid it. */
  readonly remark?: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** Whether a text has the form of an id; looking up anything else is pointless. */
export function isEntryId(text: string): boolean {
  return /^[0-9a-f]{40}-[0-9a-f]{12}$/.test(text);
}

/** What a caller decides; the journal adds the version and the times. */
export type Draft = Omit<Entry, 'version' | 'createdAtMs' | 'updatedAtMs'>;

/** One line of a listing. */
export type Summary = Pick<Entry, 'id' | 'status' | 'mode' | 'policy' | 'action' | 'intent' | 'cluster' | 'createdAtMs'>;

export interface Journal {
  /**
   * Writes down a decision. The first one about an id stands; a later one adds its rule, and replaces the decision only while nothing was set
   * in motion and it gets further (a plan replaces a refusal, an intent replaces both). `won`: the draft is what the journal now says.
   */
  record(draft: Draft): Promise<{ readonly entry: Entry; readonly won: boolean }>;
  /**
   * Replaces an entry that the caller read or wrote before, all but its rules.
   * @throws JournalContentionError when somebody else wrote in between: the caller no longer holds the response.
   */
  save(entry: Entry): Promise<Entry>;
  /** Adds rules to an entry, in whatever state it is, without disturbing its writer. */
  join(entry: Entry, rules: readonly string[]): Promise<Entry>;
  find(id: string): Promise<Entry | undefined>;
  /** All responses to one happening, in no particular order. */
  ofEvent(event: string): Promise<readonly Entry[]>;
  /** Newest first. Reads only the hours asked for. */
  list(range: { readonly fromMs: number; readonly toMs: number; readonly limit: number }): Promise<readonly Summary[]>;
}

/** Somebody else wrote to the entry in between. */
export class JournalContentionError extends TiercelError {
  constructor(id: string, cause?: unknown) {
    super(
      'JOURNAL_CONTENTION',
      `Expected to be the only writer of journal entry ${id}, but another invocation wrote to it. The alert is tried again.`,
      {
        retryable: true,
        cause,
      },
    );
  }
}

/** Whoever may send alerts may name any rule; more of them than there are rules must not fill the entry. */
const MAX_RULES = 64;

/** The rules that are new to an entry and still have a place in it. */
export function rulesToAdd({ rules }: Pick<Entry, 'rules'>, given: readonly string[]): readonly string[] {
  return given.filter((rule) => !rules.includes(rule)).slice(0, Math.max(0, MAX_RULES - rules.length));
}

/** Decisions that a further one replaces. Everything that was set in motion has rank 2 and stays. */
const RANK: Readonly<Partial<Record<Status, number>>> = { refused: 0, planned: 1 };
const rank = (status: Status): number => RANK[status] ?? 2;

/** Whether a new decision replaces the one that stands. */
export function getsFurther(existing: Status, draft: Status): boolean {
  return rank(draft) > rank(existing);
}

export function summaryOf(entry: Entry): Summary {
  const { id, status, mode, policy, action, intent, cluster, createdAtMs } = entry;
  return { id, status, mode, policy, action, intent, ...(cluster === undefined ? {} : { cluster }), createdAtMs };
}

/** Whether a response stopped short, so that what a policy wants done after it should wait for a person. */
export function isSetBack(status: Status): boolean {
  return status !== 'planned' && status !== 'done';
}
