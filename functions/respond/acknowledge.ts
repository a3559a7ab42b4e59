import type { Logger } from '@aws-lambda-powertools/logger';
import type { SQSBatchResponse } from 'aws-lambda';
import type { HeartbeatAnswer } from '../../shared/flows/heartbeat-return.ts';
import type { ItemOutcome } from '../../shared/flows/respond.ts';
import { messageOf, TiercelError } from '../../shared/platform/errors.ts';
import type { Meter } from '../../shared/platform/observe/meter.ts';
import { clusterOf, describeVia, type Entry, type Notice } from '../../shared/respond/index.ts';

/** What an invocation answers. Lambda reads `batchItemFailures` for SQS; the rest is for whoever invoked it directly. */
export interface RespondResult extends SQSBatchResponse {
  readonly alerts: {
    readonly answered: number;
    readonly duplicate: number;
    readonly rejected: number;
    readonly ignored: number;
    readonly heartbeat: number;
    readonly own: number;
    readonly impostor: number;
    readonly failed: number;
  };
  readonly responses: readonly {
    readonly id: string;
    readonly status: string;
    readonly policy: string;
    readonly intent: string;
    readonly refusedBy: readonly string[];
    /** Guards that had no answer: fine for a plan, a refusal where something would be changed. */
    readonly unknown: readonly string[];
  }[];
  readonly rejects: readonly { readonly item: string; readonly reason: string }[];
}

export class AlertsFailedError extends TiercelError {
  constructor(failed: readonly string[]) {
    super(
      'ALERTS_FAILED',
      `${failed.length === 1 ? 'One alert' : `${failed.length} alerts`} could not be answered and should be delivered again: ${failed.join('; ')}`,
      {
        retryable: true,
      },
    );
  }
}

/**
 * Outcomes → the trigger's answer. SQS gets back only what failed; a rejected alert is acknowledged, for it will be no better next time.
 * @throws AlertsFailedError for the other triggers, so that Lambda delivers again: alerts that were answered are then duplicates.
 */
export function acknowledge(outcomes: readonly ItemOutcome[]): RespondResult {
  const failed = outcomes.filter((outcome) => outcome.kind === 'failed');
  const others = failed.filter(({ item }) => item.via.kind !== 'sqs');
  if (others.length > 0) throw new AlertsFailedError(others.map(({ item, error }) => `${describeVia(item.via)}: ${messageOf(error)}`));
  const answered = outcomes.filter((outcome) => outcome.kind === 'answered');
  const rejected = outcomes.filter((outcome) => outcome.kind === 'rejected');
  return {
    batchItemFailures: failed.flatMap(({ item }) => (item.via.kind === 'sqs' ? [{ itemIdentifier: item.via.messageId }] : [])),
    alerts: {
      answered: answered.length,
      duplicate: answered.filter(({ duplicate }) => duplicate).length,
      rejected: rejected.length,
      ignored: outcomes.filter((outcome) => outcome.kind === 'ignored').length,
      heartbeat: outcomes.filter((outcome) => outcome.kind === 'heartbeat').length,
      own: outcomes.filter((outcome) => outcome.kind === 'own').length,
      impostor: outcomes.filter((outcome) => outcome.kind === 'impostor').length,
      failed: failed.length,
    },
    responses: answered.flatMap(({ entries }) =>
      entries.map(({ id, status, policy, intent, guards }) => ({
        id,
        status,
        policy,
        intent,
        ...objections(guards),
      })),
    ),
    rejects: rejected.flatMap(({ item }) => (item.kind === 'alert' ? [] : [{ item: describeVia(item.via), reason: item.reason }])),
  };
}

/** One line per decision and per item that led to none. */
export function report(outcomes: readonly ItemOutcome[], logger: Logger): void {
  for (const outcome of outcomes) {
    if (outcome.kind === 'rejected') logger.warn('alert rejected', { via: outcome.item.via, reason: outcome.item.reason });
    else if (outcome.kind === 'failed')
      logger.error('alert failed', {
        cluster: clusterOf(outcome.item.alert),
        via: outcome.item.via,
        rule: outcome.item.alert.rule,
        error: outcome.error as Error,
      });
    else if (outcome.kind === 'heartbeat') reportHeartbeat(outcome.answer, describeVia(outcome.item.via), logger);
    else if (outcome.kind === 'impostor') {
      logger.critical("a call under respond's identity is not respond's", {
        why: outcome.why,
        cluster: clusterOf(outcome.item.alert),
        rule: outcome.item.alert.rule,
        auditId: outcome.item.alert.output_fields['ka.auditid'],
      });
    } else if (outcome.kind === 'answered') for (const entry of outcome.entries) reportEntry(entry, logger);
  }
}

function reportHeartbeat(answer: HeartbeatAnswer, via: string, logger: Logger): void {
  if (answer.kind === 'noted') logger.info('heartbeat returned', { ...answer });
  else logger[answer.doubtful ? 'warn' : 'info']('heartbeat set aside', { ...answer, via });
}

/** What a command led to. */
export interface CommandResult {
  readonly id: string;
  readonly status: string;
  readonly remark: string;
}

export function acknowledgeCommand(entry: Entry, logger: Logger): CommandResult {
  reportEntry(entry, logger);
  return { id: entry.id, status: entry.status, remark: entry.remark ?? '' };
}

function reportEntry({ id, status, mode, policy, intent, cluster, guards, remark }: Entry, logger: Logger): void {
  const line = { id, status, mode, policy, intent, cluster, ...objections(guards), remark };
  if (status === 'failed') logger.error('response failed', line);
  else logger.info('response decided', line);
}

function objections(guards: Entry['guards']): { readonly refusedBy: readonly string[]; readonly unknown: readonly string[] } {
  const saying = (wanted: string) => guards.filter(({ verdict }) => verdict === wanted).map(({ guard, reason }) => `${guard}: ${reason}`);
  return { refusedBy: saying('refuse'), unknown: saying('unknown') };
}

/** One line and one count for each attempt to tell a channel; never its address. */
export function reportNotice({ id, policy }: Entry, { channel, about, state, attempts, why }: Notice, logger: Logger, meter: Meter): void {
  const line = { id, policy, channel, about, state, attempts, why };
  if (state === 'sent') {
    meter.record('NoticesSent', 1);
    logger.info('notice sent', line);
    return;
  }
  meter.record('NoticesFailed', 1);
  if (state === 'failed') logger.error('notice given up', line);
  else logger.warn('notice not taken', line);
}
