import { describe, expect, it } from 'vitest';
import { canonicalArn, ownCall } from '../../../../shared/respond/principal.ts';
import { bindingAlert, shellAlert } from '../../../support/alerts.ts';

const ROLE = 'arn:aws:iam::111122223333:role/respond';

it.each([
  ['arn:aws:sts::111122223333:assumed-role/respond/session', ROLE],
  ['arn:aws:iam::111122223333:role/respond', ROLE],
  ['arn:aws:iam::111122223333:role/tiercel/prod/respond', ROLE],
  ['arn:aws-cn:sts::111122223333:assumed-role/respond/a/b', 'arn:aws-cn:iam::111122223333:role/respond'],
  ['arn:aws:iam::111122223333:user/respond', 'arn:aws:iam::111122223333:user/respond'],
  ['arn:aws:sts::111122223333:assumed-role/respond', 'arn:aws:sts::111122223333:assumed-role/respond'],
  ['mallory', 'mallory'],
  // A user name may hold an ARN; it is none.
  [`x${ROLE}`, `x${ROLE}`],
  ['xarn:aws:sts::111122223333:assumed-role/respond/s', 'xarn:aws:sts::111122223333:assumed-role/respond/s'],
  ['arn:aws:sts::111122223333:assumed-role/respond/s\nx', 'arn:aws:sts::111122223333:assumed-role/respond/s\nx'],
  ['xarn:aws:iam::111122223333:role/tiercel/respond', 'xarn:aws:iam::111122223333:role/tiercel/respond'],
  ['arn:aws:iam::111122223333:role/tiercel/respond/', 'arn:aws:iam::111122223333:role/tiercel/respond/'],
])('the canonical name of %j is %j', (arn, canonical) => {
  expect(canonicalArn(arn)).toBe(canonical);
});

describe('a call of our own', () => {
  const session = 'arn:aws:sts::111122223333:assumed-role/respond/x';

  it.each(['ka.user.name', 'tiercel.user_arn', 'tiercel.user_canonical_arn'])('is known by the role in %s', (field) => {
    expect(ownCall(bindingAlert({ [field]: session }), { roleArns: [ROLE] })).toBe(true);
    expect(ownCall(bindingAlert({ [field]: session.replace('respond', 'other') }), { roleArns: [ROLE] })).toBe(false);
  });

  it('is known by the user name, with or without a session', () => {
    const by = (name: string) => ownCall(bindingAlert({ 'ka.user.name': name }), { username: 'respond' });
    expect(['respond', 'respond:x', 'responder', 'x:respond', 'x'].map(by)).toEqual([true, true, false, false, false]);
  });

  it('is no call without a name, nor what a process did', () => {
    expect(ownCall(bindingAlert({ 'ka.user.name': null }), { username: 'respond', roleArns: [ROLE] })).toBe(false);
    expect(ownCall(bindingAlert(), {})).toBe(false);
    expect(ownCall(shellAlert({ 'ka.user.name': 'respond', 'tiercel.user_arn': session }), { username: 'respond', roleArns: [ROLE] })).toBe(
      false,
    );
  });
});
