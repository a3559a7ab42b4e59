import type { Priority } from '../../alert.ts';
import type { YamlMapping, YamlNode, YamlScalar } from './yaml.ts';

/** What a rules file says, item by item, before names are looked up. Texts are byte strings. */

/** A scalar or a list of entries: `fields`, `comps` and `values` of an exception. `none` where the key is absent or null. */
export type Entry =
  | { readonly kind: 'none' }
  | { readonly kind: 'one'; readonly scalar: YamlScalar }
  | { readonly kind: 'many'; readonly entries: readonly Entry[]; readonly node: YamlNode };

export interface ExceptionDefinition {
  readonly name: string;
  readonly fields: Entry;
  readonly comps: Entry;
  readonly values: readonly Entry[];
  readonly node: YamlMapping;
}

export interface ListDefinition {
  readonly name: string;
  readonly items: readonly YamlScalar[];
  readonly place: YamlScalar;
}

export interface MacroDefinition {
  readonly name: string;
  readonly condition: YamlScalar;
  readonly place: YamlScalar;
}

export interface RuleDefinition {
  readonly name: string;
  readonly condition: YamlScalar;
  readonly output: YamlScalar;
  readonly description: YamlScalar;
  readonly priority: Priority;
  readonly source: string;
  readonly enabled: boolean;
  readonly skipIfUnknownFilter: boolean;
  readonly tags: readonly string[];
  readonly exceptions: readonly ExceptionDefinition[];
  /** The rule's name: where to point when the whole rule is meant. */
  readonly place: YamlScalar;
}

/** The changes an `append` or `override` asks for; only named keys are present. */
export interface RuleChange {
  readonly name: string;
  /** Only where the condition changes: a different source is then refused. */
  readonly source: string;
  readonly condition?: YamlScalar;
  readonly output?: YamlScalar;
  readonly description?: YamlScalar;
  readonly tags?: readonly string[];
  readonly exceptions?: readonly ExceptionDefinition[];
  readonly priority?: Priority;
  readonly enabled?: boolean;
  readonly skipIfUnknownFilter?: boolean;
  /** Keys that change nothing about audit events (capture…), but count as a change. */
  readonly ignored?: true;
  readonly place: YamlScalar;
}

export interface PluginRequirement {
  readonly name: string;
  readonly version: string;
}

/** Takes the definitions of a file in order; refuses by throwing a LoadProblem. */
export interface Definitions {
  requireEngine(version: Version, place: YamlNode): void;
  requirePlugin(alternatives: readonly PluginRequirement[], place: YamlNode): void;
  defineList(list: ListDefinition): void;
  appendList(list: ListDefinition): void;
  defineMacro(macro: MacroDefinition): void;
  appendMacro(macro: MacroDefinition): void;
  defineRule(rule: RuleDefinition): void;
  appendRule(change: RuleChange): void;
  replaceRule(change: RuleChange): void;
  enableRule(name: string, enabled: boolean, place: YamlNode): void;
}

export type Version = readonly [major: number, minor: number, patch: number];

/** Three numbers with dots at the start of the text, as sscanf would read them; undefined if there are none. */
export function versionOf(text: string): Version | undefined {
  const match = /^\s*\+?(\d+)\.\s*\+?(\d+)\.\s*\+?(\d+)/.exec(text);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined;
}

/** Same major version, and not older than what is asked for. */
export function satisfies(have: Version, want: Version): boolean {
  return have[0] === want[0] && (have[1] > want[1] || (have[1] === want[1] && have[2] >= want[2]));
}
