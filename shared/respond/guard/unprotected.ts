import type { FalcoAlert } from '../../falco/alert.ts';
import type { KubeObject, ObjectReference } from '../../platform/kube/index.ts';
import { fieldList, fieldText } from '../fields.ts';
import type { Protection } from '../policy/schema.ts';
import { canonicalArn } from '../principal.ts';
import { rbacName } from '../rbac.ts';
import { isRuntimeAlert } from '../runtime-alert.ts';
import { type LiveGuard, pass, refuse, unknown } from './guard.ts';

/** The roles and bindings of the generated manifest. Exact names: whoever creates an object chooses its name. */
const OWN_NAMES = (['look', 'act'] as const).map(rbacName);

export const unprotected: LiveGuard = {
  name: 'unprotected',
  summary:
    "Neither the object (its namespace and that one's labels, its name, labels, annotations, node) nor the caller (user, ARN, groups) is on a protect list, nor are they respond's own roles and bindings.",
  ask: ({ alert, target, look, around, protection }) => {
    if (!target) return unknown('the alert names no object');
    // A process has no user of the cluster.
    const runtime = isRuntimeAlert(alert);
    const user = runtime ? undefined : fieldText(alert, 'ka.user.name');
    const groups = runtime ? [] : fieldList(alert, 'ka.user.groups');
    if (user === undefined && !runtime) return refuse('ka.user.name is missing or truncated: whether the caller is protected is not known');
    if (groups === undefined) return refuse('ka.user.groups is missing or truncated: whether the caller is protected is not known');
    const node = look.kind === 'found' ? (look.live.spec as { nodeName?: string } | undefined)?.nodeName : undefined;
    const hit =
      protectorOf(target, look.kind === 'found' ? look.live.metadata : {}, protection) ??
      first(user === undefined ? [] : callers(alert, user), (name) => hitOf('user', name, protection.users)) ??
      first(groups, (group) => hitOf('group', group, protection.groups)) ??
      (node === undefined ? undefined : hitOf('node', node, protection.nodes));
    if (hit) return refuse(`protected by ${hit}`);
    const asksObject = protection.labels.length + protection.nodes.length > 0;
    if (asksObject && (look.kind === 'none' || look.kind === 'denied'))
      return unknown(`whether the object's labels or its node protect it is not known: ${look.why}`);
    if (around !== undefined && around.kind !== 'found')
      return unknown(around.kind === 'gone' ? 'its namespace is gone' : `whether its namespace is protected is not known: ${around.why}`);
    const marked = around === undefined ? undefined : markOf(around.live.metadata, 'namespace label', protection.namespaceLabels);
    return marked ? refuse(`protected by ${marked}`) : pass('neither the object nor the caller is protected');
  },
};

/** Every name of the caller: in the cluster, and in IAM, where EKS tells it (of a session also its role). */
function callers(alert: FalcoAlert, user: string): readonly string[] {
  const arns = ['tiercel.user_arn', 'tiercel.user_canonical_arn'].flatMap((name) => fieldText(alert, name) ?? []);
  return [user, ...[user, ...arns].map(canonicalArn), ...arns];
}

/** What of a protect list an object is on, caller aside. */
export function protectorOf(
  { apiGroup, resource, namespace, name }: ObjectReference,
  metadata: Partial<KubeObject['metadata']>,
  protection: Protection,
): string | undefined {
  const isNamespace = resource === 'namespaces' && apiGroup === '';
  const within = isNamespace ? name : namespace;
  return (
    (OWN_NAMES.includes(name) && apiGroup === 'rbac.authorization.k8s.io' ? `being respond's own (${name})` : undefined) ??
    (within === undefined ? undefined : hitOf('namespace', within, protection.namespaces)) ??
    hitOf('name', name, protection.names) ??
    (resource === 'nodes' ? hitOf('node', name, protection.nodes) : undefined) ??
    markOf(metadata, 'label', protection.labels) ??
    (isNamespace ? markOf(metadata, 'namespace label', protection.namespaceLabels) : undefined)
  );
}

/** The label or annotation by which an object is on a list of keys and of `key=value`. */
function markOf({ labels, annotations }: Partial<KubeObject['metadata']>, kind: string, patterns: readonly string[]): string | undefined {
  return first(
    [labels, annotations].flatMap((marks) => Object.entries(marks ?? {})),
    ([key, value]) => hitOf(kind, key, patterns) ?? hitOf(kind, `${key}=${value}`, patterns),
  );
}

function first<Item>(items: readonly Item[], hit: (item: Item) => string | undefined): string | undefined {
  for (const item of items) {
    const found = hit(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

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
