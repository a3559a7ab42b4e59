import type { Clock } from '../../platform/clock.ts';
import { type Budgets, spent, tooSoon } from './budget.ts';

/** Budgets of one process. */
export function createMemoryBudgets(clock: Clock): Budgets {
  const windows = new Map<string, Map<string, Set<string>>>();
  const cooldowns = new Map<string, { claim: string; untilMs: number }>();
  return {
    async reserve({ claim, window: { key, counters }, cooldown }) {
      const held = cooldown && cooldowns.get(cooldown.key);
      if (held && held.claim !== claim && held.untilMs > clock.now()) return tooSoon(cooldown);
      const counts = windows.get(key) ?? new Map<string, Set<string>>();
      const full = counters.find(({ scope, max }) => !counts.get(scope)?.has(claim) && (counts.get(scope)?.size ?? 0) >= max);
      if (full) return spent(full);
      for (const { scope } of counters) counts.set(scope, (counts.get(scope) ?? new Set()).add(claim));
      windows.set(key, counts);
      if (cooldown) cooldowns.set(cooldown.key, { claim, untilMs: cooldown.untilMs });
      return { ok: true };
    },
  };
}
