import { fieldList, fieldText } from '../fields.ts';
import { isRuntimeAlert } from '../runtime-alert.ts';
import { type Guard, pass, refuse, unknown } from './guard.ts';

export const unprotected: Guard = {
  name: 'unprotected',
  summary: 'Neither the object (its namespace, name, labels, annotations, node) nor the caller is on a protect list.',
  again: true,
  ask: ({ alert, target, look, protection }) => {
    if (!target) return unknown('the alert names no object');
    const namespace = target.resource === 'namespaces' && target.apiGroup === '' ? target.name : target.namespace;
    // A process has no user of the cluster.
    const runtime = isRuntimeAlert(alert);
    const user = runtime ? '' : fieldText(alert, 'ka.user.name');
    const groups = runtime ? [] : fieldList(alert, 'ka.user.groups');
    if (user === undefined) return refuse('ka.user.name is missing or truncated: whether the caller is protected is not known');
    if (groups === undefined) return refuse('ka.user.groups is missing or truncated: whether the caller is protected is not known');
    const node = look.kind === 'found' ? (look.live.spec as { nodeName?: string } | undefined)?.nodeName : undefined;
    const labels = look.kind === 'found' ? Object.entries({ ...look.live.metadata.labels, ...look.live.metadata.annotations }) : [];
    const hit =
      (namespace !== undefined && hitOf('namespace', namespace, protection.namespaces)) ||
      hitOf('name', target.name, protection.names) ||
      hitOf('user', user, protection.users) ||
      groups.map((group) => hitOf('group', group, protection.groups)).find(Boolean) ||
      (target.resource === 'nodes' && hitOf('node', target.name, protection.nodes)) ||
      (node !== undefined && hitOf('node', node, protection.nodes)) ||
      labels
        .map(([key, value]) => hitOf('label', key, protection.labels) ?? hitOf('label', `${key}=${value}`, protection.labels))
        .find(Boolean);
    return hit ? refuse(`protected by ${hit}`) : pass('neither the object nor the caller is protected');
  },
};

function hitOf(kind: string, value: string, patterns: readonly string[]): string | undefined {
  const pattern = patterns.find((candidate) => globMatches(candidate, value));
  return pattern === undefined ? undefined : `${kind} ${value}${pattern === value ? '' : ` (${pattern})`}`;
}

/** `*` stands for any run of characters. Linear: each literal part is taken at its first occurrence. */
export function globMatches(pattern: string, value: string): boolean {
  const parts = pattern.split('*');
  if (parts.length === 1) return pattern === value;
  const first = parts[0]!;
  const last = parts.at(-1)!;
  if (value.length < first.length + last.length || !value.startsWith(first) || !value.endsWith(last)) return false;
  const end = value.length - last.length;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = value.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
