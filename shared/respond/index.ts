export { describeEffect } from './action/effect.ts';
export { actionCatalogue } from './action/registry.ts';
export {
  commandEvent,
  describeVia,
  type IncomingAlert,
  type NotAnAlert,
  type ReceivedItem,
  readCommand,
  readTrigger,
} from './alert-input/index.ts';
export { createDynamoDBBudgets, createMemoryBudgets } from './budget/index.ts';
export type { Command } from './command.ts';
export { type Clusters, casesOf } from './decide.ts';
export { fieldText, happenedAtMs } from './fields.ts';
export { alertKey, clusterOf, eventIdentity } from './identity.ts';
export {
  createDynamoDBJournal,
  createMemoryJournal,
  type Entry,
  isSetBack,
  type Journal,
  JournalContentionError,
  type Summary,
} from './journal/index.ts';
export { MODES, type Mode, mostCautious } from './mode.ts';
export { createDynamoDBModeSwitch, createMemoryModeSwitch, type ModeSwitch } from './mode-switch.ts';
export type { Notice } from './notify/notice.ts';
export { openChannels } from './notify/open.ts';
export { createOutbox, type OutboxDeps } from './notify/outbox.ts';
export { channelsToldBy } from './notify/told-by.ts';
export { obey } from './operator.ts';
export { accountFor } from './own-calls.ts';
export { formatFinding } from './policy/finding.ts';
export { matches } from './policy/match.ts';
export { loadPolicies, type PolicyFile, type PolicySet, readPolicies } from './policy/read.ts';
export { readPolicyTest, runPolicyTest } from './policy/tester.ts';
export { ownCall, type Principal } from './principal.ts';
export { RESPOND_GROUP, rbacManifests, rightsFor } from './rbac.ts';
export { type Responding, type RespondingDeps, respondToCase, StoppedError } from './respond.ts';
export { undo } from './undo.ts';
