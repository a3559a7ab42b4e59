import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { CloudWatchLogsEvent } from 'aws-lambda';
import { ingestDelivery } from '../../shared/flows/ingest-delivery.ts';
import { acknowledge } from './acknowledge.ts';
import { logger, metrics, wire } from './wire.ts';

// Runs on cold start only: a wrong configuration stops the function before it takes anything.
const invocation = wire();

/** Called by CloudWatch Logs (subscription), asynchronously: what it throws, Lambda delivers again. */
export const handler = middy<CloudWatchLogsEvent>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(async (event, context) => {
    const { deps, times } = await invocation(context);
    return acknowledge(() => ingestDelivery(event, deps, times), logger, metrics);
  });
