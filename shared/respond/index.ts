export { actionCatalogue } from './action/registry.ts';
export { describeVia, type IncomingAlert, type NotAnAlert, type ReceivedItem, readTrigger, TriggerError } from './alert-input/index.ts';
export type { GuardAnswer } from './guard/index.ts';
export { alertKey } from './identity.ts';
export { createDynamoDBJournal, createMemoryJournal, type Entry, type Journal } from './journal/index.ts';
export { MODES, type Mode } from './mode.ts';
export { planResponses } from './plan.ts';
export { loadPolicies, PolicyError, type PolicyFile, type PolicySet } from './policy/read.ts';
