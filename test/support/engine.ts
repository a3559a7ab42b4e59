import { acceptEvent, type EventContext } from '../../shared/falco/engine/accept/index.ts';
import type { Expression } from '../../shared/falco/engine/ast.ts';
import { toByteString } from '../../shared/falco/engine/bytes.ts';
import { checkCondition } from '../../shared/falco/engine/check/index.ts';
import { compileCondition } from '../../shared/falco/engine/compile/index.ts';
import { parseCondition } from '../../shared/falco/engine/parse/index.ts';

/** An accepted event whose text is given, or made of a value. `stageTimestamp` and `auditID` are added where they are missing. */
export function eventOf(value: string | Readonly<Record<string, unknown>>): EventContext {
  const text =
    typeof value === 'string'
      ? value
      : JSON.stringify({ kind: 'Event', auditID: '1', stageTimestamp: '2026-01-02T03:04:05.000006Z', ...value });
  const acceptance = acceptEvent(Buffer.from(text));
  if ('rejection' in acceptance) throw new Error(`${acceptance.rejection.reason}: ${text}`);
  return acceptance.event;
}

export function treeOf(condition: string): Expression {
  const parsed = parseCondition(toByteString(condition));
  if (!parsed.ok) throw new Error(`${condition}: ${parsed.message}`);
  return parsed.tree;
}

/** What a condition makes of an event, as a conformance case says it. */
export function verdictOf(condition: string, event: EventContext): 'match' | 'no-match' | 'load-error' {
  const parsed = parseCondition(toByteString(condition));
  if (!parsed.ok || checkCondition(parsed.tree).some(({ level }) => level === 'error')) return 'load-error';
  return compileCondition(parsed.tree)(event) ? 'match' : 'no-match';
}
