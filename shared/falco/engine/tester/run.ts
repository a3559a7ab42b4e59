import { messageOf } from '../../../platform/errors.ts';
import type { FalcoAlert, FieldValue } from '../../alert.ts';
import { renderDiagnostic } from '../diagnostic.ts';
import { createEvaluator, type Evaluator } from '../evaluate/index.ts';
import { type LoadResult, loadRules, type RulesFile } from '../load/index.ts';
import { eventText } from './event.ts';
import { type ExpectedAlert, parseTestFile, type TestCase, type TestFile } from './format.ts';

/** What the tester needs of a file system. Paths as the user gave them, or joined to the test file's folder. */
export interface TesterFiles {
  read(path: string): Promise<string>;
  /** Names in a folder. */
  list(folder: string): Promise<readonly string[]>;
  join(folder: string, name: string): string;
  folderOf(path: string): string;
  nameOf(path: string): string;
}

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
  let test: TestFile;
  let subject: Subject;
  try {
    test = parseTestFile(path, await files.read(path));
    subject = await prepare(test, files, loads);
  } catch (error) {
    yield broken(error);
    return;
  }
  const folder = files.folderOf(path);
  for (const one of test.cases) {
    const started = now();
    let messages: readonly string[];
    let status: CaseResult['status'];
    try {
      const text = await eventText(test, one, (name) => files.read(files.join(folder, name)));
      messages = differences(one, subject, text);
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

/** Rules that were loaded before, by the names of their files and what was switched on. For one run: files are not read again. */
export type Loads = Map<string, LoadResult>;

/** Rules ready to be tried, and which of them count. */
interface Subject {
  readonly evaluator: Evaluator;
  /** Whether each rule is switched on. */
  readonly known: ReadonlyMap<string, boolean>;
  readonly counts: (rule: string) => boolean;
}

async function prepare(test: TestFile, files: TesterFiles, loads: Loads): Promise<Subject> {
  const folder = files.folderOf(test.path);
  const names = test.rules ?? (await files.list(folder)).filter((name) => /(?<!\.test)\.ya?ml$/.test(name)).sort();
  if (names.length === 0) throw new Error(`${test.path}: there are no rules next to it; name them under 'rules:'`);
  const paths = names.map((name) => files.join(folder, name));
  const key = JSON.stringify([paths, test.enable]);
  const loaded = loads.get(key) ?? (await load(paths, test.enable, files));
  loads.set(key, loaded);
  if (!loaded.loads)
    throw new Error(
      `the rules do not load\n${loaded.diagnostics
        .filter(({ level }) => level === 'error')
        .map(renderDiagnostic)
        .join('\n')}`,
    );
  const enabled = new Set(loaded.rules.map(({ name }) => name));
  const known = new Map(loaded.defined.map(({ name }) => [name, enabled.has(name)]));
  const unknown = [...(test.only ?? []), ...test.enable].find((name) => !known.has(name));
  if (unknown !== undefined) throw new Error(`${test.path}: there is no rule '${unknown}'`);
  const counted = countedRules(test, files, loaded);
  return {
    evaluator: createEvaluator(loaded.rules, { ruleMatching: 'all', preFilter: false }),
    known,
    counts: (rule) => counted.has(rule),
  };
}

async function load(paths: readonly string[], enable: readonly string[], files: TesterFiles): Promise<LoadResult> {
  const texts = await Promise.all(paths.map(async (path): Promise<RulesFile> => ({ name: path, text: await files.read(path) })));
  return loadRules(texts, { selections: enable.map((rule) => ({ operation: 'enable', rule })) });
}

/** `only`; else, where the folder's rules are loaded, those of the rules file with the test file's name; else all. */
function countedRules(test: TestFile, files: TesterFiles, loaded: LoadResult): ReadonlySet<string> {
  if (test.only) return new Set(test.only);
  const own = files.nameOf(test.path).replace(/\.test\.ya?ml$/, '');
  const ofOwn = test.rules ? [] : loaded.defined.filter(({ place }) => files.nameOf(place.file).replace(/\.ya?ml$/, '') === own);
  return new Set((ofOwn.length > 0 ? ofOwn : loaded.defined).map(({ name }) => name));
}

/** What a case expects and the event does not show. Empty: the case holds. */
function differences({ expect }: TestCase, { evaluator, known, counts }: Subject, text: string): readonly string[] {
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
