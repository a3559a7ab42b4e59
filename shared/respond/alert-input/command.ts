import type { Command } from '../command.ts';
import { isEntryId } from '../journal/journal.ts';
import { isJsonObject, type Json } from './json.ts';

/** `source` of the EventBridge events that respond obeys. Whoever may put events with it on the bus may approve. */
export const COMMAND_SOURCE = 'tiercel.operator';

/** A map: the detail type comes from outside, and an object would know words such as `constructor`. */
const VERBS: ReadonlyMap<string, Command['verb']> = new Map([
  ['Response Approved', 'approve'],
  ['Response Denied', 'deny'],
  ['Response Expired', 'expire'],
]);

/** The EventBridge event of a command; EventBridge Scheduler sends the same. */
export function commandEvent({ verb, id, by }: Command): {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: { readonly id: string; readonly by: string };
} {
  const type = [...VERBS].find(([, candidate]) => candidate === verb)![0];
  return { source: COMMAND_SOURCE, 'detail-type': type, detail: { id, by } };
}

/** The command in an EventBridge event; `undefined` when the event is something else. */
export function readCommand(event: unknown): Command | undefined {
  const value = event as Json;
  if (!isJsonObject(value) || value.source !== COMMAND_SOURCE || !isJsonObject(value.detail)) return undefined;
  const verb = VERBS.get(String(value['detail-type']));
  const { id, by } = value.detail;
  return verb && typeof id === 'string' && isEntryId(id) && typeof by === 'string' && by !== ''
    ? { verb, id, by: by.slice(0, 200) }
    : undefined;
}
