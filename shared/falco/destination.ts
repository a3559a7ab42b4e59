import type { AuditRecord } from '../audit/record.ts';

/** What became of one record that was handed to a destination. */
export type DeliveryOutcome =
  | { readonly kind: 'delivered' }
  /**
   * Not accepted, can be tried again later: connection refused, 5xx, circuit open, no time left.
   * `ambiguous`: an answer was lost, the destination may have the record; the next attempt may be its second delivery and says so.
   */
  | { readonly kind: 'undelivered'; readonly reason: string; readonly ambiguous?: true }
  /** The destination will never take it as it is configured (4xx): an operator must act, the record is kept. */
  | { readonly kind: 'refused'; readonly reason: string };

export interface DeliveryReport {
  /** Same length and order as the records handed in. */
  readonly outcomes: readonly DeliveryOutcome[];
  /** Bodies posted more than once because the first answer was ambiguous, and how many records they held. */
  readonly resent: { readonly bodies: number; readonly records: number };
}

export interface DeliveryContext {
  /** Epoch milliseconds by which `deliver` must have returned. */
  readonly deadlineMs: number;
  /** 1 for the first attempt at this chunk; becomes `tiercel.dev/attempt` from 2 on. */
  readonly attempt: number;
}

/**
 * Where selected records go: remote Falco (`client/`) or the embedded engine and its alert sink (`engine/`).
 * Never throws for what happens to records: that is in the outcomes. Records are stamped and acceptable to Falco before they get here.
 */
export interface Destination {
  deliver(records: readonly AuditRecord[], context: DeliveryContext): Promise<DeliveryReport>;
}
