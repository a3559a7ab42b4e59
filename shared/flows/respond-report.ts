import type { Meter } from '../platform/observe/meter.ts';
import { clusterOf, type Entry, happenedAtMs } from '../respond/index.ts';
import type { HeartbeatAnswer } from './heartbeat-return.ts';
import type { ItemOutcome } from './respond.ts';

/** Metrics of what became of the items of one trigger. `startedMs`: entries written before were counted then. */
export function measureOutcomes(outcomes: readonly ItemOutcome[], startedMs: number, meter: Meter): void {
  for (const outcome of outcomes) {
    if (outcome.kind === 'rejected') meter.record('AlertsRejected', 1);
    else if (outcome.kind === 'failed') meter.record('AlertsFailed', 1);
    else if (outcome.kind === 'heartbeat') measureHeartbeat(outcome.answer, meter);
    else if (outcome.kind === 'own') meter.record('OwnCalls', 1);
    else if (outcome.kind === 'impostor') meter.record('ImpostorCalls', 1);
    else if (outcome.kind === 'answered') {
      if (outcome.duplicate) meter.record('AlertsDuplicate', 1);
      else meter.record('AlertsReceived', 1, clusterOf(outcome.item.alert));
      for (const entry of outcome.entries) {
        measureEntry(entry, startedMs, meter);
        if (entry.status === 'done' && entry.updatedAtMs >= startedMs) measureDelay(entry, meter);
      }
    }
  }
}

function measureHeartbeat(answer: HeartbeatAnswer, meter: Meter): void {
  if (answer.kind === 'set-aside') meter.record('HeartbeatsSetAside', 1);
  else {
    meter.record('HeartbeatsReturned', 1, answer.cluster);
    meter.record('HeartbeatRoundTrip', answer.roundTripMs, answer.cluster);
    if (answer.differs !== undefined) meter.record('HeartbeatsDiffering', answer.differs ? 1 : 0);
  }
}

/** Metrics of one decision. A rule that merely joined a decision which stands does not count it again. */
export function measureEntry(entry: Entry, startedMs: number, meter: Meter): void {
  if (entry.updatedAtMs < startedMs) return;
  meter.record('Responses', 1, entry.status);
  if (entry.status !== 'refused') return;
  const refusing = entry.guards.filter(({ verdict }) => verdict === 'refuse');
  // Where something would have been changed, not knowing is a refusal; only `within-budget` is not asked at all when another refuses.
  const blocking =
    refusing.length > 0 ? refusing : entry.guards.filter(({ verdict, guard }) => verdict === 'unknown' && guard !== 'within-budget');
  for (const { guard } of blocking) meter.record('Refusals', 1, guard);
}

function measureDelay({ alert, steps }: Entry, meter: Meter): void {
  const happenedMs = happenedAtMs(alert);
  const actedMs = Math.max(...steps.map(({ atMs }) => atMs ?? 0));
  if (happenedMs !== undefined && actedMs > 0) meter.record('DetectionToAction', Math.max(0, actedMs - happenedMs));
}
