import { expect, it } from 'vitest';
import type { GuardAnswer, Question } from '../../../../../shared/respond/guard/guard.ts';
import { askAgain, guardSummaries } from '../../../../../shared/respond/guard/index.ts';
import { ALERT_TIME_MS, bindingAlert } from '../../../../support/alerts.ts';

/** An approved response about an object that another one has replaced since. */
const now = {
  alert: bindingAlert(),
  target: { apiGroup: 'rbac.authorization.k8s.io', resource: 'clusterrolebindings', name: 'pwn-43', uid: 'before' },
  look: { kind: 'found', live: { metadata: { uid: 'after', creationTimestamp: '2026-11-21T08:24:54Z' } } },
  protection: { namespaces: [], namespaceLabels: [], names: [], labels: [], users: [], groups: [], nodes: [] },
  nowMs: ALERT_TIME_MS + 86_400_000,
} as unknown as Question;

it('answers anew what may have changed, keeps what cannot have, and leaves out what takes a plan', () => {
  const before = guardSummaries.map(({ name }): GuardAnswer => ({ guard: name, verdict: 'pass', reason: 'before' }));
  const answers = askAgain(now, before);
  expect(answers.map(({ guard, reason }) => [guard, reason === 'before'])).toEqual([
    ...['identified', 'not-ours', 'signed', 'fresh', 'succeeded', 'whole', 'permitted', 'within-budget'].map((guard) => [guard, true]),
    ...['unprotected', 'same-object', 'not-restored'].map((guard) => [guard, false]),
  ]);
  expect(answers.filter(({ verdict }) => verdict !== 'pass').map(({ guard }) => guard)).toEqual(['same-object']);
});
