import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { SQSBatchResponse } from 'aws-lambda';
import { flushing } from '../../shared/platform/observe/meter.ts';
import { acknowledge } from './acknowledge.ts';
import { logger, wire } from './wire.ts';

// Runs on cold start only: a wrong configuration stops the function before it takes anything.
const { start, meter } = wire();

/** Called by SQS with S3 notifications in any wrapping (partial batch answer), or directly by S3, SNS or EventBridge. */
export const handler = middy<unknown, SQSBatchResponse | undefined>()
  .use(injectLambdaContext(logger))
  .use(flushing(meter))
  .handler(async (event, context) => acknowledge(event, await start(context), logger, meter));
