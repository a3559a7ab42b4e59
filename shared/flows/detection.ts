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
import { digestBesideHeartbeat, HEARTBEAT_RULE } from '../falco/heartbeat.ts';
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
  /** Of all rules but the heartbeat: what the heartbeat carries. */
  readonly digest: string;
}

/** @throws RulesError */
export function loadDetection({ rules, appendOutput }: DetectionFiles): Loaded {
  const loaded = loadRules(readRuleFiles(rules));
  const errors = loaded.diagnostics.filter(({ level }) => level === 'error');
  if (!loaded.loads) throw new RulesError(errors.map((diagnostic) => renderDiagnostic(diagnostic)));
  return {
    rules: loaded.rules,
    digest: digestBesideHeartbeat(loaded.rules),
    appendOutput: appendOutput === undefined ? [] : readAppendOutput(readFileSync(appendOutput, 'utf8')),
  };
}

/** The embedded engine over rule files. Every rule that fires raises its alert: a responder needs the most telling one, not the first. @throws RulesError */
export function openEngine(files: DetectionFiles, hostname: string): { readonly engine: Evaluator; readonly rules: readonly LoadedRule[] } {
  const { rules, appendOutput } = loadDetection(files);
  return { engine: createEvaluator(rules, { ruleMatching: 'all', appendOutput, hostname }), rules };
}

/** Rules that Falco may be running, as the stage states them. */
export interface RulesPack {
  /** Rule files or folders, in Falco's order. */
  readonly rules: readonly string[];
  /** Digest of all of them but the heartbeat (file `digest` of `tiercel rules publish`). */
  readonly digest: string;
}

/** Why the pre-filter for a remote Falco is off, or what it keeps. */
export type Selection =
  | {
      readonly on: true;
      readonly couldMatch: (raw: Uint8Array) => boolean;
      /** Falco may run the rules of any of these, and no others. */
      readonly digests: ReadonlySet<string>;
    }
  | { readonly on: false; readonly why: string };

/**
 * The pre-filter for a remote Falco: keeps what a rule of any of the packs could match (two of them while new rules are rolled out).
 * Everything that is doubtful turns it off, so that no event is withheld from a rule it could match.
 */
export function openSelection(packs: readonly RulesPack[], appendOutput?: string): Selection {
  if (packs.length === 0) return { on: false, why: 'the stage does not say which rules Falco runs' };
  try {
    const loaded = packs.map(({ rules }) => loadDetection({ rules, appendOutput }));
    for (const [at, { digest, rules }] of loaded.entries()) {
      const { rules: files, digest: stated } = packs[at]!;
      if (digest !== stated)
        return { on: false, why: `the digest of ${files.join(', ')} is ${digest}, the stage says that Falco's is ${stated}` };
      if (!rules.some(({ name }) => name === HEARTBEAT_RULE))
        return { on: false, why: `${files.join(', ')} have no rule ${HEARTBEAT_RULE}, by which Falco says what it runs` };
    }
    const filter = createPreFilter(
      loaded.flatMap(({ rules }) => rules),
      loaded[0]!.appendOutput,
    );
    return filter.active
      ? { on: true, couldMatch: (raw) => filter.couldMatch(raw), digests: new Set(loaded.map(({ digest }) => digest)) }
      : { on: false, why: filter.whyNot ?? 'a rule does not allow it' };
  } catch (error) {
    if (error instanceof TiercelError) return { on: false, why: error.message };
    throw error;
  }
}
