import { describe, expect, it } from 'vitest';
import type { FieldValue } from '../../../../../shared/falco/alert.ts';
import { fresh } from '../../../../../shared/respond/guard/fresh.ts';
import type { Question } from '../../../../../shared/respond/guard/guard.ts';
import { identified } from '../../../../../shared/respond/guard/identified.ts';
import { notOurs } from '../../../../../shared/respond/guard/not-ours.ts';
import { notRestored } from '../../../../../shared/respond/guard/not-restored.ts';
import { sameObject } from '../../../../../shared/respond/guard/same-object.ts';
import { signed } from '../../../../../shared/respond/guard/signed.ts';
import { succeeded } from '../../../../../shared/respond/guard/succeeded.ts';
import { unprotected } from '../../../../../shared/respond/guard/unprotected.ts';
import { whole } from '../../../../../shared/respond/guard/whole.ts';
import { happeningOf } from '../../../../../shared/respond/identity.ts';
import { targetOf } from '../../../../../shared/respond/target.ts';
import { ALERT_TIME_MS, bindingAlert, cut, shellAlert } from '../../../../support/alerts.ts';
import { MAC_KEY, sign } from '../../../../support/responder.ts';

const PROTECTION = { namespaces: [], namespaceLabels: [], names: [], labels: [], users: [], groups: [], nodes: [] };

/** A complete question about an alert; a test changes what it is about. */
function question(alert = sign(bindingAlert()), more: object = {}): Question {
  const found = targetOf(alert);
  return {
    alert,
    identity: happeningOf(alert),
    policy: { unsigned: 'refuse', maxAge: '10m' },
    target: 'target' in found ? found.target : undefined,
    look: { kind: 'found', live: { metadata: { uid: 'f95eb877-a056-424d-89a4-27b2ab04bae2', creationTimestamp: '2026-11-21T08:24:54Z' } } },
    protection: PROTECTION,
    macKeys: [MAC_KEY],
    principal: { username: 'tiercel-respond' },
    nowMs: ALERT_TIME_MS,
    ...more,
  } as unknown as Question;
}

const without = (name: string) => {
  const { [name]: _, ...output_fields } = bindingAlert().output_fields;
  return { ...bindingAlert(), output_fields };
};

describe('fresh', () => {
  const RECEIVED_MS = Date.parse('2026-11-21T08:24:54.744Z');

  it.each([
    [600_000, 'pass', 'the event is 600 s old'],
    [600_001, 'refuse', 'the event is 600 s old, the policy allows 10m'],
    [-60_000, 'pass', 'the event is -60 s old'],
    [-60_001, 'refuse', 'the event is dated 60 s into the future'],
  ])('at an age of %i ms: %s', (ageMs, verdict, reason) => {
    expect(fresh.ask(question(undefined, { nowMs: RECEIVED_MS + ageMs }))).toEqual({ verdict, reason });
  });

  it('refuses what has no time that can be read', () => {
    const nothing = bindingAlert({ 'tiercel.received': 'x' });
    expect(fresh.ask(question(nothing))).toMatchObject({ verdict: 'refuse', reason: expect.stringContaining('no age can be told') });
    expect(fresh.ask(question(bindingAlert({}, { time: 'x' }))).verdict).toBe('refuse');
  });
});

describe('identified', () => {
  it('says what is missing and what was cut', () => {
    const ask = (fields: Record<string, FieldValue>, more: object = {}) =>
      identified.ask(question(bindingAlert(fields), { missing: [], ...more }));
    expect(ask({ 'ka.auditid': null, 'ka.verb': cut('x') }).reason).toMatch(/^ka\.auditid is missing, ka\.verb was truncated: load the/);
    expect(ask({}, { missing: ['tiercel.uid', 'ka.verb'] }).reason).toMatch(/^tiercel\.uid, ka\.verb missing, truncated/);
  });
});

describe('succeeded', () => {
  const verdict = (fields: Record<string, FieldValue>) => succeeded.ask(question(bindingAlert(fields)));

  it.each(['exec', 'attach', 'portforward'])('takes 101 for the success of %s, from its start', (subresource) => {
    const upgraded = { 'ka.response.code': '101', 'ka.target.subresource': subresource };
    for (const stage of ['ResponseStarted', 'ResponseComplete'])
      expect(verdict({ ...upgraded, 'ka.stage': stage }), stage).toEqual({ verdict: 'pass', reason: 'the API server answered 101' });
    for (const stage of ['RequestReceived', 'Panic', null]) expect(verdict({ ...upgraded, 'ka.stage': stage }).verdict).toBe('refuse');
  });

  it('takes it for nothing else, and no other answer before its end', () => {
    for (const subresource of ['proxy', 'log', 'status', null])
      expect(verdict({ 'ka.response.code': '101', 'ka.target.subresource': subresource }).verdict).toBe('refuse');
    for (const subresource of ['exec', 'proxy', null])
      expect(verdict({ 'ka.target.subresource': subresource, 'ka.stage': 'ResponseStarted' })).toEqual({
        verdict: 'refuse',
        reason: 'the call is at stage ResponseStarted, not complete',
      });
    expect(verdict({ 'ka.stage': null }).reason).toBe('the call is at stage (missing), not complete');
  });

  it.each(['1201', '20', '2', '2011', ' 201', '201 ', '-201'])('takes %j for no success', (code) => {
    expect(verdict({ 'ka.response.code': code })).toMatchObject({ verdict: 'refuse' });
  });

  it('says what is missing', () => {
    expect(verdict({ 'ka.response.code': null }).reason).toContain('ka.response.code is missing');
  });

  it('does not know of a dry run where the field was never asked for', () => {
    expect(succeeded.ask(question(sign(without('tiercel.dryrun'))))).toMatchObject({
      verdict: 'refuse',
      reason: expect.stringContaining('not among the fields'),
    });
  });
});

describe('whole', () => {
  it('does not know of a cut where the field was never asked for', () => {
    expect(whole.ask(question(sign(without('tiercel.truncated'))))).toMatchObject({
      verdict: 'refuse',
      reason: expect.stringContaining('not among the fields'),
    });
  });
});

describe('not-ours', () => {
  it('knows nobody without an identity of its own, and asks that of no process', () => {
    expect(notOurs.ask(question(undefined, { principal: {} })).verdict).toBe('unknown');
    expect(notOurs.ask(question(shellAlert(), { principal: {} })).verdict).toBe('pass');
    for (const principal of [{ username: 'a' }, { roleArns: ['arn:aws:iam::111122223333:role/a'] }])
      expect(notOurs.ask(question(undefined, { principal })).verdict).toBe('pass');
  });
});

describe('not-restored', () => {
  it('names the response whose undo brought the object back', () => {
    expect(notRestored.ask(question(undefined, { restoredBy: 'a-b' }))).toEqual({
      verdict: 'refuse',
      reason: 'the undo of response a-b brought it back',
    });
  });
});

describe('signed', () => {
  it('says which of the ways not to be signed it is', () => {
    const reason = (alert = bindingAlert(), more: object = {}) => signed.ask(question(alert, more)).reason;
    expect(reason()).toContain('tiercel.mac is missing');
    expect(reason(bindingAlert({ 'tiercel.mac': 'other.x' }))).toContain('names a key that is not known here');
    expect(reason(bindingAlert({ 'tiercel.mac': `${MAC_KEY.id}.x` }))).toContain('does not belong to this event');
    expect(reason(sign(bindingAlert()), { macKeys: [] })).toContain('no MAC key is configured');
    expect(reason(shellAlert())).toContain('an alert of a node cannot be signed');
    expect(reason(bindingAlert({ 'ka.auditid': null }))).toContain('cannot be identified');
  });

  it('lets a policy allow what carries no MAC, never one that is wrong', () => {
    const policy = { unsigned: 'allow' };
    const verdict = (alert: ReturnType<typeof bindingAlert>) => signed.ask(question(alert, { policy })).verdict;
    expect([verdict(bindingAlert()), verdict(shellAlert())]).toEqual(['pass', 'pass']);
    expect(verdict(shellAlert({ 'tiercel.mac': `${MAC_KEY.id}.x` }))).toBe('pass');
    expect(verdict(bindingAlert({ 'tiercel.mac': `${MAC_KEY.id}.x` }))).toBe('refuse');
    expect(verdict(bindingAlert({ 'ka.auditid': null }))).toBe('refuse');
  });
});

describe('same-object', () => {
  const found = (creationTimestamp: string, uid = 'live') => ({
    look: { kind: 'found', live: { metadata: { uid, creationTimestamp } } },
  });
  const verdict = (alert: ReturnType<typeof bindingAlert>, look: object) => sameObject.ask(question(alert, look)).verdict;

  it('goes by the times of the call, not by the time of the alert, which nothing signs', () => {
    const later = { time: '2026-11-21T08:25:54.000000000Z' };
    const uid = { 'tiercel.uid': 'live' };
    expect(verdict(bindingAlert(uid, later), found('2026-11-21T08:24:54Z'))).toBe('pass');
    expect(verdict(bindingAlert(uid, later), found('2026-11-21T08:24:55Z'))).toBe('refuse');
    const exec = { 'tiercel.uid': null, 'ka.target.subresource': 'exec', 'tiercel.stage_time': '2026-11-21T08:25:54Z' };
    expect(verdict(bindingAlert(exec, later), found('2026-11-21T08:24:53Z'))).toBe('pass');
    expect(verdict(bindingAlert(exec, later), found('2026-11-21T08:24:54Z'))).toBe('refuse');
  });

  it('lets the very second of the answer be the one in which the object was made', () => {
    const at = (stage: string) => bindingAlert({ 'tiercel.uid': 'live', 'tiercel.stage_time': stage });
    expect(verdict(at('2026-11-21T08:24:54.000000Z'), found('2026-11-21T08:24:54Z'))).toBe('pass');
    const exec = (received: string) => bindingAlert({ 'tiercel.uid': null, 'ka.verb': 'get', 'tiercel.received': received });
    expect(verdict(exec('2026-11-21T08:24:55.000000Z'), found('2026-11-21T08:24:54Z'))).toBe('pass');
    expect(verdict(exec('2026-11-21T08:24:54.999999Z'), found('2026-11-21T08:24:54Z'))).toBe('refuse');
  });

  it('goes by the UID where there is one, whatever the verb', () => {
    for (const verb of ['patch', 'update', 'delete'])
      expect(verdict(bindingAlert({ 'ka.verb': verb, 'tiercel.uid': 'live' }), found('2026-11-21T08:24:54Z'))).toBe('pass');
  });

  it('goes by the time of the alert where a process ran', () => {
    const shell = shellAlert({ 'k8s.pod.uid': 'live', 'tiercel.stage_time': '2026-11-21T09:00:00Z' });
    expect(verdict(shell, found('2026-11-21T08:24:54Z'))).toBe('pass');
    expect(verdict(shell, found('2026-11-21T08:24:55Z'))).toBe('refuse');
  });

  it('does not know without both times', () => {
    const alert = bindingAlert({ 'tiercel.uid': 'live' });
    expect(verdict(alert, found('x'))).toBe('unknown');
    expect(verdict(bindingAlert({ 'tiercel.uid': 'live', 'tiercel.stage_time': 'x' }), found('2026-11-21T08:24:54Z'))).toBe('unknown');
  });
});

describe('unprotected', () => {
  const binding = { spec: {}, metadata: {} };
  const ask = (protection: object, fields: Record<string, FieldValue> = {}, live: object = binding, more: object = {}) =>
    unprotected.ask(
      question(bindingAlert(fields), { protection: { ...PROTECTION, ...protection }, look: { kind: 'found', live }, ...more }),
    );
  const core = (resource: string, name: string, namespace: string | null = null) => ({
    'ka.target.resource': resource,
    'ka.target.name': name,
    'ka.target.namespace': namespace,
    'tiercel.apigroup': '<NA>',
  });

  it.each([
    [
      'the node that a pod runs on',
      { nodes: ['ip-10-*'] },
      core('pods', 'web', 'prod'),
      { metadata: {}, spec: { nodeName: 'ip-10-1' } },
      'node ip-10-1 (ip-10-*)',
    ],
    ['a node itself', { nodes: ['ip-10-1'] }, core('nodes', 'ip-10-1'), binding, 'node ip-10-1'],
    ['a namespace itself', { namespaces: ['kube-*'] }, core('namespaces', 'kube-system'), binding, 'namespace kube-system (kube-*)'],
    ['what is in a namespace', { namespaces: ['prod'] }, core('pods', 'web', 'prod'), binding, 'namespace prod'],
    ['a name', { names: ['pwn-43'] }, {}, binding, 'name pwn-43'],
    ['a label', { labels: ['keep'] }, {}, { metadata: { labels: { keep: 'x' } } }, 'label keep'],
    [
      "a namespace's own label",
      { namespaceLabels: ['keep'] },
      core('namespaces', 'prod'),
      { metadata: { labels: { keep: 'x' } } },
      'namespace label keep',
    ],
    ['a user', { users: ['mall*'] }, {}, binding, 'user mallory (mall*)'],
    [
      'an assumed role, as itself',
      { users: ['arn:aws:sts::1:assumed-role/r/*'] },
      { 'tiercel.user_arn': 'arn:aws:sts::1:assumed-role/r/s' },
      binding,
      'user arn:aws:sts::1:assumed-role/r/s (arn:aws:sts::1:assumed-role/r/*)',
    ],
    [
      'an assumed role that is the user name',
      { users: ['arn:aws:sts::1:assumed-role/r/s'] },
      { 'ka.user.name': 'arn:aws:sts::1:assumed-role/r/s' },
      binding,
      'user arn:aws:sts::1:assumed-role/r/s',
    ],
    ['a group', { groups: ['developers'] }, {}, binding, 'group developers'],
  ])('protects by %s', (_, protection, fields, live, by) => {
    expect(ask(protection, fields, live)).toEqual({ verdict: 'refuse', reason: `protected by ${by}` });
  });

  it.each([
    ['a name of a node by the list of nodes, where it is no node', { nodes: ['web'] }, core('pods', 'web', 'prod'), binding],
    [
      'an object by the list of namespace labels',
      { namespaceLabels: ['keep'] },
      core('pods', 'web', 'prod'),
      { metadata: { labels: { keep: 'x' } } },
    ],
    ['a namespace of another API group', { namespaces: ['a'] }, { ...core('namespaces', 'a'), 'tiercel.apigroup': 'example.com' }, binding],
    ['an object that only has the name of our own role', {}, core('configmaps', 'tiercel-respond-act', 'prod'), binding],
    ['an object without a namespace by a list of them', { namespaces: ['kube-*'] }, {}, binding],
    ['a pod without a node by a list of them', { nodes: ['ip-*'] }, core('pods', 'web', 'prod'), binding],
    ['a label by its value alone', { labels: ['x'] }, {}, { metadata: { labels: { keep: 'x' } } }],
  ])('does not protect %s', (_, protection, fields, live) => {
    expect(ask(protection, fields, live).verdict).toBe('pass');
  });

  it('needs no live object to protect by what the alert says, and reads none that was not found', () => {
    const gone = { look: { kind: 'gone' } };
    expect(ask({ names: ['pwn-43'] }, {}, binding, gone).verdict).toBe('refuse');
    expect(ask({ names: ['x'] }, {}, binding, gone).verdict).toBe('pass');
  });

  it('does not know without an object, refuses without a caller', () => {
    expect(ask({}, {}, binding, { target: undefined }).verdict).toBe('unknown');
    expect(ask({}, { 'ka.user.name': null }).reason).toContain('ka.user.name is missing');
    expect(ask({}, { 'ka.user.groups': null }).reason).toContain('ka.user.groups is missing');
  });

  it('asks nothing about a caller where a process ran', () => {
    const named = shellAlert({ 'ka.user.name': 'mallory', 'ka.user.groups': ['developers'] });
    const protection = { ...PROTECTION, users: ['*'], groups: ['*'] };
    expect(unprotected.ask(question(named, { protection, look: { kind: 'found', live: binding } })).verdict).toBe('pass');
  });
});
