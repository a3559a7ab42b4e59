import type { Priority } from '../../alert.ts';
import { fromByteString } from '../bytes.ts';
import {
  type Definitions,
  type ListDefinition,
  type MacroDefinition,
  type PluginRequirement,
  type RuleChange,
  type RuleDefinition,
  satisfies,
  type Version,
  versionOf,
} from '../read/definition.ts';
import { LoadProblem, type Warn } from '../read/problem.ts';
import type { YamlNode, YamlScalar } from '../read/yaml.ts';
import { type IsField, isGiven, type RuleException, unvalidated, validated } from './exceptions.ts';
import { PasteBuilder } from './paste.ts';

/** Whose behaviour this engine reproduces, and what rules may require. */
const ENGINE_VERSION: Version = [0, 62, 0];
const PLUGIN_VERSIONS: ReadonlyMap<string, Version> = new Map([
  ['k8saudit', [0, 18, 0]],
  ['json', [0, 7, 4]],
]);
/** The one source there is. */
export const SOURCE = 'k8s_audit';

/** Index: running number of the first definition. Visibility: running number of the last change. */
interface Indexed {
  readonly name: string;
  readonly index: number;
  readonly visibility: number;
  readonly place: YamlScalar;
}

/** Appends add to the arrays and builders of an entry in place: copying would make many appends costly. */
export interface ListEntry extends Indexed {
  readonly items: YamlScalar[];
}

export interface MacroEntry extends Indexed {
  readonly condition: PasteBuilder;
}

export interface RuleEntry extends Indexed {
  readonly condition: PasteBuilder;
  readonly output: PasteBuilder;
  readonly description: string;
  readonly priority: Priority;
  readonly source: string;
  readonly enabled: boolean;
  readonly skipIfUnknownFilter: boolean;
  readonly tags: readonly string[];
  readonly exceptions: RuleException[];
}

interface Requirement {
  readonly alternatives: readonly PluginRequirement[];
  readonly place: YamlNode;
}

/** Holds what all files have defined so far. A redefinition keeps the place of the first one in the order. */
export class Collector implements Definitions {
  readonly lists = new Map<string, ListEntry>();
  readonly macros = new Map<string, MacroEntry>();
  readonly rules = new Map<string, RuleEntry>();
  readonly #requirements: Requirement[] = [];
  readonly #warn: Warn;
  readonly #isField: IsField;
  #next = 0;

  constructor(warn: Warn, isField: IsField) {
    this.#warn = warn;
    this.#isField = isField;
  }

  requireEngine(version: Version, place: YamlNode): void {
    if (!satisfies(ENGINE_VERSION, version)) {
      throw refuse(
        `the rules require engine version ${version.join('.')}, this is ${ENGINE_VERSION.join('.')}`,
        place,
        'Use rules written for this version.',
      );
    }
  }

  requirePlugin(alternatives: readonly PluginRequirement[], place: YamlNode): void {
    const names = new Set<string>();
    for (const { name, version } of alternatives) {
      if (!versionOf(version))
        throw refuse(`'${fromByteString(version)}' is no version of the plugin '${name}'`, place, 'Write three numbers, such as 0.7.0.');
      if (names.has(name)) throw refuse(`the plugin '${name}' is required twice in one group of alternatives`, place, 'Keep one.');
      names.add(name);
    }
    this.#requirements.push({ alternatives, place });
  }

  /** The first alternative that is loaded decides. To be asked when all files are read. */
  unmetRequirement(): LoadProblem | undefined {
    for (const { alternatives, place } of this.#requirements) {
      const wanted = alternatives.find(({ name }) => PLUGIN_VERSIONS.has(name));
      const asked = alternatives.map(({ name, version }) => `${name} ${version}`).join(' or ');
      const loaded = [...PLUGIN_VERSIONS].map(([name, version]) => `${name} ${version.join('.')}`).join(', ');
      if (!wanted || !satisfies(PLUGIN_VERSIONS.get(wanted.name)!, versionOf(wanted.version)!)) {
        return refuse(`the rules require the plugin ${asked}; there are ${loaded}`, place, 'Use rules written for these versions.');
      }
    }
    return undefined;
  }

  defineList({ name, items, place }: ListDefinition): void {
    put(this.lists, name, place, this.#next++, { items: [...items] });
  }

  appendList({ name, items, place }: ListDefinition): void {
    const previous = this.lists.get(name);
    if (!previous) throw nothingToChange('list', name, place);
    for (const item of items) previous.items.push(item);
    this.lists.set(name, { ...previous, visibility: this.#next++ });
  }

  defineMacro({ name, condition, place }: MacroDefinition): void {
    put(this.macros, name, place, this.#next++, { condition: textOf(condition) });
  }

  appendMacro({ name, condition, place }: MacroDefinition): void {
    const previous = this.macros.get(name);
    if (!previous) throw nothingToChange('macro', name, place);
    append(previous.condition, condition);
    this.macros.set(name, { ...previous, visibility: this.#next++ });
  }

  defineRule({ condition, output, description, exceptions, ...rest }: RuleDefinition): void {
    this.#previous(rest.name, rest.source, rest.place);
    const known = rest.source === SOURCE;
    if (!known)
      this.#warn('LOAD_UNKNOWN_SOURCE', `the source '${fromByteString(rest.source)}' is not loaded; the rule is ignored`, rest.place);
    const { name, place, ...settings } = rest;
    put(this.rules, name, place, this.#next++, {
      ...settings,
      condition: textOf(condition),
      output: trimmed(output),
      description: description.text,
      exceptions: exceptions.map((exception) => validated(exception, known ? this.#isField : undefined)),
    });
  }

  appendRule(change: RuleChange): void {
    const previous = this.#previous(change.name, change.source, change.place);
    if (!previous) throw nothingToChange('rule', change.name, change.place);
    if (!changesAnything(change)) throw refuse('the append changes nothing', change.place, 'Give it a `condition:` or `exceptions:`.');
    const { exceptions } = previous;
    const byName = new Map(exceptions.map((exception) => [exception.name, exception]).reverse() as [string, RuleException][]);
    for (const exception of change.exceptions ?? []) {
      const known = byName.get(exception.name);
      const title = `the exception '${fromByteString(exception.name)}'`;
      if (!known) {
        if (!isGiven(exception.fields))
          throw refuse(`${title} is new and has no fields`, exception.node, 'Add `fields:`, or use the name of an exception of this rule.');
        if (exception.values.length === 0) throw refuse(`${title} is new and has no values`, exception.node, 'Add `values:`.');
        const added = validated(exception, previous.source === SOURCE ? this.#isField : undefined);
        exceptions.push(added);
        byName.set(added.name, added);
      } else {
        if (isGiven(exception.fields))
          throw refuse(`${title} exists: only values can be appended, not fields`, exception.node, 'Remove `fields:`.');
        if (isGiven(exception.comps))
          throw refuse(`${title} exists: only values can be appended, not comps`, exception.node, 'Remove `comps:`.');
        for (const value of exception.values) known.values.push(value);
      }
    }
    if (change.condition) append(previous.condition, change.condition);
    if (change.output) append(previous.output, change.output);
    this.rules.set(change.name, {
      ...previous,
      visibility: this.#next++,
      ...(change.description && { description: `${previous.description} ${change.description.text}` }),
      ...(change.tags && { tags: [...new Set([...previous.tags, ...change.tags])].sort() }),
    });
  }

  replaceRule(change: RuleChange): void {
    const previous = this.#previous(change.name, change.source, change.place);
    if (!previous) throw nothingToChange('rule', change.name, change.place);
    if (!changesAnything(change)) throw refuse('the override changes nothing', change.place);
    this.rules.set(change.name, {
      ...previous,
      visibility: this.#next++,
      ...(change.condition && { condition: textOf(change.condition) }),
      ...(change.output && { output: textOf(change.output) }),
      ...(change.description && { description: change.description.text }),
      ...(change.tags && { tags: change.tags }),
      ...(change.exceptions && { exceptions: change.exceptions.map(unvalidated) }),
      ...(change.priority && { priority: change.priority }),
      ...(change.enabled !== undefined && { enabled: change.enabled }),
      ...(change.skipIfUnknownFilter !== undefined && { skipIfUnknownFilter: change.skipIfUnknownFilter }),
    });
  }

  enableRule(name: string, enabled: boolean, place: YamlNode): void {
    const previous = this.rules.get(name);
    if (!previous)
      throw refuse(
        `there is no rule '${fromByteString(name)}' to ${enabled ? 'enable' : 'disable'}`,
        place,
        'Load the file that defines it first.',
      );
    this.rules.set(name, { ...previous, enabled });
  }

  /** The rule of this name so far; refuses a change of its source. */
  #previous(name: string, source: string, place: YamlNode): RuleEntry | undefined {
    const previous = this.rules.get(name);
    if (previous && source !== '' && previous.source !== source) {
      throw refuse(
        `the rule has the source '${fromByteString(previous.source)}' and cannot become one for '${fromByteString(source)}'`,
        place,
        'Use another name.',
      );
    }
    return previous;
  }
}

function put<T extends Indexed>(
  entries: Map<string, T>,
  name: string,
  place: YamlScalar,
  id: number,
  content: Omit<T, keyof Indexed>,
): void {
  const index = entries.get(name)?.index ?? id;
  entries.set(name, { name, place, index, visibility: id, ...content } as T);
}

function textOf(scalar: YamlScalar): PasteBuilder {
  const builder = new PasteBuilder();
  builder.piece(scalar.text, scalar);
  return builder;
}

function append(text: PasteBuilder, addition: YamlScalar): void {
  text.glue(' ');
  text.piece(addition.text, addition);
}

/** An output without the blanks around it. */
function trimmed(scalar: YamlScalar): PasteBuilder {
  const start = /^[ \t\n\v\f\r]*/.exec(scalar.text)![0].length;
  const builder = new PasteBuilder();
  builder.piece(scalar.text.slice(start).replace(/[ \t\n\v\f\r]+$/, ''), scalar, start);
  return builder;
}

function changesAnything({ name: _name, source: _source, place: _place, ...changes }: RuleChange): boolean {
  return Object.keys(changes).length > 0;
}

function nothingToChange(kind: string, name: string, place: YamlNode): LoadProblem {
  return refuse(
    `there is no ${kind} '${fromByteString(name)}' to change`,
    place,
    'Load the file that defines it first, or define it here without append.',
  );
}

function refuse(message: string, place: YamlNode, help?: string): LoadProblem {
  return new LoadProblem('LOAD_ERR_VALIDATE', message, place, help);
}
