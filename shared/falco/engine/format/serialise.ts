import type { FalcoAlert, FieldValue } from '../../alert.ts';

/** Falco's JSON line for an alert, without the line break: keys sorted, integers exact. */
export function alertToJson(alert: FalcoAlert): string {
  const fields = Object.keys(alert.output_fields).map((key) => `${JSON.stringify(key)}:${valueToJson(alert.output_fields[key]!)}`);
  const hostname = alert.hostname === undefined ? '' : `"hostname":${JSON.stringify(alert.hostname)},`;
  const tags = alert.tags === undefined ? '' : `"tags":${JSON.stringify(alert.tags)},`;
  const uuid = alert.uuid === undefined ? '' : `,"uuid":${JSON.stringify(alert.uuid)}`;
  return (
    `{${hostname}"output":${JSON.stringify(alert.output)},"output_fields":{${fields.join(',')}},"priority":"${alert.priority}",` +
    `"rule":${JSON.stringify(alert.rule)},"source":${JSON.stringify(alert.source)},${tags}"time":"${alert.time}"${uuid}}`
  );
}

/** What Falcosidekick would forward: the alert under a `uuid` of its own. */
export function withUuid(alert: FalcoAlert, uuid: string): FalcoAlert {
  return { uuid, ...alert };
}

function valueToJson(value: FieldValue | null): string {
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
}
