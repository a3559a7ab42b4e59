import { fromByteString } from '../bytes.ts';
import { invalid, requiredScalar } from './decode.ts';
import type { Entry, ExceptionDefinition } from './definition.ts';
import type { Warn } from './problem.ts';
import { lookUp, type YamlMapping, type YamlNode } from './yaml.ts';

/** Reads `exceptions:` of a rule. `appending`: fields may be left out, and missing values draw a warning. */
export function readExceptions(item: YamlMapping, appending: boolean, warn: Warn): readonly ExceptionDefinition[] {
  const value = lookUp(item, 'exceptions');
  if (!value || (value.kind === 'scalar' && value.isNull)) return [];
  if (value.kind !== 'sequence')
    throw invalid("'exceptions' must be a sequence", value, 'Write `exceptions:` with one `- name:` item per exception.');
  const seen = new Set<string>();
  return value.items.map((node) => {
    if (node.kind !== 'mapping')
      throw invalid('an exception must be a mapping', node, 'Write `- name: …` with `fields:`, `comps:` and `values:`.');
    const nameNode = requiredScalar(node, 'name');
    const name = nameNode.text;
    if (seen.has(name))
      warn('LOAD_EXCEPTION_NAME_NOT_UNIQUE', `the exception '${fromByteString(name)}' is defined twice in this rule`, nameNode);
    seen.add(name);
    const fields = lookUp(node, 'fields');
    if (!fields && !appending)
      throw invalid(`the exception '${fromByteString(name)}' has no 'fields'`, nameNode, 'Add `fields: [ka.user.name]` or the like.');
    const comps = lookUp(node, 'comps');
    const definition = {
      name,
      fields: entryOf(fields),
      comps: entryOf(comps),
      values: [] as Entry[],
      node,
    };
    const values = lookUp(node, 'values');
    if (values) {
      if (values.kind !== 'sequence') throw invalid("'values' must be a sequence", values, 'Write one item per exempted value or tuple.');
      definition.values = values.items.map((entry) => entryOf(entry));
    } else if (appending) {
      warn('LOAD_APPEND_NO_VALUES', `the exception '${fromByteString(name)}' is appended without values`, nameNode);
    }
    return definition;
  });
}

function entryOf(node: YamlNode | undefined): Entry {
  if (!node) return { kind: 'none' };
  if (node.kind === 'sequence') return { kind: 'many', entries: node.items.map((item) => entryOf(item)), node };
  if (node.kind === 'mapping' || node.isNull) return { kind: 'none' };
  if (node.text === '') throw invalid('an empty text is not allowed here', node);
  return { kind: 'one', scalar: node };
}
