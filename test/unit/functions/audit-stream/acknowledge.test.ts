import type { Logger } from '@aws-lambda-powertools/logger';
import { describe, expect, it } from 'vitest';
import { acknowledge } from '../../../../functions/audit-stream/acknowledge.ts';
import { type DeliverySummary, DeliveryUnfinishedError } from '../../../../shared/flows/ingest-delivery.ts';

describe('the answer of audit-stream', () => {
  it('says of a delivery that is not finished where it came from, and throws, so that Lambda delivers it again', async () => {
    const lines: unknown[] = [];
    const logger = { error: (...line: unknown[]) => void lines.push(line) } as unknown as Logger;
    const summary = { chunks: 2, origin: '/aws/eks/payments/cluster/kube-apiserver-audit-1', cluster: 'payments' } as DeliverySummary;
    const error = new DeliveryUnfinishedError(summary, [new Error('S3 is away')]);
    await expect(acknowledge(async () => Promise.reject(error), logger)).rejects.toBe(error);
    expect(lines).toEqual([['delivery not finished, Lambda will deliver it again', { ...summary, error }]]);
  });
});
