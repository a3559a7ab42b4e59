import { TiercelError } from '../../platform/errors.ts';
import type { GuardAnswer } from '../guard/guard.ts';
import type { Mode } from '../mode.ts';
import type { Target } from '../target.ts';

/** Where a response stands. Everything but `open` is settled: nothing happens to it without a new cause. */
export type Status =
  /** Shadow: what would have been done. */
  | 'planned'
  /** A guard said no, or did not know. */
  | 'refused';

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
  /** What is or would be done, for people. */
  readonly intent: string;
  readonly target?: Target;
  /** Every rule that alerted on the happening and led here. */
  readonly rules: readonly string[];
  readonly cluster?: string;
  readonly user?: string;
  readonly priority: string;
  /** Falco's time of the first alert that led here. */
  readonly alertTime: string;
  readonly guards: readonly GuardAnswer[];
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** What a caller decides; the journal adds the version and the times. */
export type Draft = Omit<Entry, 'version' | 'createdAtMs' | 'updatedAtMs'>;

/** One line of a listing. */
export type Summary = Pick<Entry, 'id' | 'status' | 'mode' | 'policy' | 'action' | 'intent' | 'cluster' | 'createdAtMs'>;

export interface Journal {
  /**
   * Writes down a decision. The first one about an action key stands; a later one about the same key adds its rule and replaces the
   * decision only when it gets further (a plan replaces a refusal). Resolves to what the journal now says.
   */
  record(draft: Draft): Promise<{ readonly entry: Entry; readonly first: boolean }>;
  find(id: string): Promise<Entry | undefined>;
  /** All responses to one happening, in no particular order. */
  ofEvent(event: string): Promise<readonly Entry[]>;
  /** Newest first. Reads only the hours asked for. */
  list(range: { readonly fromMs: number; readonly toMs: number; readonly limit: number }): Promise<readonly Summary[]>;
}

/** Somebody else wrote to the entry in between, again and again. */
export class JournalContentionError extends TiercelError {
  constructor(id: string, cause?: unknown) {
    super('respond.journal.contention', `Expected to write journal entry ${id}, but others keep writing to it. The alert is tried again.`, {
      retryable: true,
      cause,
    });
  }
}

/** How far a decision got: a later decision about the same action key never goes back. */
const RANK: Readonly<Record<Status, number>> = { refused: 0, planned: 1 };

/** What the journal should say after one more decision about the same key; `undefined` when it already says so. */
export function merge(existing: Entry, draft: Draft, nowMs: number): Entry | undefined {
  const rules = [...new Set([...existing.rules, ...draft.rules])];
  const further = RANK[draft.status] > RANK[existing.status];
  if (!further && rules.length === existing.rules.length) return undefined;
  const decision = further ? draft : existing;
  return { ...existing, ...decision, rules, version: existing.version + 1, createdAtMs: existing.createdAtMs, updatedAtMs: nowMs };
}

export function summaryOf(entry: Entry): Summary {
  const { id, status, mode, policy, action, intent, cluster, createdAtMs } = entry;
  return { id, status, mode, policy, action, intent, ...(cluster === undefined ? {} : { cluster }), createdAtMs };
}
