import type { Clock } from '../../platform/clock.ts';
import type { Budgets } from './budget.ts';

/** Budgets of one process. */
export function createMemoryBudgets(clock: Clock): Budgets {
  const claims = new Map<string, Set<string>>();
  const cooldowns = new Map<string, { claim: string; untilMs: number }>();
  return {
    async reserve({ claim, counters, cooldown }) {
      const held = cooldowns.get(cooldown.key);
      if (held && held.claim !== claim && held.untilMs > clock.now())
        return { ok: false, reason: `${cooldown.what} was acted on a short while ago` };
      const full = counters.find(({ key, max }) => !claims.get(key)?.has(claim) && (claims.get(key)?.size ?? 0) >= max);
      if (full) return { ok: false, reason: `the budget of ${full.what} is spent: ${full.max} in this window` };
      for (const { key } of counters) claims.set(key, (claims.get(key) ?? new Set()).add(claim));
      cooldowns.set(cooldown.key, { claim, untilMs: cooldown.untilMs });
      return { ok: true };
    },
  };
}
