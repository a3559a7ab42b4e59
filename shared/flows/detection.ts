import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type AppendOutput,
  createEvaluator,
  createPreFilter,
  type Evaluator,
  type LoadedRule,
  loadRules,
  type RulesFile,
  readAppendOutput,
  renderDiagnostic,
} from '../falco/engine/index.ts';
import { TiercelError } from '../platform/errors.ts';

/** Rules do not load. The message shows every error at its place in the file. */
export class RulesError extends TiercelError {
  constructor(diagnostics: readonly string[]) {
    super('RULES_DO_NOT_LOAD', `Expected rules that load, but:\n${diagnostics.join('\n')}`);
  }
}

/** Rule files named one by one, or by their folder (`*.yaml` in it but for tests, in order of name: the order Falco loads them in). */
export function readRuleFiles(paths: readonly string[]): RulesFile[] {
  return paths.flatMap((path) => {
    if (!existsSync(path)) throw new RulesError([`${path}: there is no such file or folder`]);
    if (!statSync(path).isDirectory()) return [{ name: path, text: readFileSync(path, 'utf8') }];
    return readdirSync(path)
      .filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))
      .sort()
      .map((name) => ({ name: join(path, name), text: readFileSync(join(path, name), 'utf8') }));
  });
}

export interface DetectionFiles {
  /** Rule files or folders. */
  readonly rules: readonly string[];
  /** A file with Falco's `append_output`. */
  readonly appendOutput?: string | undefined;
}

interface Loaded {
  readonly rules: readonly LoadedRule[];
  readonly appendOutput: readonly AppendOutput[];
  readonly digest: string;
}

/** @throws RulesError */
export function loadDetection({ rules, appendOutput }: DetectionFiles): Loaded {
  const loaded = loadRules(readRuleFiles(rules));
  const errors = loaded.diagnostics.filter(({ level }) => level === 'error');
  if (!loaded.loads) throw new RulesError(errors.map((diagnostic) => renderDiagnostic(diagnostic)));
  return {
    rules: loaded.rules,
    digest: loaded.digest,
    appendOutput: appendOutput === undefined ? [] : readAppendOutput(readFileSync(appendOutput, 'utf8')),
  };
}

/** The embedded engine over rule files. Every rule that fires raises its alert: a responder needs the most telling one, not the first. @throws RulesError */
export function openEngine(files: DetectionFiles, hostname: string): { readonly engine: Evaluator; readonly rules: readonly LoadedRule[] } {
  const { rules, appendOutput } = loadDetection(files);
  return { engine: createEvaluator(rules, { ruleMatching: 'all', appendOutput, hostname }), rules };
}

/** Why the pre-filter for a remote Falco is off, or what it keeps. */
export type Selection =
  | { readonly on: true; readonly couldMatch: (raw: Uint8Array) => boolean }
  | { readonly on: false; readonly why: string };

/**
 * The pre-filter for a remote Falco: on only if these are the rules Falco runs, which the stage vouches for by their digest.
 * Everything that is doubtful turns it off, so that no event is withheld from a rule it could match.
 */
export function openSelection(files: DetectionFiles, digest: string | undefined): Selection {
  if (files.rules.length === 0) return { on: false, why: 'the stage does not say which rules Falco runs' };
  try {
    const loaded = loadDetection(files);
    if (loaded.digest !== digest)
      return { on: false, why: `the rules' digest is ${loaded.digest}, the stage says that Falco's is ${digest ?? 'unknown'}` };
    const filter = createPreFilter(loaded.rules, loaded.appendOutput);
    return filter.active
      ? { on: true, couldMatch: (raw) => filter.couldMatch(raw) }
      : { on: false, why: filter.whyNot ?? 'a rule does not allow it' };
  } catch (error) {
    if (error instanceof TiercelError) return { on: false, why: error.message };
    throw error;
  }
}
