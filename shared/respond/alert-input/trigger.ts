import { gunzipSync } from 'node:zlib';
import { messageOf, TiercelError } from '../../platform/errors.ts';
import { kindOf, parseAlert, quote } from './alert.ts';
import { COMMAND_SOURCE } from './command.ts';
import type { IncomingAlert, NotAnAlert, ReceivedItem, Via } from './incoming.ts';
import { isJsonObject, type Json, type JsonObject, parseJson } from './json.ts';

/** A CloudWatch Logs delivery is at most 1 MiB compressed; log text rarely compresses beyond 20 : 1. */
const MAX_DELIVERY_BYTES = 64 * 1024 * 1024;
/** SQS, SNS and Lambda's asynchronous queue all stop at 1 MiB. */
const MAX_ALERT_BYTES = 1024 * 1024;
/** Names and ARNs of AWS stay far below. */
const MAX_METADATA = 512;

export class TriggerError extends TiercelError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('BAD_TRIGGER', message, options);
  }
}

/**
 * Takes a trigger of the respond function apart: one item per message, in order, good or bad, so that one bad alert never costs its neighbours.
 * @throws TriggerError when the event is none of the shapes listed in the message: then no item can be named.
 */
export function readTrigger(event: unknown): readonly ReceivedItem[] {
  const trigger = event as Json;
  if (!isJsonObject(trigger)) throw new TriggerError(`${EXPECTED} Got ${kindOf(trigger)}.`);
  if (Array.isArray(trigger.Records)) return trigger.Records.map((record, index) => fromRecord(record, index));
  if (isJsonObject(trigger.awslogs)) return fromLogs(trigger.awslogs);
  if (trigger.rule !== undefined || trigger.output_fields !== undefined) return [accept(trigger, { kind: 'invoke' })];
  if (trigger.source === COMMAND_SOURCE) throw new TriggerError(EXPECTED_COMMAND);
  throw new TriggerError(`${EXPECTED} Got an object with the members ${quote(Object.keys(trigger).slice(0, 8).join(', '))}.`);
}

const EXPECTED =
  'The respond function takes a Falco alert (Falcosidekick: aws.lambda), SQS records, SNS records, or a CloudWatch Logs subscription delivery (FireLens).';

const EXPECTED_COMMAND = `An event of source ${COMMAND_SOURCE} wants the detail type Response Approved, Response Denied or Response Expired, and in detail the \`id\` of a response and \`by\`, who says so.`;

function fromRecord(record: Json, index: number): ReceivedItem {
  if (isJsonObject(record)) {
    if (record.eventSource === 'aws:sqs' && typeof record.messageId === 'string') {
      return fromMessage(record.body, { kind: 'sqs', messageId: record.messageId });
    }
    if (record.EventSource === 'aws:sns' && isJsonObject(record.Sns) && typeof record.Sns.MessageId === 'string') {
      return fromMessage(record.Sns.Message, { kind: 'sns', messageId: record.Sns.MessageId });
    }
  }
  return reject(
    { kind: 'unknown', index },
    `expected an SQS or SNS record, got ${isJsonObject(record) ? `an object with the members ${quote(Object.keys(record).join(', '))}` : kindOf(record)}`,
  );
}

/** The body of an SQS or SNS message: an alert, or (SNS without raw delivery, in SQS) SNS's envelope around one. */
function fromMessage(body: Json | undefined, via: Via, enveloped = false): ReceivedItem {
  if (typeof body !== 'string') return reject(via, `expected a message text, got ${kindOf(body)}`);
  if (Buffer.byteLength(body) > MAX_ALERT_BYTES) return reject(via, `longer than ${MAX_ALERT_BYTES} bytes`);
  let value: Json;
  try {
    value = parseJson(body);
  } catch (error) {
    if (via.kind === 'sns' || enveloped) {
      return reject(
        via,
        `expected the alert as JSON, got a text: Falcosidekick sends only the output line unless \`aws.sns.rawjson: true\` ` +
          '(AWS_SNS_RAWJSON=true) is set; set it, the line names no object exactly enough to act on',
      );
    }
    return reject(via, `expected the alert as JSON, got ${messageOf(error)}`);
  }
  if (!enveloped && isJsonObject(value) && value.Type === 'Notification' && typeof value.Message === 'string') {
    return fromMessage(value.Message, via, true);
  }
  return accept(value, via);
}

function fromLogs(awslogs: JsonObject): readonly ReceivedItem[] {
  const delivery = openDelivery(awslogs.data);
  if (delivery.messageType === 'CONTROL_MESSAGE') return [];
  if (delivery.messageType !== 'DATA_MESSAGE' || !Array.isArray(delivery.logEvents)) {
    throw new TriggerError(
      `Expected a CloudWatch Logs DATA_MESSAGE with logEvents, got messageType ${quote(String(delivery.messageType))}. Subscribe the FireLens log group to this function, nothing else.`,
    );
  }
  const group = typeof delivery.logGroup === 'string' ? delivery.logGroup : '';
  return delivery.logEvents.map((line: Json, index): ReceivedItem => {
    if (!isJsonObject(line) || typeof line.id !== 'string' || typeof line.message !== 'string') {
      return reject({ kind: 'unknown', index }, 'expected a log event with id and message');
    }
    return fromLine(line.message, { kind: 'logs', logGroup: group, eventId: line.id });
  });
}

function openDelivery(data: Json | undefined): JsonObject {
  if (typeof data !== 'string') throw new TriggerError(`Expected awslogs.data as base64 text, got ${kindOf(data)}.`);
  let delivery: Json;
  try {
    delivery = parseJson(gunzipSync(Buffer.from(data, 'base64'), { maxOutputLength: MAX_DELIVERY_BYTES }).toString('utf8'));
  } catch (error) {
    throw new TriggerError(
      `awslogs.data cannot be opened (base64, gzip of at most ${MAX_DELIVERY_BYTES} bytes, JSON): ${messageOf(error)}`,
      { cause: error },
    );
  }
  if (!isJsonObject(delivery)) throw new TriggerError(`Expected a CloudWatch Logs envelope, got ${kindOf(delivery)}.`);
  return delivery;
}

/**
 * One line of a container's log. FireLens wraps it as `{"log": "<line>", "ecs_cluster": …}`; a JSON parser in its pipeline may have unpacked `log`, or
 * spliced the alert's own members in. Whatever is no JSON object with a rule is Falco's ordinary log output, not an alert.
 */
function fromLine(message: string, via: Via): ReceivedItem {
  if (Buffer.byteLength(message) > MAX_ALERT_BYTES) return reject(via, `longer than ${MAX_ALERT_BYTES} bytes`);
  const outer = tryParse(message);
  if (!isJsonObject(outer)) return isPiece(message) ? reject(via, PIECE) : { kind: 'ignored', via, reason: 'a log line that is not JSON' };
  const inner = typeof outer.log === 'string' ? tryParse(outer.log) : outer.log;
  if (inner === undefined && typeof outer.log === 'string' && isPiece(outer.log)) return reject(via, PIECE);
  const alert = isJsonObject(inner) ? inner : outer;
  if (alert.rule === undefined && alert.output_fields === undefined)
    return { kind: 'ignored', via, reason: 'a JSON log line without a rule' };
  return accept(alert, via, metadataOf(outer));
}

const PIECE =
  'expected a JSON object, got text that begins like one: an alert in pieces? Container runtimes cut lines at 16 KiB; infra/firelens puts them together again';

/** Text that did not parse, and is none of Falco's ordinary lines either: an alert must not go for one. */
function isPiece(text: string): boolean {
  return text.trimStart().startsWith('{');
}

function tryParse(text: string): Json | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** What FireLens knows and the alert does not: members of the line, and the field of the alert that each becomes. */
const METADATA: readonly (readonly [member: string, field: string])[] = [
  ['eks_cluster', 'cluster'],
  ['ecs_cluster', 'ecs.cluster'],
  // The task (on EKS: the pod) whose log it is. That is Falco's own, unless Falco is the sidecar of what it watches: never what a response is aimed at.
  ['ecs_task_arn', 'ecs.task_arn'],
];

function metadataOf(line: JsonObject): Readonly<Record<string, string>> {
  const text = (value: Json | undefined) => (typeof value === 'string' && value !== '' ? value.slice(0, MAX_METADATA) : undefined);
  const named = METADATA.map(([member, field]) => [field, text(line[member])] as const);
  const node = isJsonObject(line.kubernetes) ? text(line.kubernetes.host) : undefined;
  return Object.fromEntries([...named, ['node', node] as const].filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Source `tiercel` is refused before anything else is looked at: our own alerts must never set us in motion. */
function accept(value: Json, via: Via, metadata: Readonly<Record<string, string>> = {}): IncomingAlert | NotAnAlert {
  if (isJsonObject(value) && typeof value.source === 'string' && value.source.trim().toLowerCase() === 'tiercel') {
    return reject(via, 'source is `tiercel`: respond never acts on its own alerts');
  }
  const parsed = parseAlert(value);
  if (!parsed.ok) return reject(via, parsed.reason);
  // What the log agent says about its own node holds against what the alert says.
  Object.assign(parsed.value.output_fields, metadata);
  return { kind: 'alert', alert: parsed.value, via };
}

function reject(via: Via, reason: string): NotAnAlert {
  return { kind: 'rejected', via, reason };
}
