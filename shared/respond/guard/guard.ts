import type { MacKey } from '../../audit/mac.ts';
import type { FalcoAlert } from '../../falco/alert.ts';
import type { Action } from '../action/action.ts';
import type { Happening } from '../identity.ts';
import type { Look } from '../look.ts';
import type { Policy, Protection } from '../policy/schema.ts';
import type { Principal } from '../principal.ts';
import type { Target } from '../target.ts';

/** `unknown` counts as a refusal wherever something would be changed. */
export type Verdict = 'pass' | 'refuse' | 'unknown';

export interface GuardAnswer {
  readonly guard: string;
  readonly verdict: Verdict;
  /** Why, with the value that decided. */
  readonly reason: string;
}

/** What a guard may look at. */
export interface Question {
  readonly alert: FalcoAlert;
  readonly identity: Happening;
  readonly policy: Policy;
  readonly action: Action;
  /** The action's parameters. */
  readonly parameters: unknown;
  /** Absent when the alert does not name an object; `missing` says which fields it lacks. */
  readonly target: Target | undefined;
  readonly missing: readonly string[];
  /** What is there now. */
  readonly look: Look;
  /** The namespace it is in; absent where no protect list asks about it. */
  readonly around: Look | undefined;
  /** The response whose undo made the live object. */
  readonly restoredBy: string | undefined;
  readonly protection: Protection;
  readonly macKeys: readonly MacKey[];
  readonly principal: Principal;
  readonly nowMs: number;
}

/** A reason not to act. */
export interface Guard {
  readonly name: string;
  /** One sentence for the docs. */
  readonly summary: string;
  readonly ask: (question: Question) => Omit<GuardAnswer, 'guard'>;
}

/** What can change between a decision and the write: while a person is asked, or because somebody wrote to the object first. */
export type LiveQuestion = Pick<Question, 'alert' | 'target' | 'look' | 'around' | 'restoredBy' | 'protection'>;

/** A guard that is asked again right before acting, whenever time has passed or the object has changed. */
export interface LiveGuard extends Guard {
  readonly ask: (question: LiveQuestion) => Omit<GuardAnswer, 'guard'>;
}

export const pass = (reason: string): Omit<GuardAnswer, 'guard'> => ({ verdict: 'pass', reason });
export const refuse = (reason: string): Omit<GuardAnswer, 'guard'> => ({ verdict: 'refuse', reason });
export const unknown = (reason: string): Omit<GuardAnswer, 'guard'> => ({ verdict: 'unknown', reason });
