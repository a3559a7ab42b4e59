import { gunzipSync } from 'node:zlib';
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
  let broken = false;
  const kept: string[] = [];
  const delivered: string[] = [];
  const reports: ChunkReport[] = [];
  const deps = {
    clock,
    once: createMemoryOnce(clock),
    checkpoints: createMemoryCheckpoints(),
    objects: {
      open: async () => {
        if (broken) throw new Error('S3 says no');
        return there
          ? {
              bytes: (async function* () {
                yield Buffer.from(text);
              })(),
            }
          : undefined;
      },
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
    quarantine: {
      putIfAbsent: async (_key: string, body: Uint8Array) => {
        kept.push(gunzipSync(body).toString());
        return 'written' as const;
      },
    },
    prepare: (record: AuditRecord) => prepare(record, {}, { maxEventBytes: 262_144 }),
    couldMatch: () => true,
    identify: () => ({}),
    sourceOf: () => source,
    observe: (report: ChunkReport) => void reports.push(report),
  };
  const read = (readForMs = 7_000) =>
    ingestObject(object, deps, {
      killedAtMs: clock.now() + 9_000,
      deliverUntilMs: clock.now() + 8_000,
      readUntilMs: clock.now() + readForMs,
    });
  return {
    read,
    delivered,
    reports,
    isThere: () => there,
    kept,
    /** Falco comes back. */
    take: () => {
      takes = true;
    },
    lose: () => {
      there = false;
    },
    breakReading: (does: boolean) => {
      broken = does;
    },
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

describe('an object that cannot be brought to an end', () => {
  it.each<ObjectSource>(['spool', 'archive'])('is no poison while Falco is away, however often it is tried: %s', async (source) => {
    const { read, take, delivered, kept } = setUp(source, event, false);
    for (let attempt = 0; attempt < 12; attempt++) expect(await read()).toMatchObject({ kind: 'backed-up', why: expect.any(String) });
    take();
    expect(await read()).toMatchObject({ kind: 'done', tally: { delivered: 1 } });
    expect([delivered.length, kept]).toEqual([1, []]);
  });

  it('is given up after five attempts of its own fault, said so, and gets five more when somebody asks again', async () => {
    const { read, breakReading, delivered, kept, isThere } = setUp('spool', event);
    breakReading(true);
    for (const round of [1, 2]) {
      for (let attempt = 0; attempt < 5; attempt++) await expect(read()).rejects.toThrow('S3 says no');
      expect(await read()).toEqual({ kind: 'poison', attempts: 6 });
      expect(kept).toHaveLength(round);
    }
    expect(kept[0]).toMatch(/poison-object/);
    expect(kept[0]).toContain('s3://spool/k within 5 attempts');
    expect(isThere()).toBe(true);
    breakReading(false);
    expect(await read()).toMatchObject({ kind: 'done' });
    expect(delivered).toHaveLength(1);
  });

  it('is gone when it is not there, and done with', async () => {
    const { read, lose, putBack, delivered } = setUp('archive', event);
    lose();
    expect(await read()).toEqual({ kind: 'gone' });
    putBack();
    expect(await read()).toMatchObject({ kind: 'done', tally: { delivered: 0 } });
    expect(delivered).toEqual([]);
  });

  it('is unfinished when its time is over before a chunk begins, and is finished the next time', async () => {
    const { read, delivered, isThere } = setUp('spool', event);
    expect(await read(0)).toMatchObject({ kind: 'unfinished', tally: { delivered: 0 } });
    expect([delivered.length, isThere()]).toEqual([0, true]);
    expect(await read()).toMatchObject({ kind: 'done', tally: { delivered: 1 } });
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
