import type { Writable } from 'node:stream';
import * as z from 'zod';
import { createEvaluator, type LoadedRule, loadRules, splitPayload } from '../../shared/falco/engine/index.ts';
import { messageOf } from '../../shared/platform/errors.ts';
import { readText, UsageError } from '../usage.ts';

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
  if (!parsed.success) throw new UsageError('CASES_INVALID', `${path}: expected {events, cases}: ${z.prettifyError(parsed.error)}`);
  const { events, cases } = parsed.data;
  for (const { event, condition } of cases) out.write(`${conditionVerdict(condition, event, events)}\n`);
}

function parsedJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError('CASES_INVALID', `${path} is not JSON: ${messageOf(error)}`, { cause: error });
  }
}

/** The verdict of a condition on the event with this id: its member `cid`, or the name of its payload. */
export function conditionVerdict(condition: string, cid: string, payloads: Readonly<Record<string, string>>): string {
  const ruleOf = (name: string, text: string): object => ({
    rule: name,
    desc: name,
    condition: text,
    output: name,
    priority: 'Debug',
    source: 'k8s_audit',
  });
  const quoted = cid.replace(/["\\]/g, '\\$&');
  // JSON is YAML. The id is looked up by the engine, which reads raw text as Falco does, broken or not in the eyes of JSON.parse.
  // The case comes first: reading a value can change how Falco writes another one.
  const rules = [ruleOf('case', condition), ruleOf('is the event', `jevt.value[/cid] = "${quoted}"`)];
  const loaded = loadRules([{ name: 'case', text: JSON.stringify(rules) }]);
  if (!loaded.loads) return 'load-error';
  const candidates = Object.entries(payloads).filter(([name, payload]) => name === cid || payload.includes(JSON.stringify(cid)));
  for (const [, payload] of candidates) {
    const fired = firedFor(payload, loaded.rules).find((names) => names.includes('is the event'));
    if (fired) return fired.includes('case') ? 'match' : 'no-match';
  }
  const [first] = cid in payloads ? firedFor(payloads[cid]!, loaded.rules) : [];
  return first?.includes('case') ? 'match' : 'no-match';
}

/** For each event of a payload that Falco takes, the names of the rules that fire. */
function firedFor(payload: string, rules: readonly LoadedRule[]): readonly (readonly string[])[] {
  const evaluator = createEvaluator(rules, { ruleMatching: 'all' });
  return (splitPayload(Buffer.from(payload)) ?? []).map((event) => {
    const verdict = evaluator.evaluate(event);
    return verdict.kind === 'evaluated' ? verdict.alerts.map(({ rule }) => rule) : [];
  });
}
