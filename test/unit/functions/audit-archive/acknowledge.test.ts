import type { Logger } from '@aws-lambda-powertools/logger';
import { describe, expect, it } from 'vitest';
import { acknowledge } from '../../../../functions/audit-archive/acknowledge.ts';
import { createMemoryCheckpoints } from '../../../../shared/platform/checkpoints.ts';
import { createMemoryOnce } from '../../../../shared/platform/once.ts';
import { testClock } from '../../../support/responder.ts';

const announcement = JSON.stringify({
  Records: ['broken', 'gone'].map((key) => ({ eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'archive' }, object: { key } } })),
});
const message = { messageId: 'm-1', eventSource: 'aws:sqs', body: announcement, attributes: { ApproximateReceiveCount: '3' } };

describe('the answer of audit-archive', () => {
  it('says which object could not be read and why, and gives its message back for later', async () => {
    const clock = testClock(Date.UTC(2026, 10, 21));
    const lines: [level: string, message: string, more: unknown][] = [];
    const logger = Object.fromEntries(
      ['info', 'warn', 'error'].map((level) => [level, (text: string, more: unknown) => void lines.push([level, text, more])]),
    ) as unknown as Logger;
    const delays: number[] = [];
    const invocation = {
      deps: {
        clock,
        once: createMemoryOnce(clock),
        checkpoints: createMemoryCheckpoints(),
        objects: {
          open: async ({ key }: { key: string }) => {
            if (key === 'broken') throw new Error('AccessDenied');
            return undefined;
          },
        },
        quarantine: { putIfAbsent: async () => 'written' as const },
        identify: () => ({ cluster: 'payments' }),
        sourceOf: () => 'archive',
      },
      times: { killedAtMs: clock.now() + 9_000, deliverUntilMs: clock.now() + 8_000, readUntilMs: clock.now() + 7_000 },
      delay: async (_: unknown, seconds: number) => void delays.push(seconds),
    } as unknown as Parameters<typeof acknowledge>[1];

    const answer = await acknowledge({ Records: [message] }, invocation, logger, { record: () => {} });

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'm-1' }] });
    expect(delays).toEqual([120]);
    expect(lines).toEqual([
      ['info', 'object gone', { cluster: 'payments', bucket: 'archive', key: 'gone', kind: 'gone' }],
      ['error', 'an object could not be read', { cluster: 'payments', bucket: 'archive', key: 'broken', error: new Error('AccessDenied') }],
    ]);
  });
});
