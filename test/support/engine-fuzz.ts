import fc from 'fast-check';
import { expect } from 'vitest';
import { acceptEvent } from '../../shared/falco/engine/accept/index.ts';
import type { Expression } from '../../shared/falco/engine/ast.ts';
import { toByteString } from '../../shared/falco/engine/bytes.ts';
import { checkCondition } from '../../shared/falco/engine/check/index.ts';
import { compileCondition } from '../../shared/falco/engine/compile/index.ts';
import { FIELDS } from '../../shared/falco/engine/fields/index.ts';
import { compileOutput } from '../../shared/falco/engine/format/index.ts';
import { parseCondition, printCondition } from '../../shared/falco/engine/parse/index.ts';
import { auditEventFrom } from './audit-event-text.ts';
import { conditionText, conditionTree } from './condition-arbitrary.ts';
import { validCondition } from './valid-condition.ts';

/** Longest one condition may take with one small event, milliseconds: far above what it takes, far below a hang. */
const PATIENCE_MS = 2000;

const outputText = fc
  .array(
    fc.oneof(
      fc.constantFrom(...FIELDS.map(({ name }) => `%${name}`)),
      fc.constantFrom('%', '%5', '[x]', '[0]', '%tolower(', ')', ' ', ',', '%%'),
      fc.string({ maxLength: 4 }),
    ),
    {
      maxLength: 8,
    },
  )
  .map((parts) => parts.join(''));

/** Near-language texts, trees of every form, loading conditions, outputs, and damaged events: no crash, no hang. Returns how many pairs were evaluated. */
export function fuzz(runs: number, eventsPerRun: number): { conditions: number; loaded: number; evaluated: number } {
  const seen = { conditions: 0, loaded: 0, evaluated: 0 };
  const condition = fc.oneof(
    { weight: 2, arbitrary: validCondition },
    { weight: 2, arbitrary: conditionTree.map((tree) => Buffer.from(printCondition(tree), 'latin1').toString()) },
    { weight: 1, arbitrary: conditionText },
  );
  fc.assert(
    fc.property(
      condition,
      outputText,
      fc.noShrink(fc.integer()),
      fc.noShrink(fc.integer({ min: 0, max: 0xffff })),
      (text, format, seed, damage) => {
        const started = performance.now();
        seen.conditions++;
        const parsed = parseCondition(toByteString(text));
        const loads = parsed.ok && !holdsName(parsed.tree) && checkCondition(parsed.tree).every(({ level }) => level === 'warning');
        const compiled = loads ? compileCondition(parsed.tree) : undefined;
        if (compiled) seen.loaded++;
        const output = compileOutput(toByteString(format));
        for (let i = 0; i < eventsPerRun; i++) {
          const raw = Buffer.from(auditEventFrom(seed + i));
          // One in four is damaged at some byte.
          if ((damage + i) % 4 === 0) raw[(damage * 31) % raw.length] = damage & 0xff;
          const acceptance = acceptEvent(raw);
          if ('rejection' in acceptance) continue;
          if (compiled) expect(typeof compiled(acceptance.event)).toBe('boolean');
          if ('output' in output) {
            expect(typeof output.output.text(acceptance.event)).toBe('string');
            for (const value of output.output.fields.values()) value(acceptance.event);
          }
          seen.evaluated++;
        }
        expect(performance.now() - started).toBeLessThan(PATIENCE_MS);
      },
    ),
    { numRuns: runs },
  );
  return seen;
}

/** Macros' names: a loader would have put their conditions in, or refused the rule. */
function holdsName(tree: Expression): boolean {
  if (tree.type === 'not') return holdsName(tree.child);
  return tree.type === 'identifier' || ('children' in tree && tree.children.some(holdsName));
}
