import { describe, expect, it } from 'vitest';
import type { FieldValue } from '../../../../shared/falco/alert.ts';
import { targetOf } from '../../../../shared/respond/target.ts';
import { bindingAlert, cut, shellAlert } from '../../../support/alerts.ts';

const BINDING = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1', resource: 'clusterrolebindings', name: 'pwn-43' };
const target = (fields: Record<string, FieldValue> = {}) => {
  const found = targetOf(bindingAlert(fields));
  return 'target' in found ? found.target : found.missing;
};
const uid = (fields: Record<string, FieldValue>) => {
  const found = targetOf(bindingAlert({ 'tiercel.uid': null, ...fields }));
  return 'target' in found ? found.target.uid : found;
};

describe('what an alert is about', () => {
  it('is the object of the call, with its UID', () => {
    expect(target()).toEqual({ ...BINDING, uid: 'f95eb877-a056-424d-89a4-27b2ab04bae2' });
  });

  it('is in its namespace, unless it is one', () => {
    expect(target({ 'ka.target.namespace': 'prod' })).toMatchObject({ namespace: 'prod' });
    expect(target({ 'ka.target.namespace': 'prod', 'ka.target.resource': 'namespaces' })).not.toHaveProperty('namespace');
    expect(target()).not.toHaveProperty('namespace');
  });

  it('has no group where the alert names none', () => {
    expect(target({ 'tiercel.apigroup': '<NA>' })).toMatchObject({ apiGroup: '' });
  });

  it('has its name from the answer only where the request had none', () => {
    expect(target({ 'ka.resp.name': 'other' })).toMatchObject({ name: 'pwn-43' });
    expect(target({ 'ka.target.name': null, 'ka.resp.name': 'made' })).toMatchObject({ name: 'made' });
  });

  it('says what the alert lacks', () => {
    expect(target({ 'ka.target.resource': null })).toEqual(['ka.target.resource']);
    expect(target({ 'ka.target.name': null, 'ka.resp.name': null })).toEqual(['ka.target.name']);
    expect(target({ 'tiercel.apiversion': '<NA>' })).toEqual(['tiercel.apiversion']);
    const nothing = { 'ka.target.resource': null, 'ka.target.name': cut('x'), 'ka.resp.name': null, 'tiercel.apiversion': null };
    expect(target(nothing)).toEqual(['ka.target.resource', 'ka.target.name', 'tiercel.apiversion']);
  });

  it.each(['.', '..', 'a/b', '/', 'a%2Fb', '\ud800', 'x'.repeat(8_193)])('is no name, in whatever field: the %#th', (name) => {
    const named = ['ka.target.resource', 'ka.target.name', 'ka.resp.name', 'ka.target.namespace', 'tiercel.apigroup', 'tiercel.apiversion'];
    for (const field of named) expect(target({ [field]: name }), field).toEqual([field]);
    for (const field of ['k8s.pod.name', 'k8s.ns.name']) expect(targetOf(shellAlert({ [field]: name }))).toEqual({ missing: [field] });
  });

  it.each(['...', 'a.b', 'system:x', 'x'.repeat(8_192)])('may be a name: the %#th', (name) => {
    expect(target({ 'ka.target.name': name })).toMatchObject({ name });
  });

  it('is a pod where a process ran, whatever the fields of audited calls hold', () => {
    expect(targetOf(shellAlert({ 'ka.target.name': '..', 'ka.target.resource': 'nodes', 'tiercel.uid': 'x' }))).toEqual({
      target: {
        apiGroup: '',
        apiVersion: 'v1',
        resource: 'pods',
        namespace: 'prod',
        name: 'web-1',
        uid: '6f0c2d56-7a44-4c33-8a4c-0e7c15c9d6b1',
      },
    });
    expect(targetOf(shellAlert({ 'k8s.pod.name': null, 'k8s.ns.name': null }))).toEqual({ missing: ['k8s.pod.name', 'k8s.ns.name'] });
  });
});

describe('the UID of the target', () => {
  it.each([null, 'status', 'ephemeralcontainers', 'resize'])('is that of the answer of a call to subresource %s', (subresource) => {
    expect(uid({ 'ka.target.subresource': subresource, 'tiercel.uid': 'a', 'tiercel.ref_uid': 'r' })).toBe('a');
    expect(target({ 'ka.target.subresource': subresource })).toEqual({
      ...BINDING,
      ...(subresource === null ? {} : { subresource }),
      uid: 'f95eb877-a056-424d-89a4-27b2ab04bae2',
    });
  });

  it.each(['exec', 'binding', 'eviction', 'token', 'scale'])('is not that of what %s answers with', (subresource) => {
    expect(uid({ 'ka.target.subresource': subresource, 'tiercel.uid': 'a' })).toBeUndefined();
    expect(uid({ 'ka.target.subresource': subresource, 'tiercel.uid': 'a', 'tiercel.ref_uid': 'r' })).toBe('r');
  });

  it('is in the details of a deletion that answers with nothing else, and of no other call', () => {
    const details = { 'tiercel.details_uid': 'd', 'tiercel.ref_uid': 'r' };
    expect(uid({ ...details, 'ka.verb': 'delete' })).toBe('d');
    expect(uid({ ...details, 'ka.verb': 'delete', 'tiercel.uid': 'a' })).toBe('a');
    expect(uid({ ...details, 'ka.verb': 'create' })).toBe('r');
    expect(uid({ 'tiercel.details_uid': 'd', 'ka.verb': 'create' })).toBeUndefined();
  });

  it('is missing where nothing names it', () => {
    expect(target({ 'tiercel.uid': null })).toEqual(BINDING);
  });
});
