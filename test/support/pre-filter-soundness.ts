import fc from 'fast-check';
import { toByteString } from '../../shared/falco/engine/bytes.ts';
import { checkCondition } from '../../shared/falco/engine/check/index.ts';
import { createEvaluator, type EngineRule } from '../../shared/falco/engine/evaluate/index.ts';
import { parseCondition } from '../../shared/falco/engine/parse/index.ts';
import { createPreFilter } from '../../shared/falco/engine/prefilter/index.ts';
import { auditEventText } from './audit-event-text.ts';
import { validCondition } from './valid-condition.ts';

export function ruleOf(condition: string, name = 'rule'): EngineRule {
  const parsed = parseCondition(toByteString(condition));
  if (!parsed.ok) throw new Error(`${condition}: ${parsed.message}`);
  const error = checkCondition(parsed.tree).find(({ level }) => level === 'error');
  if (error) throw new Error(`${condition}: ${error.message}`);
  return { name, condition: parsed.tree, output: 'x', priority: 'Warning', source: 'k8s_audit', tags: [] };
}

export interface Soundness {
  pairs: number;
  fired: number;
  dropped: number;
  /** Condition texts that occurred, for coverage. */
  readonly conditions: string[];
}

/**
 * Generated rules × generated events: what the pre-filter drops never fires, and dropping changes no alert of the rest.
 * Looks at raw texts by prefix and at texts read to their end.
 */
export function checkSoundness(runs: number, seed?: number): Soundness {
  const seen: Soundness = { pairs: 0, fired: 0, dropped: 0, conditions: [] };
  const rules = fc.array(validCondition, { minLength: 1, maxLength: 3 });
  const events = fc.array(auditEventText, { minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(rules, events, (conditions, texts) => {
      seen.conditions.push(...conditions);
      const compiled = conditions.map((condition, i) => ruleOf(condition, `rule ${i}`));
      const preFilter = createPreFilter(compiled);
      const plain = createEvaluator(compiled, { ruleMatching: 'all', preFilter: false });
      const filtered = createEvaluator(compiled, { ruleMatching: 'all' });
      for (const text of texts) {
        const raw = Buffer.from(text);
        const verdict = plain.evaluate(raw);
        const fires = verdict.kind === 'evaluated' && verdict.alerts.length > 0;
        const kept = preFilter.couldMatch(raw);
        const again = filtered.evaluate(raw);
        seen.pairs++;
        if (fires) seen.fired++;
        if (!kept) seen.dropped++;
        if (fires && !kept) throw new Error(`dropped by its prefix, though it fires: ${text}`);
        if (fires && again.kind !== 'evaluated') throw new Error(`dropped, though it fires: ${text}`);
        if (
          again.kind === 'evaluated' &&
          JSON.stringify(namesOf(again.alerts)) !== JSON.stringify(namesOf((verdict as typeof again).alerts))
        ) {
          throw new Error(`other alerts with the pre-filter: ${text}`);
        }
      }
    }),
    { numRuns: runs, ...(seed !== undefined && { seed }) },
  );
  return seen;
}

function namesOf(alerts: readonly { readonly rule: string }[]): string[] {
  return alerts.map(({ rule }) => rule);
}
