import { describe, expect, it } from 'vitest';
import { type AuditRecord, decodeDelivery, prepare } from '../../../../shared/audit/index.ts';
import { chunkDelivery } from '../../../../shared/flows/chunk.ts';
import { type ChunkReport, ingestChunk } from '../../../../shared/flows/ingest.ts';
import { reportChunk } from '../../../../shared/flows/ingest-report.ts';
import { createMemoryOnce } from '../../../../shared/platform/once.ts';
import { delivery } from '../../../support/cloudwatch.ts';
import { testClock } from '../../../support/responder.ts';

const event = (stageTimestamp: string) =>
  JSON.stringify({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    auditID: stageTimestamp,
    stage: 'ResponseComplete',
    verb: 'get',
    stageTimestamp,
  });

const at = (text: string) => Date.parse(text);

/** Runs one delivery through the flow and keeps what was measured and logged. */
async function measured(events: readonly string[], options: { readonly retried?: true; readonly twice?: boolean } = {}) {
  const clock = testClock(at('2026-11-21T10:00:10Z'));
  const readings: [string, number, string | undefined][] = [];
  const lines: [string, Record<string, unknown>][] = [];
  const meter = { record: (name: string, value: number, by?: string) => readings.push([name, value, by]) };
  const observe = (report: ChunkReport) =>
    reportChunk(report, meter, { warn: (message: unknown, extra: unknown) => lines.push([String(message), extra as never]) } as never);
  const deps = {
    clock,
    once: createMemoryOnce(clock),
    destination: {
      deliver: async (records: readonly AuditRecord[]) => ({
        outcomes: records.map(() => ({ kind: 'delivered' as const })),
        resent: { bodies: 0, records: 0 },
      }),
    },
    quarantine: { putIfAbsent: async () => 'written' as const },
    prepare: (record: AuditRecord) => prepare(record, {}, { maxEventBytes: 262_144 }),
    couldMatch: () => true,
    keep: async () => {},
    observe,
    ...(options.retried ? { retried: true as const } : {}),
  };
  const [chunk] = chunkDelivery(decodeDelivery(delivery([...events])).items, { place: ['p'] });
  for (let run = 0; run < (options.twice ? 2 : 1); run++)
    await ingestChunk(chunk!, deps, { killedAtMs: clock.now() + 1000, deliverUntilMs: clock.now() + 500 });
  return { readings, lines, of: (name: string) => readings.filter(([given]) => given === name) };
}

describe('what is measured of a chunk', () => {
  it('counts by cluster, and reads the lag of the oldest and the newest event from stageTimestamp', async () => {
    const { of, lines } = await measured([
      event('2026-11-21T10:00:00.000000Z'),
      event('2026-11-21T10:00:03.000000Z'),
      event('2026-11-21T10:00:09.500000Z'),
    ]);
    const cluster = of('EventsReceived').find(([, value]) => value === 3)?.[2];
    expect(cluster).toEqual(expect.any(String));
    expect(of('IngestLag')).toEqual([
      ['IngestLag', 10_000, cluster],
      ['IngestLag', 500, cluster],
    ]);
    expect(of('EventsDelivered')).toEqual([['EventsDelivered', 3, undefined]]);
    expect(lines).toEqual([]);
  });

  it('never reads a lag below zero from a clock that is ahead', async () => {
    const { of } = await measured([event('2026-11-21T10:00:12.000000Z')]);
    expect(of('IngestLag').map(([, value]) => value)).toEqual([0]);
  });

  it('counts what came back apart, and reads no lag from it', async () => {
    const { of } = await measured([event('2026-11-20T10:00:00.000000Z')], { retried: true });
    expect(of('EventsRetried')).toEqual([['EventsRetried', 1, undefined]]);
    expect([...of('EventsReceived'), ...of('IngestLag')]).toEqual([]);
  });

  it('says why something was quarantined and where it was, and nothing of what it held', async () => {
    const { of, lines } = await measured(['{"kind":"Event","auditID":"x","secret":"hunter2"}', event('2026-11-21T10:00:00Z')]);
    expect(of('EventsQuarantined')).toEqual([['EventsQuarantined', 1, undefined]]);
    expect(lines).toEqual([
      [
        'events were quarantined',
        expect.objectContaining({
          reason: 'no-timestamp',
          events: 1,
          first: expect.stringContaining('kube-apiserver-audit'),
          chunk: expect.stringMatching(/^[0-9a-f]{64}$/),
        }),
      ],
    ]);
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });

  it('counts a duplicate as one, and nothing else a second time', async () => {
    const { of } = await measured([event('2026-11-21T10:00:00Z')], { twice: true });
    expect(of('DuplicateChunks')).toHaveLength(1);
    expect(of('EventsDelivered')).toHaveLength(1);
  });

  it('says zero when nothing came that should be counted', async () => {
    const { of } = await measured([]);
    expect(of('EventsReceived')).toEqual([['EventsReceived', 0, undefined]]);
  });
});
