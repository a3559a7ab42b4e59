import { messageOf } from '../../../platform/errors.ts';
import type { FalcoAlert, FieldValue } from '../../alert.ts';
import { createEvaluator, type Evaluator } from '../evaluate/index.ts';
import { textOfCase } from './event.ts';
import type { ExpectedAlert, TestCase } from './format.ts';
import { type Loads, openTestFile, type Subject, type TesterFiles } from './subject.ts';

export interface CaseResult {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  /** 'broken': the case could not be run. 'todo': it fails as its reason says. */
  readonly status: 'passed' | 'failed' | 'broken' | 'todo';
  /** What is wrong, one line each; for 'todo', the reason. */
  readonly messages: readonly string[];
  readonly durationMs: number;
}

/**
 * Runs the cases of one test file, one result after the other. Never throws for what a file holds: that is a result.
 * All cases run on one evaluator, in order: `evt.num` counts them. `loads` saves work between test files of the same rules.
 */
export async function* runTestFile(
  path: string,
  files: TesterFiles,
  now: () => number,
  loads: Loads = new Map(),
): AsyncGenerator<CaseResult> {
  const broken = (error: unknown): CaseResult => ({
    file: path,
    line: 1,
    name: path,
    status: 'broken',
    messages: [messageOf(error)],
    durationMs: 0,
  });
  let subject: Subject;
  let evaluator: Evaluator;
  try {
    subject = await openTestFile(path, files, loads);
    evaluator = createEvaluator(subject.loaded.rules, { ruleMatching: 'all', preFilter: false });
  } catch (error) {
    yield broken(error);
    return;
  }
  const { test } = subject;
  for (const one of test.cases) {
    const started = now();
    let messages: readonly string[];
    let status: CaseResult['status'];
    try {
      messages = differences(one, subject, evaluator, await textOfCase(test, one, files));
      status = messages.length === 0 ? 'passed' : 'failed';
    } catch (error) {
      messages = [messageOf(error)];
      status = 'broken';
    }
    yield { file: path, line: one.line, name: one.name, ...withTodo(one, status, messages), durationMs: now() - started };
  }
}

function withTodo({ todo }: TestCase, status: CaseResult['status'], messages: readonly string[]): Pick<CaseResult, 'status' | 'messages'> {
  if (todo === undefined) return { status, messages };
  return status === 'passed'
    ? { status: 'failed', messages: [`it holds now: remove its todo («${todo}»)`] }
    : { status: 'todo', messages: [todo] };
}

/** What a case expects and the event does not show. Empty: the case holds. */
function differences({ expect }: TestCase, { known, counts }: Subject, evaluator: Evaluator, text: string): readonly string[] {
  const verdict = evaluator.evaluate(Buffer.from(text));
  if (verdict.kind === 'rejected') {
    return expect === 'rejected' ? [] : [`Falco would not take the event: ${verdict.rejection.reason}`];
  }
  if (expect === 'rejected') return ['Falco would take the event'];
  const alerts = (verdict.kind === 'evaluated' ? verdict.alerts : []).filter(({ rule }) => counts(rule));
  const messages: string[] = [];
  for (const [rule, wanted] of expect) {
    const alert = alerts.find((one) => one.rule === rule);
    if (alert) messages.push(...alertDifferences(alert, wanted));
    else if (!known.has(rule)) messages.push(`there is no rule '${rule}'`);
    else if (!counts(rule)) messages.push(`the rule '${rule}' does not count here: add it under 'only:'`);
    else if (!known.get(rule)) messages.push(`the rule '${rule}' is disabled: switch it on under 'enable:'`);
    else messages.push(`'${rule}' did not fire`);
  }
  for (const { rule, output } of alerts) if (!expect.has(rule)) messages.push(`'${rule}' fired unexpectedly: ${output}`);
  return messages;
}

function alertDifferences(alert: FalcoAlert, { fields, output, priority }: ExpectedAlert): readonly string[] {
  const messages: string[] = [];
  for (const [field, wanted] of Object.entries(fields)) {
    const got = Object.hasOwn(alert.output_fields, field) ? alert.output_fields[field] : undefined;
    if (got === undefined) messages.push(`'${alert.rule}' has no field ${field}; it has ${Object.keys(alert.output_fields).join(', ')}`);
    else if (!sameValue(got, wanted)) messages.push(`'${alert.rule}': ${field} is ${shown(got)}, expected ${shown(wanted)}`);
  }
  if (output !== undefined && !alert.output.includes(output))
    messages.push(`'${alert.rule}': the output does not contain ${shown(output)}: ${alert.output}`);
  if (priority !== undefined && alert.priority.toLowerCase() !== priority.toLowerCase())
    messages.push(`'${alert.rule}' has the priority ${alert.priority}, expected ${priority}`);
  return messages;
}

/** A scalar in YAML may be a number where Falco gives text (`code: 201`); lists compare item by item. */
function sameValue(got: FieldValue | undefined, wanted: unknown): boolean {
  if (Array.isArray(got) || Array.isArray(wanted)) {
    return (
      Array.isArray(got) &&
      Array.isArray(wanted) &&
      got.length === wanted.length &&
      got.every((item, index) => sameValue(item, wanted[index]))
    );
  }
  if (got === null || wanted === null || wanted === undefined) return got === wanted;
  return String(got) === String(wanted);
}

function shown(value: unknown): string {
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}
