import type { FalcoAlert, FieldValue, Priority } from '../../falco/alert.ts';
import { PRIORITIES } from '../../falco/alert.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';

/** Generous bounds: Falco's own alerts stay far below them, a forged one may not. */
const MAX_FIELDS = 512;
const MAX_TAGS = 256;
const MAX_LIST_ITEMS = 4096;
const MAX_NAME_BYTES = 1024;
const MAX_TEXT_BYTES = 1_048_576;

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/**
 * A Falco alert from parsed JSON, in Falco's or Falcosidekick's spelling. Every fault is listed in one reason.
 * Unknown top-level members are ignored: both programs add some with time.
 */
export function parseAlert(value: Json | undefined): Parsed<FalcoAlert> {
  if (!isJsonObject(value))
    return { ok: false, reason: `expected a JSON object with rule, priority, time and output_fields, got ${kindOf(value)}` };
  const faults: string[] = [];
  const rule = text(value, 'rule', MAX_NAME_BYTES, faults);
  const source = text(value, 'source', MAX_NAME_BYTES, faults);
  const time = text(value, 'time', MAX_NAME_BYTES, faults);
  if (time !== undefined && !isInstant(time))
    faults.push(`time: expected an RFC 3339 instant such as 2026-01-31T12:00:00.000000000Z, got ${quote(time)}`);
  const priority = priorityOf(value, faults);
  const output = optionalText(value, 'output', MAX_TEXT_BYTES, faults);
  const hostname = optionalText(value, 'hostname', MAX_NAME_BYTES, faults);
  const uuid = optionalText(value, 'uuid', MAX_NAME_BYTES, faults);
  const tags = tagsOf(value, faults);
  const fields = fieldsOf(value, faults);
  if (faults.length > 0) return { ok: false, reason: faults.join('; ') };
  return {
    ok: true,
    value: {
      ...(uuid === undefined ? {} : { uuid }),
      ...(hostname === undefined ? {} : { hostname }),
      ...(tags === undefined ? {} : { tags }),
      output: output ?? '',
      output_fields: fields,
      priority: priority!,
      rule: rule!,
      source: source!,
      time: time!,
    },
  };
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/** Falco prints nine fractional digits and `Z`, or with `time_format_iso_8601` an offset. */
function isInstant(time: string): boolean {
  return INSTANT.test(time) && !Number.isNaN(Date.parse(time));
}

function text(object: JsonObject, name: string, maxBytes: number, faults: string[]): string | undefined {
  if (object[name] === undefined || object[name] === null || object[name] === '') {
    faults.push(`${name}: missing`);
    return undefined;
  }
  return optionalText(object, name, maxBytes, faults);
}

function optionalText(object: JsonObject, name: string, maxBytes: number, faults: string[]): string | undefined {
  const value = object[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') {
    faults.push(`${name}: expected a string, got ${kindOf(value)}`);
    return undefined;
  }
  if (Buffer.byteLength(value) > maxBytes) {
    faults.push(`${name}: longer than ${maxBytes} bytes`);
    return undefined;
  }
  return value;
}

/** Falcosidekick accepts any case and `info`; Falco writes `Informational`. */
function priorityOf(object: JsonObject, faults: string[]): Priority | undefined {
  const value = text(object, 'priority', MAX_NAME_BYTES, faults);
  if (value === undefined) return undefined;
  const folded = value.toLowerCase();
  const found = PRIORITIES.find((priority) => priority.toLowerCase() === folded) ?? (folded === 'info' ? 'Informational' : undefined);
  if (!found) faults.push(`priority: expected one of ${PRIORITIES.join(', ')}, got ${quote(value)}`);
  return found;
}

function tagsOf(object: JsonObject, faults: string[]): readonly string[] | undefined {
  const value = object.tags;
  if (value === undefined || value === null) return undefined;
  if (!isTextList(value) || value.length > MAX_TAGS) {
    faults.push(`tags: expected a list of at most ${MAX_TAGS} strings, got ${kindOf(value)}`);
    return undefined;
  }
  return value;
}

function fieldsOf(object: JsonObject, faults: string[]): Readonly<Record<string, FieldValue>> {
  const value = object.output_fields;
  // A null prototype: a field called `__proto__` or `constructor` is a field like any other.
  const fields: Record<string, FieldValue> = Object.create(null);
  if (!isJsonObject(value)) {
    faults.push(`output_fields: expected an object, got ${kindOf(value)}`);
    return fields;
  }
  const entries = Object.entries(value);
  if (entries.length > MAX_FIELDS) {
    faults.push(`output_fields: expected at most ${MAX_FIELDS} fields, got ${entries.length}`);
    return fields;
  }
  for (const [name, field] of entries) {
    if (isFieldValue(field)) fields[name] = field;
    else faults.push(`output_fields.${quote(name)}: expected a string, number, boolean, null or list of strings, got ${kindOf(field)}`);
  }
  return fields;
}

function isFieldValue(value: Json): value is FieldValue {
  if (typeof value === 'string') return value.length <= MAX_TEXT_BYTES;
  return value === null || typeof value !== 'object' || isTextList(value);
}

function isTextList(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.length <= MAX_LIST_ITEMS && value.every((item) => typeof item === 'string');
}

export function kindOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** At most 80 characters of something from outside, safe to print. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
}
