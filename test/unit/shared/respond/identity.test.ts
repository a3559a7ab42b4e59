import { describe, expect, it } from 'vitest';
import { eventKey } from '../../../../shared/audit/key.ts';
import type { FieldValue } from '../../../../shared/falco/alert.ts';
import { actionKey, alertKey, eventIdentity } from '../../../../shared/respond/identity.ts';
import { bindingAlert, cut } from '../../../support/alerts.ts';

const keyOf = (fields: Record<string, FieldValue> = {}, rule?: string) => {
  const identity = eventIdentity(bindingAlert(fields, rule ? { rule } : {}));
  return identity.known ? identity.key : undefined;
};

describe('the event key', () => {
  it('does not depend on the rule, the stage or what Falco printed beside', () => {
    expect(keyOf({ 'ka.stage': 'ResponseStarted', 'ka.response.code': '101', 'ka.useragent': 'curl' }, 'Another Rule')).toBe(keyOf());
  });

  it.each([
    'ka.cluster.name',
    'ka.auditid',
    'tiercel.received',
    'ka.verb',
    'ka.uri',
    'ka.user.name',
    'ka.target.resource',
    'ka.target.namespace',
    'ka.target.name',
    'tiercel.apigroup',
    'tiercel.apiversion',
    'ka.target.subresource',
    'tiercel.ref_uid',
  ])('depends on %s, so a re-used auditID is another happening', (name) => {
    expect(keyOf({ [name]: 'other' })).not.toBe(keyOf());
  });

  it('is the one that the audit layer computes for the event', () => {
    const raw = Buffer.from(
      JSON.stringify({
        kind: 'Event',
        apiVersion: 'audit.k8s.io/v1',
        level: 'RequestResponse',
        auditID: 'f60d7af0-96b5-40b8-a8ac-456fc6ef7e75',
        stage: 'ResponseComplete',
        requestURI: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
        verb: 'create',
        user: { username: 'mallory', groups: ['developers'] },
        objectRef: { resource: 'clusterrolebindings', name: 'pwn-43', apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1' },
        responseStatus: { metadata: {}, code: 201 },
        requestReceivedTimestamp: '2026-11-21T08:24:54.744636Z',
        stageTimestamp: '2026-11-21T08:24:54.747143Z',
      }),
    );
    expect(keyOf()).toBe(eventKey({ raw, origin: { kind: 'file', path: '-', offset: 0, line: 1 }, identity: { cluster: 'prod-1' } }));
  });

  it.each([null, '', '<NA>'])('is unknown when a part of it is %j', (value) => {
    expect(eventIdentity(bindingAlert({ 'tiercel.received': value }))).toEqual({
      known: false,
      missing: ['tiercel.received'],
      truncated: [],
    });
  });

  it('is unknown when a part of it was truncated', () => {
    expect(eventIdentity(bindingAlert({ 'ka.uri': cut('/apis/') }))).toEqual({
      known: false,
      missing: [],
      truncated: ['ka.uri'],
    });
    expect(eventIdentity(bindingAlert({ 'ka.user.groups': ['a', cut('b')] }))).toMatchObject({ truncated: ['ka.user.groups'] });
  });

  it('takes a digest for a URI that was cut, and only for one', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(keyOf({ 'ka.uri': cut('/apis/'), 'tiercel.uri_digest': digest })).toBe(keyOf({ 'ka.uri': digest }));
    expect(keyOf({ 'tiercel.uri_digest': digest })).toBe(keyOf());
    expect(keyOf({ 'ka.uri': null, 'tiercel.uri_digest': digest })).toBeUndefined();
    expect(keyOf({ 'ka.uri': cut('/apis/'), 'tiercel.uri_digest': cut('sha256:') })).toBeUndefined();
  });
});

describe('the alert key', () => {
  it("is the same for a redelivery with Falcosidekick's new uuid and for a parser that lost digits", () => {
    const again = bindingAlert({ 'evt.time': 1795249494747143200 }, { uuid: 'another', hostname: 'falco-1', output: 'cut [...]' });
    expect(alertKey(again)).toBe(alertKey(bindingAlert()));
  });

  it('is the same in whatever order the fields come', () => {
    const alert = bindingAlert();
    const entries = Object.entries(alert.output_fields);
    for (const order of [entries.toReversed(), entries.toSorted(([a], [b]) => (a < b ? 1 : -1))])
      expect(alertKey({ ...alert, output_fields: Object.fromEntries(order) })).toBe(alertKey(alert));
  });

  it('does not tell one way of being missing from another', () => {
    const keys = [null, '', '<NA>', []].map((nothing) => alertKey(bindingAlert({ 'ka.auth.reason': nothing, 'a.new.field': nothing })));
    expect(new Set([...keys, alertKey(bindingAlert())]).size).toBe(1);
  });

  it('differs by source, rule, time and fields', () => {
    const keys = [
      bindingAlert(),
      bindingAlert({}, { source: 'syscall' }),
      bindingAlert({ 'ka.user.name': 'create', 'ka.verb': 'mallory' }),
      bindingAlert({}, { rule: 'x' }),
      bindingAlert({}, { time: '2026-11-21T08:24:55Z' }),
      bindingAlert({ 'ka.verb': 'get' }),
    ].map(alertKey);
    expect(new Set(keys).size).toBe(6);
  });
});

it('the action key differs by action and by UID', () => {
  expect(new Set([actionKey('e', 'a', 'u'), actionKey('e', 'b', 'u'), actionKey('e', 'a', 'v'), actionKey('f', 'a', 'u')]).size).toBe(4);
});
