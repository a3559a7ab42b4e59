import type { CheckContext } from '../../../cli/checks/check.ts';

/** A fault, how it comes about and goes, and what doctor must say. */
export interface Planted {
  readonly fault: string;
  readonly plant: () => Promise<unknown>;
  readonly mend: () => Promise<unknown>;
  /** Check, subject, and what it says to do. */
  readonly finds: readonly [check: string, subject: RegExp, fix: RegExp];
  /** What the fault brings with it: ids of checks, with or without a subject. */
  readonly also?: readonly string[];
  readonly context?: () => Partial<CheckContext>;
}
