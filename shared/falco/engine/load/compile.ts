import type { Check, Expression, Span } from '../ast.ts';
import { fromByteString } from '../bytes.ts';
import { checkCondition, checksOf, type Problem } from '../check/index.ts';
import { compileOutput } from '../format/index.ts';
import { parseCondition } from '../parse/index.ts';
import { LoadProblem, type Reporter, type Warn } from '../read/problem.ts';
import type { Place } from '../read/source.ts';
import type { YamlScalar } from '../read/yaml.ts';
import { type Collector, type MacroEntry, type RuleEntry, SOURCE } from '../resolve/collector.ts';
import { withExceptions } from '../resolve/exceptions.ts';
import { type FlatList, flattenLists, ListPaster } from '../resolve/lists.ts';
import { MacroResolver, type ParsedMacro } from '../resolve/macros.ts';
import type { Paste } from '../resolve/paste.ts';
import { deprecatedFieldsIn, deprecatedFieldsNamed, withoutContainerInfo } from './deprecated.ts';
import type { LoadedRule } from './rule.ts';

/** Warnings about one condition; the rest is left unsaid. */
const MAX_WARNINGS = 100;
/** What a rule sees of macros: all of them. */
const ALL = Number.POSITIVE_INFINITY;

/**
 * Compiles everything collected so far, as Falco does after each file. Rules of other sources are left out; disabled ones are compiled,
 * because their errors count.
 */
export function compileRules(collector: Collector, known: Known, report: Reporter): readonly LoadedRule[] {
  const texts = new ParsedTexts(known);
  const lists = flattenLists(collector.lists);
  const paster = new ListPaster(lists);
  const macros = new Map<string, ParsedMacro>();
  const broken = new Set<string>();
  for (const macro of collector.macros.values()) {
    const { name, index, visibility, condition, place } = macro;
    const parsed = report.attempt((): ParsedMacro => {
      const text = paster.paste(known.textOf(macro, () => condition.build()));
      return { name, index, visibility, text, place, tree: texts.parse(`macro ${name}`, text, place), used: false };
    });
    if (parsed) macros.set(name, parsed);
    else broken.add(name);
  }
  const resolver = new MacroResolver(macros, known.macroNames, broken);
  for (const macro of macros.values()) {
    const resolved = report.attempt(() => resolver.resolve(macro.tree, macro.visibility, macro.text, macro.place));
    if (resolved) macro.tree = resolved;
    else broken.add(macro.name);
  }

  const rules: LoadedRule[] = [];
  for (const rule of collector.rules.values()) {
    if (rule.source !== SOURCE) continue;
    const loaded = report.attempt(() => {
      const text = known.textOf(rule, () => withExceptions(rule.condition.build(), rule.exceptions));
      const output = checkedOutput(rule, known, report.warn);
      if (output === undefined) return undefined;
      const pasted = paster.paste(text);
      const condition = resolver.resolve(texts.parse(`rule ${rule.name}`, pasted, rule.place), ALL, pasted, rule.place);
      return checkedCondition(rule, condition, texts, known, report.warn) ? loadedRule(rule, condition, output) : undefined;
    });
    if (loaded) rules.push(loaded);
  }
  if (!report.failed) warnOfUnused(macros.values(), lists, report.warn);
  return rules;
}

function warnOfUnused(macros: Iterable<ParsedMacro>, lists: readonly FlatList[], warn: Warn): void {
  for (const { name, used, place } of macros) {
    if (!used) warn('LOAD_UNUSED_MACRO', `no rule or macro refers to the macro '${fromByteString(name)}'`, place);
  }
  for (const { name, used, place } of lists) {
    if (!used) warn('LOAD_UNUSED_LIST', `no condition or list refers to the list '${fromByteString(name)}'`, place);
  }
}

function loadedRule(rule: RuleEntry, condition: Expression, output: string): LoadedRule {
  const { source, start } = rule.place;
  return {
    name: fromByteString(rule.name),
    source: fromByteString(rule.source),
    description: fromByteString(rule.description),
    priority: rule.priority,
    tags: rule.tags.map(fromByteString),
    enabled: rule.enabled,
    condition,
    output: fromByteString(output),
    place: { file: source.name, ...source.positionOf(start) },
  };
}

/** The output as Falco compiles it. Undefined: the rule is dropped because it names an unknown field and allows that. */
function checkedOutput(rule: RuleEntry, known: Known, warn: Warn): string | undefined {
  const text = rule.output.build();
  const { output, changed } = withoutContainerInfo(text.text);
  if (changed) warn('LOAD_DEPRECATED_ITEM', '%container.info is deprecated and left out', rule.place);
  const result = known.outputs.has(output) ? undefined : compileOutput(output);
  if (result && 'problem' in result) {
    const { message, offset, unknownFilter } = result.problem;
    const place = text.placeOf(offset, offset + 1) ?? rule.place;
    if (!unknownFilter || !rule.skipIfUnknownFilter) throw new LoadProblem('LOAD_ERR_COMPILE_OUTPUT', message, place);
    warn('LOAD_UNKNOWN_FILTER', message, place);
    return undefined;
  }
  for (const name of deprecatedFieldsNamed(output)) {
    const at = text.text.indexOf(name);
    warn('LOAD_DEPRECATED_ITEM', `the output names the deprecated field ${name}`, text.placeOf(at, at + name.length) ?? rule.place);
  }
  known.outputs.add(output);
  return output;
}

/**
 * False: the rule is dropped because it names an unknown field and allows that. With an error, of the warnings only those
 * about `<NA>` and deprecated fields remain, which Falco gives before it compiles.
 */
function checkedCondition(rule: RuleEntry, condition: Expression, texts: ParsedTexts, known: Known, warn: Warn): boolean {
  const problems: Problem[] = [];
  const checks = checksOf(condition);
  for (const check of checks) {
    const found = known.problems.get(check) ?? checkCondition(check);
    known.problems.set(check, found);
    problems.push(...found);
  }
  const place = ({ span }: { readonly span: Span }): Place => texts.placeOf(span) ?? rule.place;
  const unsafe = problems.find(({ code }) => code === 'LOAD_UNSAFE_NA_CHECK');
  if (unsafe) warn(unsafe.code, unsafe.message, place(unsafe));
  for (const { name, check } of deprecatedFieldsIn(checks)) {
    warn('LOAD_DEPRECATED_ITEM', `the field ${name} is deprecated`, place(check));
  }
  const error = problems.find(({ level }) => level === 'error');
  if (error) {
    if (!error.unknownFilter || !rule.skipIfUnknownFilter) throw new LoadProblem(error.code, error.message, place(error));
    warn('LOAD_UNKNOWN_FILTER', error.message, place(error));
    return false;
  }
  for (const problem of problems.filter(({ code }) => code !== 'LOAD_UNSAFE_NA_CHECK').slice(0, MAX_WARNINGS)) {
    if (known.reported.has(problem)) continue;
    known.reported.add(problem);
    warn(problem.code, problem.message, place(problem));
  }
  return true;
}

/** What earlier compilations of the same load found out: most of a set of files stays as it was when one more is added. */
export class Known {
  /** By kind, name and text of a condition. */
  readonly trees = new Map<string, Expression>();
  /** Which tree in a resolved condition is which macro's. */
  readonly macroNames = new WeakMap<Expression, string>();
  /** Formats that compile. */
  readonly outputs = new Set<string>();
  /** What there is to say about a check; mostly nothing. */
  readonly problems = new Map<Check, readonly Problem[]>();
  /** Warnings that were given: a macro's need not be given again for each rule that uses it. */
  readonly reported = new Set<Problem>();
  readonly #texts = new WeakMap<MacroEntry | RuleEntry, Paste>();

  /** The text of an entry before lists are pasted in. A changed entry is another object. */
  textOf(entry: MacroEntry | RuleEntry, build: () => Paste): Paste {
    const text = this.#texts.get(entry) ?? build();
    this.#texts.set(entry, text);
    return text;
  }
}

/** The trees of one compilation with the texts they were parsed from: a node's span object says whose text it belongs to. */
class ParsedTexts {
  readonly #parsed: { readonly tree: Expression; readonly text: Paste }[] = [];
  readonly #owners = new Map<Span, Paste>();
  readonly #known: Known;

  constructor(known: Known) {
    this.#known = known;
  }

  parse(owner: string, text: Paste, place: YamlScalar): Expression {
    const key = `${owner}\n${text.text}`;
    const tree = this.#known.trees.get(key) ?? this.#parse(text, place);
    this.#known.trees.set(key, tree);
    this.#parsed.push({ tree, text });
    return tree;
  }

  #parse(text: Paste, place: YamlScalar): Expression {
    const result = parseCondition(text.text);
    if (!result.ok) {
      const message = text.isPasted
        ? `${result.message}; put together the condition reads ${around(text.text, result.offset)}`
        : result.message;
      throw new LoadProblem('LOAD_ERR_COMPILE_CONDITION', message, text.placeOf(result.offset, result.offset + 1) ?? place);
    }
    return result.tree;
  }

  placeOf(span: Span): Place | undefined {
    // Only where there is something to report, each tree is walked for its spans, once.
    for (const { tree, text } of this.#parsed.splice(0)) noteSpans(tree, text, this.#owners);
    return this.#owners.get(span)?.placeOf(span.start, span.end);
  }
}

/** A piece of a pasted text around an offset. */
function around(text: string, offset: number): string {
  const from = Math.max(0, offset - 40);
  const to = Math.min(text.length, offset + 40);
  return `«${from > 0 ? '…' : ''}${fromByteString(text.slice(from, to))}${to < text.length ? '…' : ''}»`;
}

/** Takes down which text each span object of a tree belongs to. */
function noteSpans(node: unknown, text: Paste, owners: Map<Span, Paste>): void {
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (key === 'span') owners.set(value as Span, text);
    else noteSpans(value, text, owners);
  }
}
