import type { LogGroup } from '../platform/aws/log-group.ts';
import type { Meter } from '../platform/observe/meter.ts';
import { alertKey, clusterOf, fieldText, type IncomingAlert } from '../respond/index.ts';

/** Where every alert that respond takes is written down, for people and queries over all clusters. */
export interface AlertLog {
  readonly group: LogGroup;
  /** Clusters that have a stream of their own; alerts of any other share one, so that nobody can make streams by naming clusters. */
  readonly clusters: readonly string[];
}

/** Stream of alerts from clusters that the stage does not name, and from nodes outside of any. */
const ELSEWHERE = 'other';

/** Longer values are cut: a line is for reading, the journal has the rest. */
const MAX_LENGTH = 512;

/** What is told of an alert. Nothing a request carried: neither its body, nor Falco's output line (a rule may print the body), nor the URI's parameters. */
const FIELDS = {
  auditId: 'ka.auditid',
  user: 'ka.user.name',
  verb: 'ka.verb',
  resource: 'ka.target.resource',
  subresource: 'ka.target.subresource',
  namespace: 'ka.target.namespace',
  name: 'ka.target.name',
  code: 'ka.response.code',
  sourceIps: 'ka.sourceips',
  userAgent: 'ka.useragent',
  podNamespace: 'k8s.ns.name',
  pod: 'k8s.pod.name',
  container: 'container.id',
  image: 'container.image.repository',
  process: 'proc.name',
} as const;

/** Writes one alert down. Never rejects: an alert that cannot be written is answered all the same, and counted. */
export async function noteAlert(item: IncomingAlert, { group, clusters }: AlertLog, meter: Meter | undefined): Promise<void> {
  const cluster = clusterOf(item.alert);
  try {
    await group.write(cluster !== undefined && clusters.includes(cluster) ? cluster : ELSEWHERE, alertLine(item));
  } catch {
    meter?.record('AlertLogFailures', 1);
  }
}

/** `source` is `tiercel`: should this group ever be subscribed, respond refuses the line before anything else. */
function alertLine({ alert, via }: IncomingAlert): string {
  const fields = Object.entries(FIELDS).map(([name, field]) => [name, fieldText(alert, field)?.slice(0, MAX_LENGTH)]);
  return JSON.stringify({
    source: 'tiercel',
    detectedBy: alert.source,
    cluster: clusterOf(alert) ?? fieldText(alert, 'ecs.cluster'),
    priority: alert.priority,
    rule: alert.rule,
    time: alert.time,
    ...Object.fromEntries(fields),
    uri: fieldText(alert, 'ka.uri')?.split('?', 1)[0]?.slice(0, MAX_LENGTH),
    task: fieldText(alert, 'ecs.task_arn'),
    tags: alert.tags,
    via: via.kind,
    key: alertKey(alert),
  });
}
