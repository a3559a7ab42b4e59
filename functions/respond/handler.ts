import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { respondToAlerts } from '../../shared/flows/respond.ts';
import { readTrigger } from '../../shared/respond/index.ts';
import { acknowledge, type RespondResult, report } from './acknowledge.ts';
import { logger, wire } from './wire.ts';

// Runs on cold start only: a wrong configuration or policy stops the function before it takes anything.
const ready = wire();

/** Alerts from Falcosidekick (invoke, SQS, SNS) and from FireLens (CloudWatch Logs). Permissions: see README.md. */
export const handler = middy<unknown, RespondResult>()
  .use(injectLambdaContext(logger))
  .handler(async (event, context) => {
    const deps = await ready();
    const outcomes = await respondToAlerts(readTrigger(event), deps, { killedAtMs: deps.clock.now() + context.getRemainingTimeInMillis() });
    report(outcomes, logger);
    return acknowledge(outcomes);
  });
