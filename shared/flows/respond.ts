import type { Clock } from '../platform/clock.ts';
import { settleAll } from '../platform/concurrency.ts';
import type { Once } from '../platform/once.ts';
import {
  actionCatalogue,
  alertKey,
  type Entry,
  type IncomingAlert,
  type Journal,
  type Mode,
  type NotAnAlert,
  type PolicySet,
  planResponses,
  type ReceivedItem,
} from '../respond/index.ts';

/** Everything the story needs from outside. */
export interface RespondDeps {
  readonly clock: Clock;
  readonly once: Once;
  readonly journal: Journal;
  readonly policies: PolicySet;
  readonly mode: Mode;
}

/** What became of one item of a trigger. */
export type ItemOutcome =
  /** `duplicate`: the same alert was answered before; the entries are in the journal. */
  | { readonly kind: 'answered'; readonly item: IncomingAlert; readonly duplicate: boolean; readonly entries: readonly Entry[] }
  /** No answer could be written down; the same alert can be sent again. */
  | { readonly kind: 'failed'; readonly item: IncomingAlert; readonly error: unknown }
  | { readonly kind: 'rejected' | 'ignored'; readonly item: NotAnAlert };

/** Alerts under way at once: each costs a few round trips to DynamoDB, none of them much memory. */
const MAX_UNDER_WAY = 16;

/** Answers the alerts of one trigger, in order of arrival; one failure stops nobody else. */
export async function respondToAlerts(
  items: readonly ReceivedItem[],
  deps: RespondDeps,
  times: { /** Epoch milliseconds at which the invocation is killed. */ readonly killedAtMs: number },
): Promise<readonly ItemOutcome[]> {
  const settled = await settleAll(items, MAX_UNDER_WAY, async (item) =>
    item.kind === 'alert' ? respondToAlert(item, deps, times) : { kind: item.kind, item },
  );
  return settled.map((result, at) =>
    result.status === 'fulfilled' ? result.value : { kind: 'failed', item: items[at] as IncomingAlert, error: result.reason },
  );
}

/** One alert: once → match → guard → record. */
async function respondToAlert(item: IncomingAlert, deps: RespondDeps, times: { readonly killedAtMs: number }): Promise<ItemOutcome> {
  if (deps.mode === 'off') return { kind: 'answered', item, duplicate: false, entries: [] };
  const entries: Entry[] = [];
  const { ran } = await deps.once.run(alertKey(item.alert), { endsAtMs: times.killedAtMs }, async () => {
    const drafts = planResponses(item.alert, { set: deps.policies, actions: actionCatalogue, nowMs: deps.clock.now(), mode: deps.mode });
    for (const draft of drafts) entries.push((await deps.journal.record(draft)).entry);
    return { responses: entries.length };
  });
  return { kind: 'answered', item, duplicate: !ran, entries };
}
