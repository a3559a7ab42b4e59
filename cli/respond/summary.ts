import type { Entry } from '../../shared/respond/index.ts';
import { table } from '../print/table.ts';

/** What became of many alerts: one line for each rule and policy, and what it was refused for. */
export class ResponseSummary {
  readonly #lines = new Map<string, { rule: string; policy: string; planned: number; refused: number; readonly by: Map<string, number> }>();
  #alerts = 0;
  #unanswered = 0;

  count(entries: readonly Entry[]): void {
    this.#alerts++;
    if (entries.length === 0) this.#unanswered++;
    for (const { rules, policy, status, guards } of entries) {
      const rule = rules.join(', ');
      const key = `${rule}\n${policy}`;
      const line = this.#lines.get(key) ?? { rule, policy, planned: 0, refused: 0, by: new Map() };
      this.#lines.set(key, line);
      if (status !== 'refused') line.planned++;
      else {
        line.refused++;
        for (const { guard, verdict } of guards) if (verdict === 'refuse') line.by.set(guard, (line.by.get(guard) ?? 0) + 1);
      }
    }
  }

  /** A line for each rule and policy. */
  table(): string {
    const lines = [...this.#lines.values()].sort((a, b) => (a.rule < b.rule ? -1 : 1));
    const rows = lines.map(({ rule, policy, planned, refused, by }) => [
      rule,
      policy,
      planned,
      refused,
      [...by].map(([guard, count]) => `${guard} ${count}`).join(', '),
    ]);
    return table([['rule', 'policy', 'planned', 'refused', 'by'], ...rows]);
  }

  /** One line: also where no policy had anything to say, which would otherwise look like nothing was read. */
  total(): string {
    const sum = (of: 'planned' | 'refused') => [...this.#lines.values()].reduce((total, line) => total + line[of], 0);
    return `${this.#alerts} alert${this.#alerts === 1 ? '' : 's'}, ${this.#unanswered} of them not the business of any policy; ${sum('planned')} planned, ${sum('refused')} refused\n`;
  }
}
