import { accessEntry } from './access-entry.ts';
import { alarms } from './alarms.ts';
import { archive } from './archive.ts';
import { auditLogging } from './audit-logging.ts';
import { buckets } from './buckets.ts';
import type { Check } from './check.ts';
import { clock } from './clock.ts';
import { dataKey } from './data-key.ts';
import { deliveries } from './deliveries.ts';
import { eventsReceived } from './events-received.ts';
import { failureDestinations } from './failure-destinations.ts';
import { functionErrors } from './function-errors.ts';
import { functions } from './functions.ts';
import { heartbeat } from './heartbeat.ts';
import { logEvents } from './log-events.ts';
import { macKey } from './mac-key.ts';
import { mode } from './mode.ts';
import { queues } from './queues.ts';
import { rbac } from './rbac.ts';
import { schedules } from './schedules.ts';
import { spool } from './spool.ts';
import { subscriptions } from './subscriptions.ts';
import { tables } from './tables.ts';
import { targets } from './targets.ts';
import { triggers } from './triggers.ts';
import { webhook } from './webhook.ts';

/** Every diagnostic of `tiercel doctor`, along the way of an event. */
export const CHECKS: readonly Check[] = [
  clock,
  auditLogging,
  logEvents,
  subscriptions,
  deliveries,
  archive,
  functions,
  triggers,
  schedules,
  functionErrors,
  failureDestinations,
  eventsReceived,
  targets,
  webhook,
  heartbeat,
  buckets,
  queues,
  spool,
  tables,
  dataKey,
  macKey,
  mode,
  accessEntry,
  rbac,
  alarms,
];
