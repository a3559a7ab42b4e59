import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { respondToAlerts, respondToCommand } from '../../shared/flows/respond.ts';
import { flushing } from '../../shared/platform/observe/meter.ts';
import { readCommand, readTrigger } from '../../shared/respond/index.ts';
import { acknowledge, acknowledgeCommand, type CommandResult, type RespondResult, report } from './acknowledge.ts';
import { logger, wire } from './wire.ts';

// Runs on cold start only: a wrong configuration or policy stops the function before it takes anything.
const { ready, meter } = wire();

/** Alerts from Falcosidekick (invoke, SQS, SNS) and from FireLens (CloudWatch Logs), commands from EventBridge. Permissions: see README.md. */
export const handler = middy<unknown, RespondResult | CommandResult>()
  .use(injectLambdaContext(logger))
  .use(flushing(meter))
  .handler(async (event, context) => {
    const deps = await ready();
    const times = { killedAtMs: deps.clock.now() + context.getRemainingTimeInMillis() };
    const command = readCommand(event);
    if (command) return acknowledgeCommand(await respondToCommand(command, deps, times), logger);
    const outcomes = await respondToAlerts(readTrigger(event), deps, times);
    report(outcomes, logger);
    return acknowledge(outcomes);
  });
