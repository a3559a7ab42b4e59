import type { SQSBatchResponse } from 'aws-lambda';
import type { ItemOutcome } from '../../shared/flows/respond.ts';
import { messageOf, TiercelError } from '../../shared/platform/errors.ts';
import { describeVia } from '../../shared/respond/index.ts';

/** What an invocation answers. Lambda reads `batchItemFailures` for SQS; the rest is for whoever invoked it directly. */
export interface RespondResult extends SQSBatchResponse {
  readonly alerts: {
    readonly answered: number;
    readonly duplicate: number;
    readonly rejected: number;
    readonly ignored: number;
    readonly failed: number;
  };
  readonly responses: readonly {
    readonly id: string;
    readonly status: string;
    readonly policy: string;
    readonly intent: string;
    readonly refusedBy: readonly string[];
  }[];
  readonly rejects: readonly { readonly item: string; readonly reason: string }[];
}

export class AlertsFailedError extends TiercelError {
  constructor(failed: readonly string[]) {
    super('respond.failed', `${failed.length} alert(s) could not be answered and should be delivered again: ${failed.join('; ')}`, {
      retryable: true,
    });
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
      failed: failed.length,
    },
    responses: answered.flatMap(({ entries }) =>
      entries.map(({ id, status, policy, intent, guards }) => ({
        id,
        status,
        policy,
        intent,
        refusedBy: guards.filter(({ verdict }) => verdict !== 'pass').map(({ guard, reason }) => `${guard}: ${reason}`),
      })),
    ),
    rejects: rejected.flatMap(({ item }) => (item.kind === 'alert' ? [] : [{ item: describeVia(item.via), reason: item.reason }])),
  };
}
