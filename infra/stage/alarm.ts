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
