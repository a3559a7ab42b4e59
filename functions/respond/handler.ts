import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { respondToAlerts } from '../../shared/flows/respond.ts';
import { readTrigger } from '../../shared/respond/index.ts';
import { acknowledge, type RespondResult } from './acknowledge.ts';
import { logger, wire } from './wire.ts';

// Runs on cold start only: a wrong configuration or policy stops the function before it takes anything.
const deps = wire();

/** Alerts from Falcosidekick (invoke, SQS, SNS) and from FireLens (CloudWatch Logs). Permissions: see README.md. */
export const handler = middy(async (event: unknown, context: Context): Promise<RespondResult> => {
  const items = readTrigger(event);
  const outcomes = await respondToAlerts(items, deps, { killedAtMs: deps.clock.now() + context.getRemainingTimeInMillis() });
  report(outcomes);
  return acknowledge(outcomes);
}).use(injectLambdaContext(logger));

function report(outcomes: Awaited<ReturnType<typeof respondToAlerts>>): void {
  for (const outcome of outcomes) {
    if (outcome.kind === 'rejected') logger.warn('alert rejected', { via: outcome.item.via, reason: outcome.item.reason });
    if (outcome.kind === 'failed')
      logger.error('alert failed', { via: outcome.item.via, rule: outcome.item.alert.rule, error: outcome.error as Error });
    if (outcome.kind !== 'answered') continue;
    for (const { id, status, policy, intent, guards } of outcome.entries) {
      logger.info('response decided', { id, status, policy, intent, refusedBy: guards.filter(({ verdict }) => verdict !== 'pass') });
    }
  }
}
