import type { Priority } from '../../alert.ts';
import type { Expression } from '../ast.ts';

/** A rule as it is evaluated: names looked up, lists, macros and exceptions put in. Texts are as a person reads them, except in the condition. */
export interface LoadedRule {
  readonly name: string;
  readonly source: string;
  readonly description: string;
  readonly priority: Priority;
  /** Sorted by byte, each once. */
  readonly tags: readonly string[];
  /** What the files say; selections may differ. */
  readonly enabled: boolean;
  readonly condition: Expression;
  readonly output: string;
  /** Where the rule is (last) defined. */
  readonly place: { readonly file: string; readonly line: number; readonly column: number };
}
