import { createHash } from 'node:crypto';
import { type DecodedDelivery, decodeDelivery } from '../audit/index.ts';
import { settleAll } from '../platform/concurrency.ts';
import { messageOf, TiercelError } from '../platform/errors.ts';
import { chunkDelivery } from './chunk.ts';
import { type ChunkReport, type IngestDeps, type IngestTimes, ingestChunk } from './ingest.ts';
import { addTallies, type Tally } from './outcome.ts';

export interface DeliverySummary extends Tally {
  readonly chunks: number;
  /** Chunks that an earlier or concurrent attempt had confirmed; their counts are not in the tally. */
  readonly duplicateChunks: number;
  /** Log group and stream; empty for a delivery that could not be read. */
  readonly origin: string;
  /** Names of the clusters the events are from, one as a rule; empty when every chunk is a duplicate. */
  readonly cluster: string;
  /** From `stageTimestamp` of the oldest event to its delivery, **milliseconds**; zero when every chunk is a duplicate. */
  readonly lagMs: number;
}

/** Some chunks of a delivery are neither delivered nor kept. Lambda delivers it again; confirmed chunks are then passed over. */
export class DeliveryUnfinishedError extends TiercelError {
  readonly summary: DeliverySummary;

  constructor(summary: DeliverySummary, failures: readonly unknown[]) {
    super(
      'DELIVERY_UNFINISHED',
      `Expected every chunk to be delivered or spooled, but ${failures.length} of ${summary.chunks} were neither: ${messageOf(failures[0])}`,
      { retryable: true, cause: failures[0] },
    );
    this.summary = summary;
  }
}

/** Chunks of one delivery that are under way at the same time: one request body each, so this bounds the load on Falco per invocation. */
const CHUNKS_UNDER_WAY = 4;

export interface IngestDeliveryDeps extends IngestDeps {
  /** The log group this function writes to. A subscription on it would feed on itself. */
  readonly ownLogGroup: string | undefined;
}

/**
 * A CloudWatch Logs delivery: decode → chunk → ingest each.
 * @returns `refused` for a delivery of the function's own log group.
 * @throws DeliveryUnfinishedError after every chunk had its chance.
 */
export async function ingestDelivery(event: unknown, deps: IngestDeliveryDeps, times: IngestTimes): Promise<DeliverySummary | 'refused'> {
  const delivery = decodeDelivery(event);
  if (delivery.envelope && delivery.envelope.logGroup === deps.ownLogGroup) return 'refused';
  const chunks = chunkDelivery(delivery.items, { place: placeOf(delivery, event) });
  const clusters = new Set<string>();
  let lagMs = 0;
  const observe = (report: ChunkReport) => {
    if (!report.duplicate) {
      for (const cluster of report.clusters.keys()) clusters.add(cluster ?? 'unknown');
      lagMs = Math.max(lagMs, ...report.lagMs);
    }
    deps.observe?.(report);
  };
  const settled = await settleAll(chunks, CHUNKS_UNDER_WAY, (chunk) => ingestChunk(chunk, { ...deps, observe }, times));
  const done = settled.filter((result) => result.status === 'fulfilled').map((result) => result.value);
  const failures = settled.filter((result) => result.status === 'rejected').map((result) => result.reason);
  const summary: DeliverySummary = {
    ...addTallies(...done.filter((outcome) => !outcome.duplicate).map((outcome) => outcome.tally)),
    chunks: chunks.length,
    duplicateChunks: done.filter((outcome) => outcome.duplicate).length,
    origin: delivery.envelope ? `${delivery.envelope.logGroup}/${delivery.envelope.logStream}` : '',
    cluster: [...clusters].join(', '),
    lagMs,
  };
  if (failures.length > 0) throw new DeliveryUnfinishedError(summary, failures);
  return summary;
}

/** What identifies the delivery besides its events' ids. A delivery that cannot be read is identified by its bytes. */
function placeOf(delivery: DecodedDelivery, event: unknown): string[] {
  if (delivery.envelope) return [delivery.envelope.account, delivery.envelope.logGroup, delivery.envelope.logStream];
  return [
    'unreadable',
    createHash('sha256')
      .update(JSON.stringify(event) ?? '')
      .digest('hex'),
  ];
}
