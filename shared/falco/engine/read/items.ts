import { fromByteString } from '../bytes.ts';
import { invalid, optionalFlag, requiredScalar, scalarSequence, shown, unsignedOf } from './decode.ts';
import { type Definitions, type PluginRequirement, type Version, versionOf } from './definition.ts';
import { overridesOf, refuseBoth } from './override.ts';
import { LoadProblem, type Reporter, type Warn } from './problem.ts';
import { APPEND_WARNING, readRule } from './rule-item.ts';
import type { SourceFile } from './source.ts';
import { lookUp, readYaml, type YamlMapping, type YamlNode, type YamlScalar } from './yaml.ts';

const ITEM_HELP = 'Start each item with `- rule:`, `- macro:` or `- list:`.';

/**
 * Reads one rules file and hands its definitions over in order. What is wrong is thrown as a LoadProblem,
 * or reported item by item. Nothing of a file with broken YAML is handed over.
 */
export function readItems(source: SourceFile, definitions: Definitions, report: Reporter): void {
  const yaml = readYaml(source);
  if (!yaml.ok) throw new LoadProblem('LOAD_ERR_YAML_PARSE', yaml.message, yaml.place);
  for (const document of yaml.documents) {
    if (document.kind !== 'sequence') throw invalid(`a rules file is a sequence of items, this is a ${document.kind}`, document, ITEM_HELP);
    for (const item of document.items) {
      if (item.kind === 'scalar' && item.isNull) continue;
      report.attempt(() => readItem(item, definitions, report.warn));
    }
  }
}

/** The first key of this table that an item has says what the item is. */
const KINDS: Readonly<
  Record<string, { readonly read: (item: YamlMapping, definitions: Definitions, warn: Warn) => void; readonly keys: readonly string[] }>
> = {
  required_engine_version: { read: readEngineVersion, keys: ['required_engine_version'] },
  required_plugin_versions: { read: readPluginVersions, keys: ['required_plugin_versions'] },
  list: { read: readList, keys: ['list', 'items', 'append', 'override'] },
  macro: { read: readMacro, keys: ['macro', 'condition', 'append', 'override'] },
  rule: {
    read: readRule,
    keys: [
      ...['rule', 'condition', 'output', 'desc', 'priority', 'source', 'enabled', 'capture', 'capture_duration', 'warn_evttypes'],
      ...['skip-if-unknown-filter', 'tags', 'exceptions', 'override', 'append'],
    ],
  },
};

function readItem(item: YamlNode, definitions: Definitions, warn: Warn): void {
  if (item.kind !== 'mapping') throw invalid(`an item must be a mapping, this is a ${item.kind}`, item, ITEM_HELP);
  const kind = Object.keys(KINDS).find((key) => lookUp(item, key));
  if (kind === undefined) {
    const first = item.entries[0]?.key;
    const named = first?.kind === 'scalar' ? `, but ${shown(first)}` : '';
    warn('LOAD_UNKNOWN_ITEM', `the item is neither a rule nor a macro, list or required version${named}`, first ?? item);
    return;
  }
  const { read, keys } = KINDS[kind]!;
  read(item, definitions, warn);
  for (const { key } of item.entries) {
    if (key.kind !== 'scalar') throw new LoadProblem('LOAD_ERR_VALIDATE', `a key must be a word, not a ${key.kind}`, key);
    const name = key.isNull ? 'null' : fromByteString(key.text);
    if (!keys.includes(name)) warn('LOAD_UNKNOWN_KEY', `the key '${name}' means nothing in a ${kind} item and is ignored`, key);
  }
}

function readEngineVersion(item: YamlMapping, definitions: Definitions): void {
  const value = requiredScalar(item, 'required_engine_version');
  const minor = unsignedOf(value);
  const version: Version | undefined = minor === undefined ? versionOf(value.text) : [0, minor, 0];
  if (!version) throw invalid(`${shown(value)} is no engine version`, value, 'Write a number such as 15, or three numbers such as 0.62.0.');
  definitions.requireEngine(version, value);
}

function readPluginVersions(item: YamlMapping, definitions: Definitions): void {
  const value = lookUp(item, 'required_plugin_versions')!;
  if (value.kind !== 'sequence')
    throw invalid("'required_plugin_versions' must be a sequence", value, 'Write `- name: k8saudit` with `version:` under it.');
  for (const plugin of value.items) {
    const asked = [requirement(plugin)];
    const alternatives = plugin.kind === 'mapping' ? lookUp(plugin, 'alternatives') : undefined;
    if (alternatives) {
      if (alternatives.kind !== 'sequence') throw invalid("'alternatives' must be a sequence", alternatives);
      asked.push(...alternatives.items.map(requirement));
    }
    definitions.requirePlugin(asked, plugin);
  }
}

function requirement(node: YamlNode): PluginRequirement {
  if (node.kind !== 'mapping')
    throw invalid('a required plugin must be a mapping', node, 'Write `- name: k8saudit` with `version:` under it.');
  return { name: fromByteString(requiredScalar(node, 'name').text), version: requiredScalar(node, 'version').text };
}

function readList(item: YamlMapping, definitions: Definitions, warn: Warn): void {
  const place = requiredScalar(item, 'list');
  if (!/^[^()"' \t\n\v\f\r=,]+$/.test(place.text)) warn('LOAD_INVALID_LIST_NAME', `${shown(place)} is no name for a list`, place);
  const list = { name: place.text, items: scalarSequence(item, 'items', true), place };
  if (isAppend(item, 'items', place, warn)) definitions.appendList(list);
  else definitions.defineList(list);
}

function readMacro(item: YamlMapping, definitions: Definitions, warn: Warn): void {
  const place = requiredScalar(item, 'macro');
  if (!/^[A-Za-z]+[A-Za-z0-9_]*$/.test(place.text)) warn('LOAD_INVALID_MACRO_NAME', `${shown(place)} is no name for a macro`, place);
  const macro = { name: place.text, condition: requiredScalar(item, 'condition'), place };
  if (isAppend(item, 'condition', place, warn)) definitions.appendMacro(macro);
  else definitions.defineMacro(macro);
}

/** A list has only items to append to, a macro only its condition. */
function isAppend(item: YamlMapping, key: 'items' | 'condition', place: YamlScalar, warn: Warn): boolean {
  const append = optionalFlag(item, 'append', false);
  if (append) warn('LOAD_DEPRECATED_ITEM', APPEND_WARNING, lookUp(item, 'append') ?? place);
  const only = new Set([key]);
  const overrides = overridesOf(item, only, only);
  refuseBoth(append, overrides, place);
  return append || overrides.append.has(key);
}
