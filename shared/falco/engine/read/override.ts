import { fromByteString } from '../bytes.ts';
import { invalid } from './decode.ts';
import { LoadProblem } from './problem.ts';
import { lookUp, type YamlMapping, type YamlNode, type YamlScalar } from './yaml.ts';

/** The keys under `override:`, by operation. */
export interface Overrides {
  readonly append: ReadonlyMap<string, YamlNode>;
  readonly replace: ReadonlyMap<string, YamlNode>;
}

/** Reads `override: {key: append|replace}`; refuses other operations, and keys that cannot be changed that way. */
export function overridesOf(item: YamlMapping, appendable: ReadonlySet<string>, replaceable: ReadonlySet<string>): Overrides {
  const append = new Map<string, YamlNode>();
  const replace = new Map<string, YamlNode>();
  const overrides = lookUp(item, 'override');
  if (overrides?.kind === 'sequence' && overrides.items.length > 0) {
    throw new LoadProblem('LOAD_ERR_VALIDATE', "'override' must map keys to append or replace, not list them", overrides);
  }
  for (const { key, value } of overrides?.kind === 'mapping' ? overrides.entries : []) {
    const name = asText(key);
    const operation = asText(value);
    const allowed = [...(appendable.has(name) ? ['append'] : []), ...(replaceable.has(name) ? ['replace'] : [])];
    if (operation !== 'append' && operation !== 'replace') {
      throw invalid(
        `'${operation}' is no operation for the key '${name}'`,
        value,
        `Allowed: ${allowed.join(', ') || 'nothing; this key cannot be overridden'}.`,
      );
    }
    if (!allowed.includes(operation)) {
      const help = allowed.length > 0 ? `Use \`${name}: ${allowed[0]}\`.` : `Keys that can be overridden: ${[...replaceable].join(', ')}.`;
      throw invalid(`the key '${name}' cannot be ${operation === 'append' ? 'appended to' : 'replaced'}`, key, help);
    }
    (operation === 'append' ? append : replace).set(name, key);
  }
  return { append, replace };
}

/** `append: true` and `override` say the same thing in two ways; both together are refused. */
export function refuseBoth(append: boolean, { append: appended, replace }: Overrides, place: YamlScalar): void {
  if (append && appended.size + replace.size > 0) {
    throw invalid("'append: true' and 'override' cannot be used together", place, 'Keep `override:` and remove `append: true`.');
  }
}

function asText(node: YamlNode): string {
  if (node.kind !== 'scalar') throw new LoadProblem('LOAD_ERR_VALIDATE', `expected a word, found a ${node.kind}`, node);
  return node.isNull ? 'null' : fromByteString(node.text);
}
