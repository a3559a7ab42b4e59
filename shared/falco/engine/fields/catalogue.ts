import { EVENT_FIELDS } from './event.ts';
import { JSON_FIELDS } from './json.ts';
import { KUBERNETES_FIELDS } from './kubernetes.ts';
import { REQUEST_FIELDS } from './pod.ts';
import type { FieldRow } from './row.ts';

/** Without an auditID the k8saudit plugin gives no value for any of its fields. */
function gated(row: FieldRow): FieldRow {
  return {
    ...row,
    bind: (argument, paths) => {
      const extract = row.bind(argument, paths);
      return (event) => (event.hasAuditId ? extract(event) : undefined);
    },
  };
}

/** Every field a rule of source `k8s_audit` may name, from which the reference page is made. */
export const FIELDS: readonly FieldRow[] = [...[...KUBERNETES_FIELDS, ...REQUEST_FIELDS].map(gated), ...JSON_FIELDS, ...EVENT_FIELDS];

const BY_NAME = new Map(FIELDS.map((row) => [row.name, row]));

export type FieldProblem = { readonly message: string; readonly unknown: boolean };

/**
 * Which row `name[argument]` means, or why none: as Falco looks fields up. It takes the longest field name the text begins with, which is why
 * a misspelt field that begins like one with a required argument is not "unknown" (`unknown` decides about skip-if-unknown-filter).
 */
export function findField(name: string, argument: string | undefined): { readonly row: FieldRow } | { readonly problem: FieldProblem } {
  const spelt = argument === undefined ? name : `${name}[${argument}]`;
  const nonexistent = { problem: { message: `there is no field ${spelt} in the source k8s_audit`, unknown: true } };
  const row = BY_NAME.get(name) ?? longestPrefix(name);
  if (row === undefined) return nonexistent;
  const isPlugin = !row.name.startsWith('evt.');
  if (argument === undefined) {
    if (isPlugin && row.argument === 'key') {
      return { problem: { message: `${row.name} needs an argument in brackets: ${row.name}[...]`, unknown: false } };
    }
    return row.name === name ? { row } : nonexistent;
  }
  if (row.name !== name || !isPlugin) return nonexistent;
  if (argument.includes(' ')) {
    return { problem: { message: `the argument of ${name} must not hold a blank: Falco would see unbalanced brackets`, unknown: false } };
  }
  if (row.argument === 'none') return { problem: { message: `${name} takes no argument, got [${argument}]`, unknown: false } };
  const read = argument.split(']', 1)[0]!;
  if (row.argument === 'index' && !isIndex(read)) {
    return { problem: { message: `${name} takes a number without leading zeros in brackets, got [${argument}]`, unknown: false } };
  }
  return read === argument ? { row } : nonexistent;
}

/** Whether a rule may name this field. */
export function isKnownField(name: string, argument?: string): boolean {
  return 'row' in findField(name, argument);
}

function longestPrefix(name: string): FieldRow | undefined {
  let longest: FieldRow | undefined;
  for (const row of FIELDS) if (name.startsWith(row.name) && row.name.length > (longest?.name.length ?? 0)) longest = row;
  return longest;
}

function isIndex(text: string): boolean {
  return /^(0|[1-9][0-9]*)$/.test(text) && BigInt(text) <= 0xffff_ffff_ffff_ffffn;
}
