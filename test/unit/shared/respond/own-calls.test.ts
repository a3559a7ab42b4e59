import { describe, expect, it } from 'vitest';
import type { FieldValue } from '../../../../shared/falco/alert.ts';
import { accountFor } from '../../../../shared/respond/index.ts';
import type { Entry } from '../../../../shared/respond/journal/index.ts';
import { createMemoryJournal } from '../../../../shared/respond/journal/index.ts';
import { bindingAlert } from '../../../support/alerts.ts';
import { entryOf } from '../../../support/entry.ts';

const AT_MS = Date.parse('2026-11-21T08:25:00Z');
const clock = { now: () => AT_MS, sleep: async () => {} };
const pods = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' };
const policies = { apiGroup: 'networking.k8s.io', apiVersion: 'v1', resource: 'networkpolicies', namespace: 'prod', name: 'q' };

/** A response with two steps, a policy made and a pod patched; and the account given of a call under respond's identity. */
async function account(fields: Readonly<Record<string, FieldValue>>, state: 'done' | 'undone' = 'done') {
  const journal = createMemoryJournal(clock);
  const effects = [
    { verb: 'create', object: policies, manifest: {} },
    { verb: 'patch', object: pods, uid: 'u', resourceVersion: '1', patch: {}, before: {} },
  ] as const;
  const {
    version: _version,
    createdAtMs: _created,
    updatedAtMs: _updated,
    ...draft
  }: Entry = entryOf({
    steps: effects.map((effect) => ({ effect, state, atMs: AT_MS })),
  });
  const { entry } = await journal.record(draft);
  const alert = bindingAlert({
    'ka.auditid': `tiercel/${entry.id}/1`,
    'ka.user.name': 'tiercel-respond',
    'ka.verb': 'patch',
    'ka.target.resource': 'pods',
    'ka.target.namespace': 'prod',
    'ka.target.name': 'web',
    'tiercel.apigroup': '<NA>',
    'tiercel.received': '2026-11-21T08:25:00.1Z',
    ...Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? value.replace('ID', entry.id) : value]),
    ),
  });
  return accountFor(alert, journal);
}

const ofPolicy = { 'ka.target.resource': 'networkpolicies', 'ka.target.name': 'q', 'tiercel.apigroup': 'networking.k8s.io' };
const look = { 'ka.auditid': `tiercel/${'a'.repeat(40)}/look`, 'ka.verb': 'get' };

describe('a call under respond’s identity is ours', () => {
  it.each<[string, Readonly<Record<string, FieldValue>>, ('done' | 'undone')?]>([
    ['when it does what its step says', {}],
    ['when it looks again before it does', { 'ka.verb': 'get' }],
    ['when it takes back what was taken back', { ...ofPolicy, 'ka.auditid': 'tiercel/ID/u0', 'ka.verb': 'delete' }, 'undone'],
    ['when it looks', look],
    ['when it reads a log', { ...look, 'ka.target.subresource': 'log' }],
  ])('%s', async (_when, fields, state) => {
    expect(await account(fields, state)).toEqual({ ours: true });
  });
});

describe('a call under respond’s identity is somebody else’s', () => {
  it.each<[string, Readonly<Record<string, FieldValue>>]>([
    ['when its verb is another', { 'ka.verb': 'delete' }],
    ['when its object is another', { 'ka.target.name': 'db' }],
    ['when it is for something of the object', { 'ka.target.subresource': 'ephemeralcontainers' }],
    ['when it comes long after the step', { 'tiercel.received': '2026-11-21T08:27:00Z' }],
    ['when it comes long before', { 'tiercel.received': '2026-11-21T08:23:00Z' }],
    ['when no such step is known', { 'ka.auditid': 'tiercel/ID/7' }],
    ['when it names none', { 'ka.auditid': 'x' }],
    ['when it takes back what nobody took back', { ...ofPolicy, 'ka.auditid': 'tiercel/ID/u0', 'ka.verb': 'delete' }],
    ['when an exec says that it looks', { ...look, 'ka.target.subresource': 'exec' }],
    ['when a write says that it looks', { ...look, 'ka.verb': 'patch' }],
    ['when a look belongs to nothing', { ...look, 'ka.auditid': `tiercel/${'b'.repeat(40)}/look` }],
  ])('%s', async (_when, fields) => {
    expect(await account(fields)).toMatchObject({ ours: false });
  });
});
