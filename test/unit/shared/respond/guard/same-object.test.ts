import { expect, it } from 'vitest';
import type { Question } from '../../../../../shared/respond/guard/guard.ts';
import { sameObject } from '../../../../../shared/respond/guard/same-object.ts';
import { bindingAlert } from '../../../../support/alerts.ts';

/** Verdict on an object made at a time, for an alert about a call at 08:24:54.744636 that was answered at 08:24:54.747143. */
const verdict = (creationTimestamp: string, { uid, verb = 'create', subresource }: { uid?: string; verb?: string; subresource?: string }) =>
  sameObject.ask({
    alert: bindingAlert({ 'ka.verb': verb }),
    target: { ...(uid === undefined ? {} : { uid }), ...(subresource === undefined ? {} : { subresource }) },
    look: { kind: 'found', live: { metadata: { uid: 'live', creationTimestamp } } },
  } as unknown as Question).verdict;

it('takes an object of another UID, or of a later time, for another one', () => {
  expect(verdict('2026-11-21T08:24:54Z', { uid: 'live' })).toBe('pass');
  expect(verdict('2026-11-21T08:24:54Z', { uid: 'other' })).toBe('refuse');
  expect(verdict('2026-11-21T08:24:55Z', { uid: 'live' })).toBe('refuse');
});

it('without a UID, takes only an object that is surely older than the call: creation times are cut to seconds', () => {
  for (const call of [{ verb: 'get', subresource: 'exec' }, { subresource: 'exec' }, { verb: 'patch' }]) {
    expect(verdict('2026-11-21T08:24:53Z', call)).toBe('pass');
    expect(verdict('2026-11-21T08:24:54Z', call)).toBe('refuse');
    expect(verdict('2026-11-21T08:24:55Z', call)).toBe('refuse');
  }
});

it('lets the call itself have made the object, also where the audit log keeps no answer', () => {
  expect(verdict('2026-11-21T08:24:54Z', {})).toBe('pass');
  expect(verdict('2026-11-21T08:24:55Z', {})).toBe('refuse');
});
