import { type FalcoAlert, PRIORITIES } from '../../falco/alert.ts';
import { clusterOf } from '../identity.ts';
import type { Policy } from './schema.ts';

/** Whether a policy speaks of this alert. Every member that is set must hold; what the alert lacks never matches. */
export function matches(policy: Policy, alert: FalcoAlert): boolean {
  const { rules, source, priority, tags, clusters } = policy.match;
  const cluster = clusterOf(alert);
  return (
    (!rules || rules.includes(alert.rule)) &&
    (!source || source === alert.source) &&
    (!priority || PRIORITIES.indexOf(alert.priority) <= PRIORITIES.indexOf(priority)) &&
    (!tags || tags.every((tag) => alert.tags?.includes(tag) ?? false)) &&
    (!clusters || (cluster !== undefined && clusters.includes(cluster))) &&
    policy.condition(alert)
  );
}
