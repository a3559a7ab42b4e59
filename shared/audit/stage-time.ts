import { layoutOf, Member } from './json/layout.ts';
import type { AuditRecord } from './record.ts';

/** An event's `stageTimestamp`, epoch milliseconds; `undefined` where there is none that can be read. */
export function stageTimeMs(record: AuditRecord): number | undefined {
  const layout = layoutOf(record);
  const start = layout?.spans[Member.stageTimestamp] ?? -1;
  if (layout === undefined || start < 0) return undefined;
  const end = layout.spans[Member.stageTimestamp + 1]!;
  const ms = Date.parse(Buffer.from(record.raw.subarray(start + 1, end - 1)).toString('latin1'));
  return Number.isFinite(ms) ? ms : undefined;
}
