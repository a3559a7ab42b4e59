import { Logger } from '@aws-lambda-powertools/logger';
import { S3Client } from '@aws-sdk/client-s3';
import type { Context } from 'aws-lambda';
import { describeOrigin } from '../../shared/audit/index.ts';
import type { IngestTimes } from '../../shared/flows/ingest.ts';
import type { IngestDeliveryDeps } from '../../shared/flows/ingest-delivery.ts';
import { storeIn, wireIngest } from '../../shared/flows/ingest-wiring.ts';
import { writeSpool } from '../../shared/flows/spool.ts';
import { answeredWithin } from '../../shared/platform/aws/answered-within.ts';
import { createMeter, type FlushingMeter } from '../../shared/platform/observe/meter.ts';
import { readAuditStreamConfig } from './config.ts';

export const logger = new Logger({ serviceName: 'audit-stream' });

/** CloudWatch Logs retries for 24 h, Lambda for 6 h after that; a day and a half covers both. */
const REMEMBERED_SECONDS = 36 * 3600;

/** Time kept for writing the spool after delivery has stopped. */
const SPOOL_RESERVE_MS = 10_000;

type StartInvocation = (
  context: Pick<Context, 'getRemainingTimeInMillis'>,
) => Promise<{ readonly deps: IngestDeliveryDeps; readonly times: IngestTimes }>;

/** Cold start: configuration → clients → what each invocation gets. */
export function wire(): { readonly meter: FlushingMeter; readonly start: StartInvocation } {
  const config = readAuditStreamConfig();
  const meter = createMeter({ service: 'audit-stream', stage: config.TIERCEL_STAGE, clusters: config.CLUSTERS.map(({ name }) => name) });
  const s3 = new S3Client(answeredWithin(15_000));
  const spool = storeIn(config.STATE_DIR, s3, config.SPOOL_BUCKET, config.SPOOL_PREFIX);
  const ingest = wireIngest(config, { s3, rememberedSeconds: REMEMBERED_SECONDS, logger, meter });
  const start: StartInvocation = async (context) => {
    const deps = await ingest();
    const remainingMs = context.getRemainingTimeInMillis();
    const killedAtMs = deps.clock.now() + remainingMs;
    return {
      deps: {
        ...deps,
        ownLogGroup: config.AWS_LAMBDA_LOG_GROUP_NAME,
        keep: async (chunk, undelivered, why) => {
          await writeSpool(spool, chunk, undelivered);
          const [first] = undelivered;
          logger.warn('events were parked in the spool', {
            events: undelivered.length,
            why,
            chunk: chunk.id,
            cluster: first?.identity.cluster,
            origin: first && describeOrigin(first.origin),
          });
        },
      },
      times: { killedAtMs, deliverUntilMs: killedAtMs - Math.min(SPOOL_RESERVE_MS, remainingMs / 2) },
    };
  };
  return { meter, start };
}
