import type { Clock } from '../../platform/clock.ts';
import { type Draft, type Entry, type Journal, merge, summaryOf } from './journal.ts';

/** A journal for one process: local stages, the demo, the fault harness. */
export function createMemoryJournal(clock: Clock): Journal {
  const entries = new Map<string, Entry>();
  return {
    async record(draft: Draft) {
      const existing = entries.get(draft.id);
      if (!existing) {
        const now = clock.now();
        const entry = { ...draft, version: 1, createdAtMs: now, updatedAtMs: now };
        entries.set(draft.id, entry);
        return { entry, first: true };
      }
      const merged = merge(existing, draft, clock.now());
      if (merged) entries.set(draft.id, merged);
      return { entry: merged ?? existing, first: false };
    },
    async find(id) {
      return entries.get(id);
    },
    async ofEvent(event) {
      return [...entries.values()].filter((entry) => entry.event === event);
    },
    async list({ fromMs, toMs, limit }) {
      return [...entries.values()]
        .filter((entry) => entry.createdAtMs >= fromMs && entry.createdAtMs < toMs)
        .sort((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1))
        .slice(0, limit)
        .map(summaryOf);
    },
  };
}
