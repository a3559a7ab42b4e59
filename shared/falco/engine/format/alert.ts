import type { FalcoAlert, FieldValue, Priority } from '../../alert.ts';
import type { EventContext } from '../accept/index.ts';
import { fromByteString, toByteString } from '../bytes.ts';
import type { FieldReaders } from '../fields/index.ts';
import { timeTexts } from '../fields/index.ts';
import type { AppendOutput } from './append-output.ts';
import { compileOutput, type Output } from './output.ts';
import type { FormatProblem } from './tokens.ts';

/** What of a rule its alerts show. Texts as the author wrote them (UTF-16). */
export interface AlertedRule {
  readonly name: string;
  readonly output: string;
  readonly priority: Priority;
  readonly source: string;
  readonly tags: readonly string[];
}

export interface AlertOptions {
  readonly hostname: string;
  /** Falco's `time_format_iso_8601`: the time before the message. */
  readonly isoTime?: boolean;
  readonly appendOutput?: readonly AppendOutput[];
}

/** Makes the alert of one rule for an event. */
export type AlertMaker = (event: EventContext) => FalcoAlert;

type FieldMaker = (event: EventContext) => FieldValue;

/** Most characters of texts in one alert's `output_fields`; fields beyond, in order of their keys, are null. Falco has no limit. */
const MAX_FIELDS = 16 * 1024 * 1024;

/** Compiles a rule's output, with what `append_output` adds, into a maker of Falco's JSON alerts. */
export function compileAlert(
  rule: AlertedRule,
  options: AlertOptions,
  readers: FieldReaders,
): { readonly alert: AlertMaker } | { readonly problem: FormatProblem } {
  const additions = (options.appendOutput ?? []).filter((entry) => appliesTo(entry, rule));
  const message = [rule.output, ...additions.flatMap((entry) => entry.extraOutput ?? [])].join(' ');
  const prefix = `%${options.isoTime ? 'evt.time.iso8601' : 'evt.time'}: ${rule.priority} `;
  const compiled = compileOutput(toByteString(prefix + message), readers);
  if ('problem' in compiled) return compiled;
  const fields = new Map<string, FieldMaker>([...compiled.output.fields].map(([key, make]) => [fromByteString(key), make]));
  for (const { name, format, raw } of additions.flatMap((entry) => entry.extraFields)) {
    const extra = compileOutput(toByteString(format), readers);
    if ('problem' in extra) return extra;
    fields.set(
      name,
      raw ? (extra.output.fields.get(toByteString(name)) ?? (() => null)) : (event) => fromByteString(extra.output.text(event)),
    );
  }
  return { alert: alertMaker(rule, options.hostname, compiled.output, sortedByBytes(fields)) };
}

function appliesTo(entry: AppendOutput, rule: AlertedRule): boolean {
  return (
    (entry.source === undefined || entry.source === rule.source) &&
    (entry.rule === undefined || entry.rule === rule.name) &&
    entry.tags.every((tag) => rule.tags.includes(tag))
  );
}

function alertMaker(rule: AlertedRule, hostname: string, output: Output, fields: readonly (readonly [string, FieldMaker])[]): AlertMaker {
  const tags = [...rule.tags].sort(byBytes);
  return (event) => {
    event.forget();
    const text = fromByteString(output.text(event));
    const values: Record<string, FieldValue> = {};
    let size = 0;
    for (const [key, make] of fields) {
      event.forget();
      const value = make(event);
      size += sizeOf(value);
      define(values, key, size > MAX_FIELDS ? null : value);
    }
    const { date, time, fraction } = timeTexts(event.moment);
    return {
      hostname,
      output: text,
      output_fields: values,
      priority: rule.priority,
      rule: rule.name,
      source: rule.source,
      tags,
      time: `${date}T${time}.${fraction}Z`,
    };
  };
}

/** Plain assignment, except for the one name that would set a prototype instead. */
function define(values: Record<string, FieldValue>, key: string, value: FieldValue): void {
  if (key === '__proto__') Object.defineProperty(values, key, { value, enumerable: true, configurable: true, writable: true });
  else values[key] = value;
}

function sizeOf(value: FieldValue): number {
  if (typeof value === 'string') return value.length;
  return Array.isArray(value) ? (value as readonly string[]).reduce((sum, text) => sum + text.length, 0) : 0;
}

function sortedByBytes(fields: ReadonlyMap<string, FieldMaker>): [string, FieldMaker][] {
  return [...fields].sort(([a], [b]) => byBytes(a, b));
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
