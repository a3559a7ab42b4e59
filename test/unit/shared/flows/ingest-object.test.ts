import { describe, expect, it } from 'vitest';
import { type AuditRecord, prepare } from '../../../../shared/audit/index.ts';
import type { ChunkReport } from '../../../../shared/flows/ingest.ts';
import { ingestObject, type ObjectSource } from '../../../../shared/flows/ingest-object.ts';
import { createMemoryCheckpoints } from '../../../../shared/platform/checkpoints.ts';
import { createMemoryOnce } from '../../../../shared/platform/once.ts';
import { delivery } from '../../../support/cloudwatch.ts';
import { testClock } from '../../../support/responder.ts';

const AT = '2026-11-21T10:00:00Z';
const event = JSON.stringify({
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  auditID: 'a',
  stage: 'ResponseComplete',
  verb: 'get',
  stageTimestamp: AT,
});
const object = { bucket: 'spool', key: 'k', versionId: 'v' };

/** A bucket with one object, and a Falco that takes events or does not. */
function setUp(source: ObjectSource, text: string, takes = true) {
  const clock = testClock(Date.parse(AT));
  let there = true;
  const delivered: string[] = [];
  const reports: ChunkReport[] = [];
  const deps = {
    clock,
    once: createMemoryOnce(clock),
    checkpoints: createMemoryCheckpoints(),
    objects: {
      open: async () =>
        there
          ? {
              bytes: (async function* () {
                yield Buffer.from(text);
              })(),
            }
          : undefined,
      remove: async () => {
        there = false;
      },
    },
    destination: {
      deliver: async (records: readonly AuditRecord[]) => {
        if (takes) delivered.push(...records.map(({ raw }) => Buffer.from(raw).toString()));
        return {
          outcomes: records.map(() => (takes ? { kind: 'delivered' as const } : { kind: 'undelivered' as const, reason: 'away' })),
          resent: { bodies: 0, records: 0 },
        };
      },
    },
    quarantine: { putIfAbsent: async () => 'written' as const },
    prepare: (record: AuditRecord) => prepare(record, {}, { maxEventBytes: 262_144 }),
    couldMatch: () => true,
    identify: () => ({}),
    sourceOf: () => source,
    observe: (report: ChunkReport) => void reports.push(report),
  };
  const read = () =>
    ingestObject(object, deps, { killedAtMs: clock.now() + 9_000, deliverUntilMs: clock.now() + 8_000, readUntilMs: clock.now() + 7_000 });
  return {
    read,
    delivered,
    reports,
    isThere: () => there,
    putBack: () => {
      there = true;
    },
  };
}

const failedInvocation = JSON.stringify({ version: '1.0', requestContext: {}, requestPayload: delivery([event]) });

describe('an object that is ours', () => {
  it.each<[ObjectSource, string]>([
    ['spool', event],
    ['failed-invocation', failedInvocation],
  ])('is deleted once it is delivered: %s', async (source, text) => {
    const { read, delivered, reports, isThere } = setUp(source, text);
    expect(await read()).toMatchObject({ kind: 'done', tally: { delivered: 1 } });
    expect([delivered.length, isThere()]).toEqual([1, false]);
    expect(reports).toMatchObject([{ retried: true }]);
  });

  it('is kept while Falco does not take it', async () => {
    const { read, isThere } = setUp('failed-invocation', failedInvocation, false);
    expect(await read()).toMatchObject({ kind: 'backed-up' });
    expect(isThere()).toBe(true);
  });

  it('is deleted, not delivered again, when it was left behind by an attempt that had finished', async () => {
    const { read, delivered, isThere, putBack } = setUp('failed-invocation', failedInvocation);
    await read();
    putBack();
    expect(await read()).toMatchObject({ kind: 'done', tally: { delivered: 0 } });
    expect([delivered.length, isThere()]).toEqual([1, false]);
  });
});

describe('an object of the archive', () => {
  it('stays, and is no retry', async () => {
    const { read, reports, isThere } = setUp('archive', event);
    expect(await read()).toMatchObject({ kind: 'done' });
    await read();
    expect(isThere()).toBe(true);
    expect(reports).toMatchObject([{ retried: false }]);
  });
});
