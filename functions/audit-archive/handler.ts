import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { SQSBatchResponse } from 'aws-lambda';
import { acknowledge } from './acknowledge.ts';
import { logger, metrics, wire } from './wire.ts';

// Runs on cold start only: a wrong configuration stops the function before it takes anything.
const invocation = wire();

/** Called by SQS with S3 notifications in any wrapping (partial batch answer), or directly by S3, SNS or EventBridge. */
export const handler = middy<unknown, SQSBatchResponse | undefined>()
  .use(injectLambdaContext(logger))
  .use(logMetrics(metrics))
  .handler(async (event, context) => acknowledge(event, await invocation(context), logger, metrics));
