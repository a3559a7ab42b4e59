import type { Clock } from '../../platform/clock.ts';
import { type Entry, getsFurther, type Journal, JournalContentionError, rulesToAdd, summaryOf } from './journal.ts';

/** A journal for one process: local stages, the demo, the fault harness. */
export function createMemoryJournal(clock: Clock): Journal {
  const entries = new Map<string, Entry>();
  const put = (entry: Entry): Entry => {
    entries.set(entry.id, entry);
    return entry;
  };
  return {
    async record(draft) {
      const existing = entries.get(draft.id);
      const now = clock.now();
      if (!existing) return { entry: put({ ...draft, version: 1, createdAtMs: now, updatedAtMs: now }), won: true };
      const rules = withRules(existing, draft.rules);
      if (!getsFurther(existing.status, draft.status)) return { entry: put({ ...existing, rules }), won: false };
      return {
        entry: put({ ...draft, rules, version: existing.version + 1, createdAtMs: existing.createdAtMs, updatedAtMs: now }),
        won: true,
      };
    },
    async save(entry) {
      const existing = entries.get(entry.id);
      if (existing?.version !== entry.version) throw new JournalContentionError(entry.id);
      return put({ ...entry, rules: existing.rules, version: entry.version + 1, updatedAtMs: clock.now() });
    },
    async join(entry, rules) {
      const existing = entries.get(entry.id) ?? entry;
      return put({ ...existing, rules: withRules(existing, rules) });
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

function withRules(existing: Entry, rules: readonly string[]): readonly string[] {
  return [...existing.rules, ...rulesToAdd(existing, rules)].sort();
}
