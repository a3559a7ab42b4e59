import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { CloudWatchLogsEvent } from 'aws-lambda';
import { ingestDelivery } from '../../shared/flows/ingest-delivery.ts';
import { flushing } from '../../shared/platform/observe/meter.ts';
import { acknowledge } from './acknowledge.ts';
import { logger, wire } from './wire.ts';

// Runs on cold start only: a wrong configuration stops the function before it takes anything.
const { start, meter } = wire();

/** Called by CloudWatch Logs (subscription), asynchronously: what it throws, Lambda delivers again. */
export const handler = middy<CloudWatchLogsEvent>()
  .use(injectLambdaContext(logger))
  .use(flushing(meter))
  .handler(async (event, context) => {
    const { deps, times } = await start(context);
    return acknowledge(() => ingestDelivery(event, deps, times), logger);
  });
