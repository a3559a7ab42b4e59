import { fromByteString } from '../bytes.ts';
import { LoadProblem } from './problem.ts';
import { lookUp, type YamlMapping, type YamlNode, type YamlScalar } from './yaml.ts';

/** Reading one key of an item, with Falco's refusals (rule_loader_reader of Falco 0.44). */

export function requiredScalar(item: YamlMapping, key: string): YamlScalar {
  const value = lookUp(item, key);
  if (!value) throw invalid(`the key '${key}' is missing`, item.entries[0]?.key ?? item, `Add \`${key}:\` to the item.`);
  return asScalar(value, key);
}

export function optionalScalar(item: YamlMapping, key: string): YamlScalar | undefined {
  const value = lookUp(item, key);
  return value && asScalar(value, key);
}

/** Like an optional scalar, but it may be null or empty, which is then as if it were absent. */
export function emptyableScalar(item: YamlMapping, key: string): YamlScalar | undefined {
  const value = lookUp(item, key);
  if (!value || (value.kind === 'scalar' && (value.isNull || value.text === ''))) return undefined;
  return asScalar(value, key);
}

function asScalar(value: YamlNode, key: string): YamlScalar {
  if (value.kind !== 'scalar') throw invalid(`'${key}' must be a single value, not a ${value.kind}`, value);
  if (value.isNull) throw invalid(`'${key}' has no value`, value, `Give \`${key}:\` a value, or remove the key.`);
  if (value.text === '') throw invalid(`'${key}' must not be empty`, value, `Give \`${key}:\` a value, or remove the key.`);
  return value;
}

export function requiredFlag(item: YamlMapping, key: string): boolean {
  return flag(requiredScalar(item, key), key);
}

export function optionalFlag(item: YamlMapping, key: string, otherwise: boolean): boolean {
  const value = optionalScalar(item, key);
  return value ? flag(value, key) : otherwise;
}

/** y/yes/true/on and n/no/false/off in lower, Capitalised and UPPER case, quoted or not. */
function flag(value: YamlScalar, key: string): boolean {
  const { text } = value;
  const lower = text.toLowerCase();
  const capitalised = lower[0]!.toUpperCase() + lower.slice(1);
  if (text === lower || text === capitalised || text === text.toUpperCase()) {
    if (/^(y|yes|true|on)$/.test(lower)) return true;
    if (/^(n|no|false|off)$/.test(lower)) return false;
  }
  throw invalid(`'${key}' must be true or false, not ${shown(value)}`, value, 'Write true or false.');
}

/** An unsigned 32-bit integer, decimal, octal (`0…`) or hexadecimal (`0x…`); undefined if it is none. */
export function unsignedOf(value: YamlScalar): number | undefined {
  const match = /^\+?(?:(0[xX][0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))\s*$/.exec(value.text);
  if (!match) return undefined;
  const number = match[2] === undefined ? Number(match[1] ?? match[3]) : Number.parseInt(match[2], 8);
  return number <= 0xffff_ffff ? number : undefined;
}

export function checkUnsigned(item: YamlMapping, key: string, required: boolean): void {
  const value = required ? requiredScalar(item, key) : optionalScalar(item, key);
  if (value && unsignedOf(value) === undefined) throw invalid(`'${key}' must be a whole number, not ${shown(value)}`, value);
}

/** A sequence of scalars. Empty strings pass, null does not. */
export function scalarSequence(item: YamlMapping, key: string, required: boolean): readonly YamlScalar[] {
  const value = lookUp(item, key);
  if (!value) {
    if (!required) return [];
    throw invalid(`the key '${key}' is missing`, item.entries[0]?.key ?? item, `Add \`${key}: [...]\` to the item.`);
  }
  if (value.kind !== 'sequence') throw invalid(`'${key}' must be a sequence`, value, `Write \`${key}: [a, b]\`.`);
  return value.items.map((entry) => {
    if (entry.kind === 'scalar' && !entry.isNull) return entry;
    throw invalid(`'${key}' must hold single values only, here is ${entry.kind === 'scalar' ? 'null' : `a ${entry.kind}`}`, entry);
  });
}

/** A scalar's text for a message. */
export function shown(value: YamlScalar): string {
  const text = fromByteString(value.text);
  return `'${text.length > 60 ? `${text.slice(0, 60)}…` : text}'`;
}

export function invalid(message: string, place: YamlNode, help?: string): LoadProblem {
  return new LoadProblem('LOAD_ERR_YAML_VALIDATE', message, place, help);
}
