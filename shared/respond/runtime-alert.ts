import type { FalcoAlert } from '../falco/alert.ts';
import { fieldText } from './fields.ts';
import type { Target } from './target.ts';

/**
 * Alerts about what a process did (Falco's own source), not about an audited call: there is no request, no caller and no answer, the alert itself is the
 * happening, and nothing in it can be signed, because it starts on the node.
 */
export function isRuntimeAlert({ source }: FalcoAlert): boolean {
  return source === 'syscall';
}

/** What stands in a runtime alert for a field of an audited call; `undefined`: such an alert needs none. */
const STANDS_FOR: Readonly<Record<string, string | undefined>> = {
  'ka.target.resource': 'k8s.pod.name',
  'ka.target.namespace': 'k8s.ns.name',
  'tiercel.uid': 'k8s.pod.uid',
  'tiercel.apiversion': undefined,
  'tiercel.received': undefined,
  'ka.verb': undefined,
};

/** The fields that an action needs of this alert. */
export function neededFields(alert: FalcoAlert, needs: readonly string[]): readonly string[] {
  if (!isRuntimeAlert(alert)) return needs;
  return needs.flatMap((name) => (name in STANDS_FOR ? (STANDS_FOR[name] ?? []) : name));
}

/** The pod whose process it was. A process of the node itself, or of a container outside Kubernetes (Amazon ECS), has none. */
export function podOf(alert: FalcoAlert): { readonly target: Target } | { readonly missing: readonly string[] } {
  const name = fieldText(alert, 'k8s.pod.name');
  const namespace = fieldText(alert, 'k8s.ns.name');
  if (!name || !namespace) return { missing: [...(name ? [] : ['k8s.pod.name']), ...(namespace ? [] : ['k8s.ns.name'])] };
  const uid = fieldText(alert, 'k8s.pod.uid');
  return { target: { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace, name, ...(uid === undefined ? {} : { uid }) } };
}
