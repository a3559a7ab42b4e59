import type { FalcoAlert } from '../alert.ts';
import { alertToJson } from '../engine/format/index.ts';

/** Where the embedded engine's alerts go. Falco's own alerts go through Falcosidekick, which does the same. */
export interface AlertSink {
  /** Resolves when every alert was taken over. Rejects when one was not: all of them may then come again. */
  publish(alerts: readonly FalcoAlert[]): Promise<void>;
}

/** Falcosidekick cuts strings to this length when a payload is too large for an output; respond never takes what ends so for an identity. */
const CUT_AT = 512;
const CUT_MARK = '[...]';

/** An alert as JSON text of at most `maxBytes`: long strings are cut the way Falcosidekick does, if they have to be. */
export function alertText(alert: FalcoAlert, maxBytes = Number.POSITIVE_INFINITY): string {
  const whole = alertToJson(alert);
  if (Buffer.byteLength(whole) <= maxBytes) return whole;
  const cut = (text: string) => (text.length > CUT_AT ? `${text.slice(0, CUT_AT - CUT_MARK.length)}${CUT_MARK}` : text);
  const fields = Object.entries(alert.output_fields).map(([name, value]) => {
    if (typeof value === 'string') return [name, cut(value)];
    if (Array.isArray(value)) return [name, value.slice(0, 100).map(cut)];
    return [name, value];
  });
  return alertToJson({ ...alert, output: cut(alert.output), output_fields: Object.fromEntries(fields) });
}
