import type { Writable } from 'node:stream';
import { z } from 'zod';
import { createEvaluator, loadRules, splitPayload } from '../../shared/falco/engine/index.ts';
import { messageOf, TiercelError } from '../../shared/platform/errors.ts';
import { readText } from './files.ts';

const schema = z.object({
  events: z.record(z.string(), z.string()),
  cases: z.array(z.object({ event: z.string(), condition: z.string() })),
});

/**
 * Prints `match`, `no-match` or `load-error` for each `{event, condition}` of a file. Events are raw payloads as Falco's webhook takes
 * them; a case names an event by its `cid`. An event that Falco does not take, or that is not there, is a no-match.
 */
export async function runConditionCases(path: string, out: Writable): Promise<void> {
  const parsed = schema.safeParse(parsedJson(path, await readText(path)));
  if (!parsed.success) throw new TiercelError('CASES_INVALID', `${path}: expected {events, cases}: ${z.prettifyError(parsed.error)}`);
  const { events, cases } = parsed.data;
  for (const { event, condition } of cases) out.write(`${conditionVerdict(condition, event, events)}\n`);
}

function parsedJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TiercelError('CASES_INVALID', `${path} is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

/** The verdict of a condition on the event with this id. */
export function conditionVerdict(condition: string, cid: string, payloads: Readonly<Record<string, string>>): string {
  const rule = { rule: 'case', desc: 'case', condition, output: 'case', priority: 'Debug', source: 'k8s_audit' };
  // JSON is YAML.
  const loaded = loadRules([{ name: 'case', text: JSON.stringify([rule]) }]);
  if (!loaded.loads) return 'load-error';
  const evaluator = createEvaluator(loaded.rules);
  for (const payload of Object.values(payloads)) {
    if (!payload.includes(JSON.stringify(cid))) continue;
    for (const event of splitPayload(Buffer.from(payload)) ?? []) {
      const verdict = evaluator.evaluate(event);
      if (cidOf(event) === cid) return verdict.kind === 'evaluated' && verdict.alerts.length > 0 ? 'match' : 'no-match';
    }
  }
  return 'no-match';
}

function cidOf(event: Uint8Array): unknown {
  try {
    return (JSON.parse(Buffer.from(event).toString('utf8')) as { cid?: unknown }).cid;
  } catch {
    return undefined;
  }
}
