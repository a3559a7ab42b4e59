import type { Logger } from '@aws-lambda-powertools/logger';
import { type DeliverySummary, DeliveryUnfinishedError } from '../../shared/flows/ingest-delivery.ts';

/**
 * Turns the outcome of a delivery into Lambda's answer. An asynchronous invocation knows two: success, and a throw that makes Lambda
 * deliver the same event again (twice, then to the on-failure destination).
 */
export async function acknowledge(
  ingest: () => Promise<DeliverySummary | 'refused'>,
  logger: Logger,
): Promise<DeliverySummary | 'refused'> {
  try {
    const summary = await ingest();
    // Not a word about a refused delivery of our own log group: the line would come back as the next delivery.
    if (summary === 'refused') return summary;
    logger.info('delivery ingested', { ...summary });
    return summary;
  } catch (error) {
    const summary = error instanceof DeliveryUnfinishedError ? error.summary : {};
    logger.error('delivery not finished, Lambda will deliver it again', { ...summary, error: error as Error });
    throw error;
  }
}
