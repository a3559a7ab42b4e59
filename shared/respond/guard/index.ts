import { fresh } from './fresh.ts';
import type { Guard, GuardAnswer, LiveGuard, LiveQuestion, Question } from './guard.ts';
import { identified } from './identified.ts';
import { notOurs } from './not-ours.ts';
import { notRestored } from './not-restored.ts';
import { sameObject } from './same-object.ts';
import { signed } from './signed.ts';
import { succeeded } from './succeeded.ts';
import { protectorOf, unprotected } from './unprotected.ts';
import { whole } from './whole.ts';

export type { GuardAnswer, LiveQuestion, Question } from './guard.ts';
export { protectorOf };

const LIVE: readonly LiveGuard[] = [unprotected, sameObject, notRestored];

/** Every guard, in the order in which answers are shown. */
const GUARDS: readonly Guard[] = [identified, notOurs, signed, fresh, succeeded, whole, ...LIVE];

/** Asks what only the cluster as it is now can answer. */
export function askLive(question: LiveQuestion): readonly GuardAnswer[] {
  return LIVE.map((guard) => ({ guard: guard.name, ...guard.ask(question) }));
}

/** Asks once more what may have changed since a person was asked. The other answers stand, and so does the place in the budgets, which was taken then. */
export function askAgain(question: LiveQuestion, before: readonly GuardAnswer[]): readonly GuardAnswer[] {
  const asked = askLive(question);
  const names = new Set([...asked.map(({ guard }) => guard), 'feasible']);
  return [...before.filter(({ guard }) => !names.has(guard)), ...asked];
}

/** What is asked while deciding, because it takes a plan: the same kind of answer, in the same list. */
const DECIDING = [
  { name: 'feasible', summary: 'The action finds something to do that is safe and works.' },
  {
    name: 'permitted',
    summary:
      'In shadow, where the object was looked at: respond would be let (SelfSubjectAccessReview). When acting, the API server itself answers.',
  },
  {
    name: 'within-budget',
    summary: "There is a place in the policy's budgets, and the object is not cooling down. Asked last, because asking takes the place.",
  },
] as const;

/** For the docs. */
export const guardSummaries: readonly Pick<Guard, 'name' | 'summary'>[] = [...GUARDS, ...DECIDING];

/** Asks every guard, also after a refusal: the journal shows the whole picture. */
export function askGuards(question: Question): readonly GuardAnswer[] {
  return GUARDS.map((guard) => ({ guard: guard.name, ...guard.ask(question) }));
}
