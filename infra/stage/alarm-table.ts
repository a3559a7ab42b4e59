interface Metric {
  readonly namespace: 'AWS/Lambda' | 'AWS/SQS' | 'AWS/Logs' | 'AWS/Firehose' | 'AWS/NetworkELB' | 'Tiercel';
  readonly name: string;
  readonly statistic: 'Sum' | 'Maximum' | 'SampleCount' | 'p90';
}

/** One kind of alarm: what is watched, when it rings, what that means and what to do. `docs/operate/alarms.md` is made from this table. */
export interface Alarm {
  readonly id: string;
  readonly title: string;
  /** What there is one alarm for. */
  readonly per: Subject;
  readonly metric: Metric;
  /** Rings above it, or with `below`, under it. */
  readonly threshold: number;
  readonly below?: true;
  /** Length of one reading, **seconds**, and how many in a row. */
  readonly periodSeconds: number;
  readonly periods: number;
  /** What no reading at all means. */
  readonly missing: 'notBreaching' | 'breaching';
  readonly why: string;
  readonly runbook: readonly string[];
}

/** What alarms are about; infra/stage/alarms.ts knows which there are in a stage. */
export type Subject =
  | 'function'
  | 'rotation'
  | 'asynchronousFunction'
  | 'auditService'
  | 'deadLetterQueue'
  | 'spool'
  | 'archiveQueue'
  | 'respondQueue'
  | 'auditLogGroup'
  | 'subscription'
  | 'firehose'
  | 'cluster'
  | 'responder'
  | 'budget'
  | 'heartbeat'
  | 'falcoTargets'
  | 'falcoRules';

export const ALARMS: readonly Alarm[] = [
  {
    id: 'AuditLogSilent',
    title: 'A cluster’s audit log has stopped',
    per: 'auditLogGroup',
    metric: { namespace: 'AWS/Logs', name: 'IncomingLogEvents', statistic: 'Sum' },
    // The heartbeat's own event, one in this time and at most two, must not pass for a log that is alive.
    threshold: 10,
    below: true,
    periodSeconds: 300,
    periods: 3,
    missing: 'breaching',
    why: 'A running EKS cluster writes hundreds of audit events a minute, if only for its own controllers. A quarter of an hour with hardly any is a cluster that is gone, logging that was switched off, or somebody who switched it off.',
    runbook: [
      'Ask EKS whether the cluster is there and its `audit` log type is on; CloudTrail (`UpdateClusterConfig`) says who changed it.',
      'If the cluster was removed on purpose, take it out of the stage file.',
    ],
  },
  {
    id: 'EventsSilent',
    title: 'No events of a cluster arrive',
    per: 'cluster',
    metric: { namespace: 'Tiercel', name: 'EventsReceived', statistic: 'Sum' },
    // As above: heartbeats do not count as events, also when two stages watch the cluster.
    threshold: 10,
    below: true,
    periodSeconds: 300,
    // Firehose may gather for a quarter of an hour.
    periods: 4,
    missing: 'breaching',
    why: 'Counts audit events where they arrive, of every cluster, also of other accounts and regions. So it sees what `AuditLogSilent` cannot: an audit log that was switched off while the other control-plane logs go on, and a road that ends between the log and the functions.',
    runbook: [
      '`tiercel doctor --stage … --check audit-logging --check log-events --check subscriptions --check triggers --check archive` follows the road from its beginning.',
      'Of a cluster elsewhere, look there: audit logging, its Firehose (`DeliveryToS3.DataFreshness`), and what its role may write in the archive bucket.',
      'With `path: archive` it rings as well while Falco takes nothing; `ArchiveAge` then says so, and the objects wait.',
      'Afterwards [evaluate the gap](observe.md#evaluate-a-gap).',
    ],
  },
  {
    id: 'DeliveryErrors',
    title: 'CloudWatch Logs cannot hand events on',
    per: 'subscription',
    metric: { namespace: 'AWS/Logs', name: 'DeliveryErrors', statistic: 'Sum' },
    threshold: 0,
    periodSeconds: 300,
    periods: 1,
    missing: 'notBreaching',
    why: 'An error that CloudWatch Logs does not retry (missing permission, missing function) switches the subscription off for up to ten minutes, and what is logged meanwhile is skipped, not kept.',
    runbook: [
      '`tiercel doctor --stage … --check subscriptions --check triggers` says which of filter and permission is wrong; a deployment does not notice what was changed by hand ([put it back](upgrade.md#put-back-what-was-changed-by-hand)). (`…-archive` is the Firehose that keeps a cluster’s history, `alerts/…` respond’s own, the others are audit-stream.)',
      'Afterwards [evaluate the gap](observe.md#evaluate-a-gap).',
    ],
  },
  {
    id: 'DeliveryThrottling',
    title: 'CloudWatch Logs is slowed down by whom it hands events to',
    per: 'subscription',
    metric: { namespace: 'AWS/Logs', name: 'DeliveryThrottling', statistic: 'Sum' },
    threshold: 0,
    periodSeconds: 300,
    periods: 3,
    missing: 'notBreaching',
    why: 'Throttled deliveries are tried again for 24 hours and dropped after that; until then they only come late.',
    runbook: [
      'Raise `concurrency.auditStream` (for `alerts/…` `concurrency.respond`) in the stage file, or the account’s concurrency.',
      'If Falco is the bottleneck, add replicas first.',
    ],
  },
  {
    id: 'FalcoTargets',
    title: 'No Falco behind the load balancer',
    per: 'falcoTargets',
    metric: { namespace: 'AWS/NetworkELB', name: 'HealthyHostCount', statistic: 'Maximum' },
    threshold: 1,
    below: true,
    periodSeconds: 60,
    periods: 5,
    missing: 'breaching',
    why: 'Five minutes is longer than pods need to be replaced one by one. The load balancer counts nothing at all when no target was ever registered. Until a target is healthy, events go to the spool.',
    runbook: [
      'Pods of Falco running and ready? `kubectl --namespace falco get pods,targetgroupbindings`, and the log of the AWS Load Balancer Controller.',
      'Registered but unhealthy: the pods must let the load balancer’s security group in at ports 9765 and 8765.',
    ],
  },
  {
    id: 'Errors',
    title: 'A function fails',
    per: 'function',
    metric: { namespace: 'AWS/Lambda', name: 'Errors', statistic: 'Sum' },
    threshold: 0,
    periodSeconds: 300,
    periods: 2,
    missing: 'notBreaching',
    why: 'A failed invocation is delivered again, so nothing is lost yet. Two readings in a row are not a passing fault of a service.',
    runbook: [
      'Read the function’s log: a wrong configuration names every setting at once, at cold start.',
      'audit-stream fails only when neither Falco nor the spool takes events: look at S3 and at the data key’s policy.',
    ],
  },
  {
    id: 'RotationFails',
    title: 'The MAC key cannot be replaced',
    per: 'rotation',
    metric: { namespace: 'AWS/Lambda', name: 'Errors', statistic: 'Sum' },
    threshold: 0,
    periodSeconds: 300,
    periods: 1,
    missing: 'notBreaching',
    why: 'Secrets Manager asks once in `macKeyRotationDays` and a few times more, not for long: one failure is all there may be to see. The key in use stays good, so events are signed and believed as before; but one that was stolen stays good, too.',
    runbook: [
      '`aws logs tail /aws/lambda/tiercel-…-rotateMacKey --since 1d` says which step failed and why.',
      'When it is mended: `aws secretsmanager rotate-secret --secret-id tiercel/…/mac-key`.',
    ],
  },
  {
    id: 'EventsDropped',
    title: 'Lambda has given up an asynchronous event',
    per: 'asynchronousFunction',
    metric: { namespace: 'AWS/Lambda', name: 'AsyncEventsDropped', statistic: 'Sum' },
    threshold: 0,
    periodSeconds: 300,
    periods: 1,
    missing: 'notBreaching',
    why: 'Three attempts, or six hours, are over. The payload went to the failure destination; this is the moment to see that it did.',
    runbook: [
      'audit-stream: the record lies in the spool bucket below `aws/lambda/async/`, and audit-archive reads it by itself.',
      'respond: the record lies in the quarantine bucket. Look at the alert by hand; it is too old to be acted on.',
    ],
  },
  {
    id: 'FailureDestination',
    title: 'Lambda cannot write to a failure destination',
    per: 'asynchronousFunction',
    metric: { namespace: 'AWS/Lambda', name: 'DestinationDeliveryFailures', statistic: 'Sum' },
    threshold: 0,
    periodSeconds: 300,
    periods: 1,
    missing: 'notBreaching',
    why: 'This is the one place where events are lost for good: the invocation failed, and its payload could not be kept.',
    runbook: [
      'Check the function’s role (`FailedInvocations`, `DataKey`), the bucket’s policy and the key’s.',
      'Then [evaluate the gap](observe.md#evaluate-a-gap).',
    ],
  },
  {
    id: 'DeadLetters',
    title: 'A message was given up',
    per: 'deadLetterQueue',
    metric: { namespace: 'AWS/SQS', name: 'ApproximateNumberOfMessagesVisible', statistic: 'Maximum' },
    threshold: 0,
    periodSeconds: 300,
    periods: 1,
    missing: 'notBreaching',
    why: 'The functions find poison by themselves; what gets here killed the function before it could say so, or waited for days.',
    runbook: [
      'Its body names the object (archive, spool) or is the alert (respond). `tiercel doctor --stage … --check queues` prints the queue’s address; `aws sqs receive-message --queue-url … --query "Messages[0].Body" --output text > message.json` reads one.',
      'Run it, with credentials of yours: `tiercel invoke auditArchive message.json --stage …`, for an alert `tiercel invoke respond message.json`, which without `--stage` changes nothing anywhere.',
      'heartbeat, sweep: EventBridge could not start a round, and says why in the message’s attributes; delete it afterwards, there is nothing to redrive.',
      'When the cause is gone, send them back: `aws sqs start-message-move-task --source-arn …`, as doctor prints it.',
    ],
  },
  {
    id: 'SpoolAge',
    title: 'Events have been waiting for Falco',
    per: 'spool',
    metric: { namespace: 'Tiercel', name: 'SpoolAge', statistic: 'Maximum' },
    threshold: 1800,
    periodSeconds: 900,
    periods: 1,
    missing: 'notBreaching',
    why: 'Half an hour is longer than a rollout of Falco. Nothing is lost: the events lie in the spool bucket, but nobody is watching them. Read from the objects themselves, so it also rings for one whose message is gone.',
    runbook: [
      'Is Falco there? Targets of the load balancer healthy, `GET` on the webhook answers 405, pods not restarting.',
      'audit-archive’s log says what the webhook answered (`object backed-up`), and whether one object fails while others pass (`object poison`).',
    ],
  },
  {
    id: 'SweepSilent',
    title: 'Nobody looks at the spool',
    per: 'spool',
    metric: { namespace: 'Tiercel', name: 'SpooledObjects', statistic: 'SampleCount' },
    threshold: 1,
    below: true,
    periodSeconds: 1800,
    periods: 2,
    missing: 'breaching',
    why: 'The sweep reports every quarter of an hour, also that there is nothing. Without it events could wait unseen, and those whose message is lost for ever.',
    runbook: ['audit-archive’s log says what S3 or SQS answered; the dead-letter queue of the sweep, that EventBridge could not call it.'],
  },
  {
    id: 'IngestLag',
    title: 'Events arrive late',
    per: 'cluster',
    metric: { namespace: 'Tiercel', name: 'IngestLag', statistic: 'p90' },
    threshold: 300_000,
    periodSeconds: 300,
    periods: 3,
    missing: 'notBreaching',
    why: 'From the API server to delivery, milliseconds. CloudWatch Logs takes up to three minutes, Firehose one more. Beyond five, less than half of a policy’s `maxAge` (ten minutes, if it says nothing else) is left for Falco and the response.',
    runbook: [
      'The dashboard shows which part is slow: Falco’s latency, throttled functions (raise `concurrency`), or CloudWatch Logs itself (nothing of ours is slow).',
      'Saved query `Slow deliveries`.',
    ],
  },
  {
    id: 'ArchiveStale',
    title: 'Firehose does not write',
    per: 'firehose',
    metric: { namespace: 'AWS/Firehose', name: 'DeliveryToS3.DataFreshness', statistic: 'Maximum' },
    threshold: 900,
    periodSeconds: 300,
    periods: 2,
    missing: 'notBreaching',
    why: 'The oldest record it holds is a quarter of an hour old, **seconds**; it buffers for one minute. It tries for 24 hours and then drops.',
    runbook: [
      'Its log group says why: as a rule the bucket’s or the key’s policy. Objects below `firehose-errors/` are what it could not process.',
    ],
  },
  {
    id: 'ArchiveAge',
    title: 'Archived objects have been waiting',
    per: 'archiveQueue',
    metric: { namespace: 'AWS/SQS', name: 'ApproximateAgeOfOldestMessage', statistic: 'Maximum' },
    threshold: 1800,
    periodSeconds: 300,
    periods: 1,
    missing: 'notBreaching',
    why: 'As for the spool, for clusters on the road through the archive; the objects stay where they are.',
    runbook: ['As for `SpoolAge`. If Falco is well, raise `concurrency.auditArchive` in the stage file.'],
  },
  {
    id: 'AlertAge',
    title: 'Alerts have been waiting for respond',
    per: 'respondQueue',
    metric: { namespace: 'AWS/SQS', name: 'ApproximateAgeOfOldestMessage', statistic: 'Maximum' },
    threshold: 300,
    periodSeconds: 60,
    periods: 2,
    missing: 'notBreaching',
    why: 'An alert older than a policy’s `maxAge` (ten minutes, if it says nothing else) is recorded and not acted on. This rings before that.',
    runbook: ['Read respond’s log for errors and throttling.', 'Raise `concurrency.respond`, or see what raises so many alerts.'],
  },
  {
    id: 'Quarantined',
    title: 'Records are being quarantined',
    per: 'auditService',
    metric: { namespace: 'Tiercel', name: 'EventsQuarantined', statistic: 'Sum' },
    threshold: 0,
    periodSeconds: 3600,
    periods: 1,
    missing: 'notBreaching',
    why: 'EKS writes readable events. A record that cannot be read is a format that is new, a Firehose that is set up differently, or somebody who tries what can be hidden.',
    runbook: [
      'Each quarantined record lies in the quarantine bucket with its reason and origin.',
      'Take a new format to `shared/audit/decode/`, with the record (cleared of names) as a sample.',
    ],
  },
  {
    id: 'Poison',
    title: 'An object was given up',
    per: 'spool',
    metric: { namespace: 'Tiercel', name: 'ObjectsPoison', statistic: 'Sum' },
    threshold: 0,
    periodSeconds: 3600,
    periods: 1,
    missing: 'notBreaching',
    why: 'Five attempts at an object made no progress, and Falco was not the reason. It stays where it is; those in the spool are tried again a few times a day.',
    runbook: [
      'Saved query `Objects in trouble` has its key and the error. Run it here: `tiercel invoke auditArchive message.json --stage …`.',
      'When the cause is mended, an archived object needs its notification sent to the queue again; a spooled one comes by itself.',
    ],
  },
  {
    id: 'Impostor',
    title: 'Somebody acts as respond',
    per: 'responder',
    metric: { namespace: 'Tiercel', name: 'ImpostorCalls', statistic: 'Sum' },
    threshold: 0,
    periodSeconds: 60,
    periods: 1,
    missing: 'notBreaching',
    why: 'A cluster’s audit log has a call under respond’s identity that its journal does not account for: somebody else holds its credentials, or uses them by hand.',
    runbook: [
      'Turn respond off (`tiercel mode off --stage …`) and take its access entry from the cluster; that ends every session of it there.',
      'Saved query `Calls in our name that are not ours` has the audit id; CloudTrail says who took the role.',
    ],
  },
  {
    id: 'NoticesFailed',
    title: 'Somebody is not told what respond did or asks',
    per: 'responder',
    metric: { namespace: 'Tiercel', name: 'NoticesFailed', statistic: 'Sum' },
    threshold: 0,
    periodSeconds: 900,
    periods: 1,
    missing: 'notBreaching',
    why: 'A channel of the stage (SNS, EventBridge, Slack, webhook) does not take notifications. Responses go on; a request for approval that nobody hears of ends as a no.',
    runbook: [
      'The log of respond has the channel and its answer: `notice not taken` is tried again with the alert, `notice given up` is not.',
      'A 4xx: the address or its secret is wrong. `tiercel journal list --stage …` shows what waits for approval meanwhile.',
    ],
  },
  {
    id: 'KillSwitch',
    title: 'The run-time switch is lowered',
    per: 'responder',
    metric: { namespace: 'Tiercel', name: 'ModeLowered', statistic: 'Maximum' },
    threshold: 0,
    periodSeconds: 300,
    periods: 1,
    missing: 'notBreaching',
    why: 'Respond does less than the stage allows, because somebody ran `tiercel mode`. That may be right; it must not be forgotten. Read with each invocation, so it stays in alarm while alerts or heartbeats come.',
    runbook: ['`tiercel mode --stage …` says who turned it, when and why. Turn it back when the reason is gone.'],
  },
  {
    id: 'BudgetSpent',
    title: 'A policy’s budget is spent',
    per: 'budget',
    metric: { namespace: 'Tiercel', name: 'Refusals', statistic: 'Sum' },
    threshold: 0,
    periodSeconds: 300,
    periods: 1,
    missing: 'notBreaching',
    why: 'Respond wanted to act more often than a policy, cluster or namespace allows, and did not. Either an attack is larger than foreseen, or a rule is wrong about something ordinary.',
    runbook: [
      'Saved query `What respond refused, and why` names the policy and the object; look at those by hand, they were left as they are.',
      'If the rule is wrong, lower the policy to shadow first, then mend the rule. Raise a budget only when the responses were right.',
    ],
  },
  {
    id: 'AlertLog',
    title: 'Alerts cannot be written down',
    per: 'responder',
    metric: { namespace: 'Tiercel', name: 'AlertLogFailures', statistic: 'Sum' },
    threshold: 0,
    periodSeconds: 300,
    periods: 3,
    missing: 'notBreaching',
    why: 'Alerts are answered and journalled, but the stage’s log group of alerts, and with it the dashboard’s list, has gaps.',
    runbook: [
      'Is the log group there, does the key’s policy let CloudWatch Logs use it, and is there a way to CloudWatch Logs from respond’s VPC?',
    ],
  },
  {
    id: 'HeartbeatMissing',
    title: 'A cluster’s heartbeat does not come back',
    per: 'heartbeat',
    metric: { namespace: 'Tiercel', name: 'HeartbeatsReturned', statistic: 'Sum' },
    threshold: 1,
    below: true,
    periodSeconds: 300,
    periods: 3,
    missing: 'breaching',
    why: 'Every five minutes a synthetic event takes the same road as the cluster’s own, to respond and into its table. Three in a row are missing: an attack in this cluster would raise no alert either. All of its events are sent to Falco meanwhile.',
    runbook: [
      '`tiercel doctor --stage …` says which beat was sent, which came back, and looks at every station between.',
      'All clusters at once: Falco, Falcosidekick or respond (its queue, its log: `heartbeat set aside` says why). One cluster: its subscription, Firehose or log group, and the log of the heartbeat function.',
      'When it is mended, [evaluate the gap](observe.md#evaluate-a-gap).',
    ],
  },
  {
    id: 'HeartbeatDiffers',
    title: 'Falco runs other rules than the stage names',
    per: 'falcoRules',
    metric: { namespace: 'Tiercel', name: 'HeartbeatsDiffering', statistic: 'Sum' },
    threshold: 0,
    periodSeconds: 300,
    // A beat asks one replica: of many, one that runs other rules answers rarely.
    periods: 1,
    missing: 'notBreaching',
    why: 'The heartbeat came back with another digest than `falco.rulesDigest`. The pre-filter is off, so nothing is withheld from a rule; but somebody changed the rules, or a rollout is half done.',
    runbook: [
      'respond’s log (`heartbeat returned`, `differs`) names the digest and the cluster.',
      'If the rules are to change, name both in the stage file (`falco.rollout`) until every replica runs the new ones.',
      'If nobody meant to change them, find out who did: whoever can change Falco’s rules can blind it.',
    ],
  },
];
