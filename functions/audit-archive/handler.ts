import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { SQSBatchResponse } from 'aws-lambda';
import type { SweepReport } from '../../shared/flows/sweep.ts';
import { flushing } from '../../shared/platform/observe/meter.ts';
import { acknowledge } from './acknowledge.ts';
import { isSweep, sweep } from './sweep.ts';
import { logger, wire } from './wire.ts';

// Runs on cold start only: a wrong configuration stops the function before it takes anything.
const { start, meter, spool } = wire();

/** Called by SQS with S3 notifications in any wrapping (partial batch answer), or directly by S3, SNS or EventBridge; and by a schedule, to look at the spool. */
export const handler = middy<unknown, SQSBatchResponse | SweepReport | undefined>()
  .use(injectLambdaContext(logger))
  .use(flushing(meter))
  .handler(async (event, context) =>
    isSweep(event) ? sweep(spool, logger, meter) : acknowledge(event, await start(context), logger, meter),
  );
