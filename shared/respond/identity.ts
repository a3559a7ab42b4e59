import { createHash } from 'node:crypto';
import { detailsUidOf, type EventFacts, eventKey, groupsFact, uriFact } from '../audit/key.ts';
import type { FalcoAlert } from '../falco/alert.ts';
import { type FieldState, fieldList, fieldText, isMissing, isTruncated, readField } from './fields.ts';
import { isRuntimeAlert } from './runtime-alert.ts';

/** Which alert field shows each fact of an event. */
const FACT_FIELDS = {
  auditID: 'ka.auditid',
  requestReceivedTimestamp: 'tiercel.received',
  verb: 'ka.verb',
  requestURI: 'ka.uri',
  username: 'ka.user.name',
  resource: 'ka.target.resource',
  subresource: 'ka.target.subresource',
  namespace: 'ka.target.namespace',
  name: 'ka.target.name',
  uid: 'tiercel.ref_uid',
  apiGroup: 'tiercel.apigroup',
  apiVersion: 'tiercel.apiversion',
  account: 'tiercel.account',
  region: 'tiercel.region',
  stage: 'ka.stage',
  code: 'ka.response.code',
  responseName: 'ka.resp.name',
  responseUid: 'tiercel.uid',
  detailsUid: 'tiercel.details_uid',
  truncated: 'tiercel.truncated',
} as const satisfies Record<Exclude<keyof EventFacts, 'cluster' | 'groups'>, string>;

/** Without these nothing tells two requests apart. */
const REQUIRED: ReadonlySet<string> = new Set(['ka.auditid', 'tiercel.received', 'ka.verb', 'ka.uri']);

export type EventIdentity =
  | { readonly known: true; readonly key: string; readonly facts: EventFacts }
  /** Which fields are missing or were cut by Falcosidekick: such an alert is journalled and never acted on. */
  | { readonly known: false; readonly missing: readonly string[]; readonly truncated: readonly string[] };

/** What an alert is about, named: an audited call, or (`facts` is missing) what a process did, for which the alert itself is all there is. */
export type Happening = EventIdentity | { readonly known: true; readonly key: string; readonly facts?: undefined };

export function happeningOf(alert: FalcoAlert): Happening {
  return isRuntimeAlert(alert) ? { known: true, key: alertKey(alert) } : eventIdentity(alert);
}

/** The cluster an alert came from: stamped into the event by this project, or a field `cluster` (FireLens' metadata, a custom field of Falcosidekick). */
export function clusterOf(alert: FalcoAlert): string | undefined {
  return (isRuntimeAlert(alert) ? undefined : fieldText(alert, 'ka.cluster.name')) ?? fieldText(alert, 'cluster');
}

/**
 * The event key of a `k8s_audit` alert: the one that `shared/audit` computes for the event itself, hence equal for every rule and stage that
 * alerts on the same request (port-forward alerts in two).
 */
export function eventIdentity(alert: FalcoAlert): EventIdentity {
  const missing: string[] = [];
  const truncated: string[] = [];
  const texts = {} as Record<keyof typeof FACT_FIELDS, string>;
  for (const [fact, name] of Object.entries(FACT_FIELDS) as [keyof typeof FACT_FIELDS, string][]) {
    const field = fact === 'requestURI' ? readUri(alert) : readField(alert, name);
    if (field.state === 'truncated') truncated.push(name);
    else if (field.state === 'missing' && REQUIRED.has(name)) missing.push(name);
    texts[fact] = field.state === 'present' ? field.text : '';
  }
  if (isTruncated(alert.output_fields['ka.user.groups'])) truncated.push('ka.user.groups');
  if (missing.length > 0 || truncated.length > 0) return { known: false, missing, truncated };
  const facts: EventFacts = {
    ...texts,
    cluster: clusterOf(alert) ?? '',
    detailsUid: detailsUidOf(texts),
    groups: groupsFact(fieldList(alert, 'ka.user.groups') ?? []),
  };
  return { known: true, key: eventKey(facts), facts };
}

/** A long URI is known by its digest, which was stamped where Falcosidekick may have cut the URI itself. */
function readUri(alert: FalcoAlert): FieldState {
  const uri = readField(alert, 'ka.uri');
  if (uri.state === 'missing') return uri;
  if (uri.state === 'present') return { state: 'present', text: uriFact(uri.text) };
  const digest = readField(alert, 'tiercel.uri_digest');
  return digest.state === 'present' ? digest : uri;
}

/** Names one alert: the same for Falco's second post and Falcosidekick's redelivery (which carries another `uuid`), different for another rule or stage. */
export function alertKey(alert: FalcoAlert): string {
  // evt.* times repeat `time`, and lose digits when a JSON parser before us read them as doubles.
  const fields = Object.entries(alert.output_fields)
    .filter(([name, value]) => !name.startsWith('evt.') && !isMissing(value))
    .map(([name, value]) => [name, typeof value === 'bigint' ? String(value) : value] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return digest(['alert', alert.source, alert.rule, alert.time, fields]);
}

/** Event key + action + target UID, without rule or stage: what must happen once. */
export function actionKey(event: string, action: string, targetUid: string): string {
  return digest(['action', event, action, targetUid]);
}

function digest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
