import { expect, it } from 'vitest';
import type { Question } from '../../../../../shared/respond/guard/guard.ts';
import { sameObject } from '../../../../../shared/respond/guard/same-object.ts';
import { bindingAlert } from '../../../../support/alerts.ts';

/** Verdict on an object made at a time, for an alert about a call at 08:24:54.744636 that was answered at 08:24:54.747143. */
const verdict = (creationTimestamp: string, uid?: string) =>
  sameObject.ask({
    alert: bindingAlert(),
    target: { ...(uid === undefined ? {} : { uid }) },
    look: { kind: 'found', live: { metadata: { uid: 'live', creationTimestamp } } },
  } as unknown as Question).verdict;

it('takes an object of another UID, or of a later time, for another one', () => {
  expect(verdict('2026-11-21T08:24:54Z', 'live')).toBe('pass');
  expect(verdict('2026-11-21T08:24:54Z', 'other')).toBe('refuse');
  expect(verdict('2026-11-21T08:24:55Z', 'live')).toBe('refuse');
});

it('without a UID, takes only an object that is surely older than the call: creation times are cut to seconds', () => {
  expect(verdict('2026-11-21T08:24:53Z')).toBe('pass');
  expect(verdict('2026-11-21T08:24:54Z')).toBe('refuse');
  expect(verdict('2026-11-21T08:24:55Z')).toBe('refuse');
});
