import { PRIORITIES, type Priority } from '../../alert.ts';
import { fromByteString } from '../bytes.ts';
import {
  checkUnsigned,
  emptyableScalar,
  invalid,
  optionalFlag,
  optionalScalar,
  requiredFlag,
  requiredScalar,
  scalarSequence,
  shown,
} from './decode.ts';
import type { Definitions, RuleChange } from './definition.ts';
import { readExceptions } from './exceptions.ts';
import { type Overrides, overridesOf, refuseBoth } from './override.ts';
import type { Warn } from './problem.ts';
import { lookUp, type YamlMapping, type YamlScalar } from './yaml.ts';

const APPENDABLE = new Set(['condition', 'output', 'desc', 'tags', 'exceptions']);
const REPLACEABLE = new Set([
  ...['condition', 'output', 'desc', 'priority', 'capture', 'capture_duration', 'tags', 'exceptions', 'enabled', 'warn_evttypes'],
  'skip-if-unknown-filter',
]);

export const APPEND_WARNING = "'append: true' is deprecated";

/** A `rule` item: a definition, an append, an override, or the bare switch `enabled`. */
export function readRule(item: YamlMapping, definitions: Definitions, warn: Warn): void {
  const place = requiredScalar(item, 'rule');
  const source = emptyableScalar(item, 'source')?.text ?? '';
  const append = optionalFlag(item, 'append', false);
  if (append) warn('LOAD_DEPRECATED_ITEM', APPEND_WARNING, lookUp(item, 'append') ?? place);
  const overrides = overridesOf(item, APPENDABLE, REPLACEABLE);
  refuseBoth(append, overrides, place);
  if (overrides.append.size + overrides.replace.size > 0) {
    override(item, place, source, overrides, definitions, warn);
  } else if (append) {
    definitions.appendRule({
      name: place.text,
      source,
      place,
      ...(lookUp(item, 'condition') && { condition: requiredScalar(item, 'condition') }),
      ...(lookUp(item, 'exceptions') && { exceptions: readExceptions(item, true, warn) }),
    });
  } else if (['condition', 'output', 'desc', 'priority'].some((key) => lookUp(item, key))) {
    define(item, place, definitions, warn);
  } else {
    const enabled = requiredFlag(item, 'enabled');
    warn(
      'LOAD_DEPRECATED_ITEM',
      "'enabled' on its own is deprecated: add `override: {enabled: replace}`",
      lookUp(item, 'enabled') ?? place,
    );
    definitions.enableRule(place.text, enabled, place);
  }
}

function define(item: YamlMapping, place: YamlScalar, definitions: Definitions, warn: Warn): void {
  const condition = requiredScalar(item, 'condition');
  const output = requiredScalar(item, 'output');
  const description = requiredScalar(item, 'desc');
  const priority = readPriority(item);
  const source = optionalScalar(item, 'source')?.text ?? 'syscall';
  const enabled = optionalFlag(item, 'enabled', true);
  optionalFlag(item, 'capture', false);
  checkUnsigned(item, 'capture_duration', false);
  optionalFlag(item, 'warn_evttypes', true);
  const skipIfUnknownFilter = optionalFlag(item, 'skip-if-unknown-filter', false);
  const tags = readTags(item);
  const exceptions = readExceptions(item, false, warn);
  definitions.defineRule({
    name: place.text,
    condition,
    output,
    description,
    priority,
    source,
    enabled,
    skipIfUnknownFilter,
    tags,
    exceptions,
    place,
  });
}

/** Appends first, then replacements; keys that no override names are refused last. */
function override(item: YamlMapping, place: YamlScalar, source: string, overrides: Overrides, definitions: Definitions, warn: Warn): void {
  const unexpected = new Set([...APPENDABLE, ...REPLACEABLE].filter((key) => lookUp(item, key)));
  const changeOf = (operation: 'append' | 'replace'): RuleChange => {
    const asks = (key: string): boolean => {
      const at = overrides[operation].get(key);
      if (!at) return false;
      if (!unexpected.delete(key))
        throw invalid(
          `'override' names '${key}', but the item has no such key of its own to ${operation}`,
          at,
          `Add \`${key}:\` to the item.`,
        );
      return true;
    };
    return {
      name: place.text,
      place,
      ...(asks('condition') ? { source, condition: requiredScalar(item, 'condition') } : { source: '' }),
      ...(asks('exceptions') && { exceptions: readExceptions(item, operation === 'append', warn) }),
      ...(asks('output') && { output: requiredScalar(item, 'output') }),
      ...(asks('desc') && { description: requiredScalar(item, 'desc') }),
      ...(asks('tags') && { tags: readTags(item) }),
      ...(asks('priority') && { priority: readPriority(item) }),
      ...(asks('capture') && ignored(requiredFlag(item, 'capture'))),
      ...(asks('capture_duration') && ignored(checkUnsigned(item, 'capture_duration', true))),
      ...(asks('enabled') && { enabled: requiredFlag(item, 'enabled') }),
      ...(asks('warn_evttypes') && ignored(requiredFlag(item, 'warn_evttypes'))),
      ...(asks('skip-if-unknown-filter') && { skipIfUnknownFilter: requiredFlag(item, 'skip-if-unknown-filter') }),
    };
  };
  if (overrides.append.size > 0) definitions.appendRule(changeOf('append'));
  if (overrides.replace.size > 0) definitions.replaceRule(changeOf('replace'));
  const [key] = [...unexpected].sort();
  if (key !== undefined) {
    throw invalid(
      `the key '${key}' is here, but 'override' does not say what to do with it`,
      lookUp(item, key)!,
      `Add \`${key}: replace\` under \`override:\`, or remove \`${key}:\`.`,
    );
  }
}

function ignored(_checked: unknown): { readonly ignored: true } {
  return { ignored: true };
}

/** Sorted by byte, each once. */
function readTags(item: YamlMapping): readonly string[] {
  return [...new Set(scalarSequence(item, 'tags', false).map((tag) => tag.text))].sort();
}

const PRIORITY_NAMES: ReadonlyMap<string, Priority> = new Map([
  ...PRIORITIES.map((name) => [name.toLowerCase(), name] as const),
  ['info', 'Informational'] as const,
]);

function readPriority(item: YamlMapping): Priority {
  const value = requiredScalar(item, 'priority');
  const priority = priorityOf(fromByteString(value.text));
  if (!priority) throw invalid(`${shown(value)} is no priority`, value, `Priorities: ${PRIORITIES.join(', ')}.`);
  return priority;
}

/** A priority by any of Falco's spellings. */
function priorityOf(name: string): Priority | undefined {
  return PRIORITY_NAMES.get(name.toLowerCase());
}
