import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { flushing } from '../../shared/platform/observe/meter.ts';
import { acknowledge, type HeartbeatResult } from './acknowledge.ts';
import { logger, wire } from './wire.ts';

// Runs on cold start only: a wrong configuration stops the function before it sends anything.
const { beat, meter } = wire();

/** Called by EventBridge every five minutes. */
export const handler = middy<unknown, HeartbeatResult>()
  .use(injectLambdaContext(logger))
  .use(flushing(meter))
  .handler(async () => acknowledge(await beat(), logger));
