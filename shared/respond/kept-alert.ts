import type { FalcoAlert, FieldValue } from '../falco/alert.ts';

/** Fields that say who did what to which object. Not what the request held, and not the parameters of its URI (the command of an exec): both may be secrets. */
const KEPT = /^(ka\.(?!req\.|uri\.param)|tiercel\.|k8s\.|container\.(id|name|image)|ecs\.|(cluster|node|user\.name)$)/;

/** An entry has to fit into one item of DynamoDB (400 KB) beside an object before its change, whatever a caller wrote into a request. */
const MAX_ALERT_BYTES = 64 * 1024;
/** No name of Kubernetes is longer. A longer text is cut as Falcosidekick cuts, and then identifies nothing. */
const MAX_FIELD_BYTES = 1024;
const MAX_LIST_BYTES = 16 * 1024;
const MAX_TAGS = 32;
const CUT = '[...]';

/** The alert as the journal keeps it. */
export function keptAlert({ rule, source, priority, time, tags, output_fields }: FalcoAlert): FalcoAlert {
  const kept: Record<string, FieldValue> = Object.create(null);
  let left = MAX_ALERT_BYTES;
  for (const [name, value] of Object.entries(output_fields)) {
    if (!KEPT.test(name)) continue;
    const short = shorten(name === 'ka.uri' && typeof value === 'string' ? value.split('?', 1)[0]! : value);
    left -= Buffer.byteLength(JSON.stringify([name, short]));
    if (left < 0) break;
    kept[name] = short;
  }
  return { rule, source, priority, time, output: '', ...(tags ? { tags: tags.slice(0, MAX_TAGS).map(cut) } : {}), output_fields: kept };
}

function shorten(value: FieldValue): FieldValue {
  if (typeof value === 'string') return cut(value);
  if (typeof value === 'bigint') return String(value);
  if (!Array.isArray(value)) return value;
  // A list that was cut must not pass for the whole: what is not in it may be on a protect list.
  return Buffer.byteLength(JSON.stringify(value)) <= MAX_LIST_BYTES ? value : [`${CUT.padStart(MAX_FIELD_BYTES, '.')}`];
}

function cut(text: string): string {
  if (Buffer.byteLength(text) <= MAX_FIELD_BYTES) return text;
  return `${Buffer.from(text)
    .subarray(0, MAX_FIELD_BYTES - CUT.length)
    .toString('utf8')}${CUT}`;
}
