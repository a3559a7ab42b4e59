import { createHash } from 'node:crypto';
import { PRIORITIES, type Priority } from '../../alert.ts';
import type { Expression } from '../ast.ts';
import { checkCondition } from '../check/index.ts';
import { type Diagnostic, diagnosticAt } from '../diagnostic.ts';
import { parseCondition, printCondition } from '../parse/index.ts';
import { readItems } from '../read/items.ts';
import { LoadProblem, type Reporter, type Warn } from '../read/problem.ts';
import { SourceFile } from '../read/source.ts';
import { Collector } from '../resolve/collector.ts';
import { compileRules, Known } from './compile.ts';
import type { LoadedRule } from './rule.ts';
import { type Selection, selected } from './selection.ts';

export interface RulesFile {
  /** As diagnostics show it. */
  readonly name: string;
  readonly text: string;
}

export interface LoadOptions {
  /** Rules less urgent than this are compiled, but not evaluated. @default 'Debug' */
  readonly minPriority?: Priority;
  readonly selections?: readonly Selection[];
  /** Go on after an error, to report others as well, up to fifty. Falco ends with the first. @default false */
  readonly allErrors?: boolean;
}

export interface LoadResult {
  /** False: at least one error; there are no rules then. */
  readonly loads: boolean;
  /** Errors first, then warnings in the order they came up, each once. */
  readonly diagnostics: readonly Diagnostic[];
  /** Enabled rules of source `k8s_audit`, in order of evaluation. */
  readonly rules: readonly LoadedRule[];
  /** All rules of source `k8s_audit`, disabled ones too, in order of first definition. */
  readonly defined: readonly LoadedRule[];
  /** SHA-256 (hex) over what decides verdicts and alerts: order, names, conditions, outputs, priorities, tags. */
  readonly digest: string;
  /** The macro a node of a rule's condition was put in for. */
  macroOf(node: Expression): string | undefined;
}

/**
 * Loads rules files as Falco 0.44 does: one after the other, everything compiled anew after each, the first error ends it.
 * So a file may change what earlier files defined, but cannot use what later ones define.
 */
export function loadRules(files: readonly RulesFile[], options: LoadOptions = {}): LoadResult {
  const report = new Report(options.allErrors === true);
  const collector = new Collector(report.warn, isField);
  const known = new Known();
  let defined: readonly LoadedRule[] = [];
  try {
    for (const { name, text } of files) {
      report.attempt(() => {
        readItems(new SourceFile(name, text), collector, report);
        defined = compileRules(collector, known, report);
      });
    }
    const unmet = collector.unmetRequirement();
    if (unmet) throw unmet;
  } catch (error) {
    if (!(error instanceof LoadProblem)) throw error;
    report.error(error);
  }
  if (report.failed) {
    return { loads: false, diagnostics: report.diagnostics, rules: [], defined: [], digest: rulesDigest([]), macroOf: () => undefined };
  }
  const urgent = defined.filter(({ priority }) => PRIORITIES.indexOf(priority) <= PRIORITIES.indexOf(options.minPriority ?? 'Debug'));
  const rules = selected(
    urgent,
    urgent.filter(({ enabled }) => enabled),
    options.selections ?? [],
  );
  return {
    loads: true,
    diagnostics: report.diagnostics,
    rules,
    defined,
    digest: rulesDigest(rules),
    macroOf: (node) => known.macroNames.get(node),
  };
}

const MAX_ERRORS = 50;

/** Collects diagnostics; the same one again (each file compiles everything) is dropped. */
class Report implements Reporter {
  readonly #errors = new Map<string, Diagnostic>();
  readonly #warnings = new Map<string, Diagnostic>();
  readonly #goesOn: boolean;

  constructor(goesOn: boolean) {
    this.#goesOn = goesOn;
  }

  readonly warn: Warn = (code, message, place) => this.#add(this.#warnings, { code, message, place, help: undefined });

  readonly attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!this.#goesOn || !(error instanceof LoadProblem) || this.#errors.size + 1 >= MAX_ERRORS) throw error;
      this.error(error);
      return undefined;
    }
  };

  error(problem: LoadProblem): void {
    if (!problem.follows) this.#add(this.#errors, problem);
  }

  get failed(): boolean {
    return this.#errors.size > 0;
  }

  get diagnostics(): readonly Diagnostic[] {
    return [...this.#errors.values(), ...this.#warnings.values()];
  }

  #add(to: Map<string, Diagnostic>, { code, message, place, help }: Pick<LoadProblem, 'code' | 'message' | 'place' | 'help'>): void {
    const key = JSON.stringify([code, message, place.source.name, place.start]);
    if (!to.has(key)) to.set(key, diagnosticAt(code, message, place, help));
  }
}

/** Whether a text can stand left of an operator: a field with its argument, or a transformer. */
function isField(text: string): boolean {
  if (!text.includes('(') && !/^[A-Za-z0-9_.]+(?:\[.*\])?$/.test(text)) return false;
  const parsed = parseCondition(`${text} exists`);
  return parsed.ok && checkCondition(parsed.tree).every(({ level }) => level === 'warning');
}

/** The digest of {@link LoadResult} over some of its rules. */
export function rulesDigest(rules: readonly LoadedRule[]): string {
  const hash = createHash('sha256');
  for (const { name, source, priority, tags, condition, output } of rules) {
    hash.update(JSON.stringify([name, source, priority, tags, printCondition(condition), output]));
    hash.update('\n');
  }
  return hash.digest('hex');
}
