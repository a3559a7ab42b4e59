/** What a metric may be told apart by, besides the function (`service`) and the stage, which all of them carry. */
export type Split = 'cluster' | 'reason' | 'guard' | 'result';

export type Service = 'audit-stream' | 'audit-archive' | 'respond' | 'heartbeat';

export interface MetricRow {
  /** `Count` is summed within an invocation; of the others every reading is kept, for percentiles. */
  readonly unit: 'Count' | 'Milliseconds' | 'Seconds';
  /** A second series for each value of this dimension. Each costs as much as a metric: docs/operate/costs.md. */
  readonly by?: Split;
  readonly from: readonly Service[];
  readonly meaning: string;
}

const INGEST = ['audit-stream', 'audit-archive'] as const;
const ARCHIVE = ['audit-archive'] as const;
const RESPOND = ['respond'] as const;
const HEARTBEAT = ['heartbeat'] as const;

/** Every metric this project emits, in CloudWatch namespace `Tiercel`. `docs/reference/metrics.md` is made from this table, dashboard and alarms are checked against it. */
export const METRICS = {
  EventsReceived: {
    unit: 'Count',
    by: 'cluster',
    from: INGEST,
    meaning: 'Audit events, and values that should have been some, that came in for the first time. Zero is a reading, too.',
  },
  EventsRetried: {
    unit: 'Count',
    from: ARCHIVE,
    meaning: 'Events that came back from the spool or from a failed invocation, and were tried again. Not in `EventsReceived`.',
  },
  EventsDelivered: { unit: 'Count', from: INGEST, meaning: 'Events that Falco answered with 200, or the embedded engine evaluated.' },
  EventsDropped: { unit: 'Count', from: INGEST, meaning: 'Events that no loaded rule could match: the pre-filter’s saving.' },
  EventsSpooled: { unit: 'Count', from: INGEST, meaning: 'Events parked in the spool, because Falco did not take them.' },
  EventsQuarantined: {
    unit: 'Count',
    from: INGEST,
    meaning: 'Values that can never be delivered, parked in quarantine. The log says why, and where they lie.',
  },
  EventsSkipped: {
    unit: 'Count',
    by: 'reason',
    from: INGEST,
    meaning: 'Not audit events, and not meant to be: other control-plane streams, control messages, later parts of a cut event.',
  },
  EventsReduced: { unit: 'Count', from: INGEST, meaning: 'Events cut down to the size and depth that Falco takes.' },
  EventsSalvaged: { unit: 'Count', from: INGEST, meaning: 'Events that the log agent had cut, and whose head was closed.' },
  EventsResent: { unit: 'Count', from: INGEST, meaning: 'Events posted again after an answer was lost: Falco may have them twice.' },
  DuplicateChunks: { unit: 'Count', from: INGEST, meaning: 'Runs of events that an earlier or concurrent attempt had delivered.' },
  IngestLag: {
    unit: 'Milliseconds',
    by: 'cluster',
    from: INGEST,
    meaning:
      'From `stageTimestamp` to delivery, of the oldest and the newest event of each run of up to 500. Events that were retried are not in it.',
  },
  FalcoLatency: { unit: 'Milliseconds', from: INGEST, meaning: 'From sending a body to Falco’s answer, whatever it was.' },
  AlertsRaised: { unit: 'Count', from: INGEST, meaning: 'Alerts of the embedded engine that its sink took over.' },
  ObjectsDone: { unit: 'Count', from: ARCHIVE, meaning: 'Objects read to their end.' },
  ObjectsGone: {
    unit: 'Count',
    from: ARCHIVE,
    meaning: 'Objects that were announced and are no longer there: expired, or delivered before.',
  },
  ObjectsUnfinished: { unit: 'Count', from: ARCHIVE, meaning: 'Objects for which time ran out; they are resumed.' },
  ObjectsBackedUp: { unit: 'Count', from: ARCHIVE, meaning: 'Objects left for later, because Falco does not take events.' },
  ObjectsPoison: { unit: 'Count', from: ARCHIVE, meaning: 'Objects given up after five attempts without progress.' },
  SpooledObjects: {
    unit: 'Count',
    from: ARCHIVE,
    meaning: 'Objects in the spool, failed invocations among them, when the sweep looked: every quarter of an hour.',
  },
  SpoolAge: { unit: 'Seconds', from: ARCHIVE, meaning: 'Age of the oldest object in the spool, zero when there is none.' },
  SpoolRequeued: { unit: 'Count', from: ARCHIVE, meaning: 'Objects whose message was gone, and that were announced again.' },
  AlertsReceived: { unit: 'Count', by: 'cluster', from: RESPOND, meaning: 'Alerts that were taken for the first time.' },
  AlertsDuplicate: { unit: 'Count', from: RESPOND, meaning: 'Alerts that had been answered before.' },
  AlertsRejected: { unit: 'Count', from: RESPOND, meaning: 'Items that should have been alerts and are no valid ones.' },
  AlertsFailed: { unit: 'Count', from: RESPOND, meaning: 'Alerts that could not be brought to an end; they are delivered again.' },
  AlertLogFailures: {
    unit: 'Count',
    from: RESPOND,
    meaning: 'Alerts that could not be written to the stage’s log group of alerts. They were answered all the same.',
  },
  Responses: {
    unit: 'Count',
    by: 'result',
    from: RESPOND,
    meaning: 'Decisions: `planned` (shadow), `refused`, `awaiting-approval`, `denied`, `done`, `superseded`, `failed`, `undone`.',
  },
  Refusals: {
    unit: 'Count',
    by: 'guard',
    from: RESPOND,
    meaning: 'Guards that kept a response from acting. One response may have several.',
  },
  DetectionToAction: {
    unit: 'Milliseconds',
    from: RESPOND,
    meaning: 'From the happening in the cluster to the last effect of its response.',
  },
  NoticesSent: { unit: 'Count', from: RESPOND, meaning: 'Notifications that a channel took.' },
  NoticesFailed: {
    unit: 'Count',
    from: RESPOND,
    meaning:
      'Deliveries of a notification that a channel did not take. It is tried in five deliveries of the alert, unless only an operator can help.',
  },
  OwnCalls: { unit: 'Count', from: RESPOND, meaning: 'Alerts about calls of our own, accounted for by the journal.' },
  ImpostorCalls: { unit: 'Count', from: RESPOND, meaning: 'Calls under respond’s identity that the journal does not account for.' },
  ModeLowered: {
    unit: 'Count',
    from: RESPOND,
    meaning: '1 for each invocation while the run-time switch is below what the stage allows, else 0.',
  },
  PreFilterOff: {
    unit: 'Count',
    from: INGEST,
    meaning:
      'Clusters all of whose events are sent, in each invocation, because their heartbeat does not vouch for Falco’s rules. Read its maximum. Only where the stage has `falco.rules`.',
  },
  HeartbeatsSent: { unit: 'Count', from: HEARTBEAT, meaning: 'Beats put into a cluster’s log.' },
  HeartbeatsFailed: { unit: 'Count', from: HEARTBEAT, meaning: 'Beats that could not be put there. The log says whose, and why.' },
  HeartbeatsReturned: { unit: 'Count', by: 'cluster', from: RESPOND, meaning: 'Beats that came back as an alert, each counted once.' },
  HeartbeatRoundTrip: {
    unit: 'Milliseconds',
    by: 'cluster',
    from: RESPOND,
    meaning: 'From the sending of a beat to its alert: the whole road, decoding, Falco, Falcosidekick and queue.',
  },
  HeartbeatsDiffering: {
    unit: 'Count',
    from: RESPOND,
    meaning: 'Beats that came back from other rules than the stage names. Zero is a reading, too; none where the stage names no rules.',
  },
  HeartbeatsSetAside: {
    unit: 'Count',
    from: RESPOND,
    meaning: 'Heartbeat alerts that prove nothing: second deliveries, late ones, and such without a MAC of ours.',
  },
} as const satisfies Readonly<Record<string, MetricRow>>;

export type MetricName = keyof typeof METRICS;

/** The row of a metric, with `by` wherever it may have one. */
export function metricRow(name: MetricName): MetricRow {
  return METRICS[name];
}
