/** Falco's priorities, most urgent first; the index is Falco's own number (0 = Emergency). */
export const PRIORITIES = ['Emergency', 'Alert', 'Critical', 'Error', 'Warning', 'Notice', 'Informational', 'Debug'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Values that occur in `output_fields`: strings, lists of strings, integers (nanoseconds exceed 2^53: kept as bigint), booleans, `null` = missing. */
export type FieldValue = string | number | bigint | boolean | null | readonly string[];

/**
 * Falco's JSON alert (Falco 0.44 formats.cpp; keys as written there), which Falcosidekick re-spells with a `uuid` of its own per receipt.
 * Never identify anything by `uuid` or by the text of `output`.
 */
export interface FalcoAlert {
  readonly uuid?: string;
  readonly hostname?: string;
  readonly output: string;
  readonly output_fields: Readonly<Record<string, FieldValue>>;
  readonly priority: Priority;
  readonly rule: string;
  readonly source: string;
  readonly tags?: readonly string[];
  /** RFC 3339, UTC, nine fractional digits. For `k8s_audit` it is the event's `stageTimestamp`. */
  readonly time: string;
}
