export { commandEvent, readCommand } from './command.ts';
export { describeVia, type IncomingAlert, type NotAnAlert, type ReceivedItem } from './incoming.ts';
export { readTrigger, TriggerError } from './trigger.ts';
