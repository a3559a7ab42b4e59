import { describe, expect, it } from 'vitest';
import type { FieldValue } from '../../../../shared/falco/alert.ts';
import { accountFor } from '../../../../shared/respond/index.ts';
import type { Entry } from '../../../../shared/respond/journal/index.ts';
import { createMemoryJournal } from '../../../../shared/respond/journal/index.ts';
import type { Step } from '../../../../shared/respond/journal/journal.ts';
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

describe('the account of a call', () => {
  const binding = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1', resource: 'clusterrolebindings', name: 'pwn-43' };
  const deletion = {
    verb: 'delete',
    object: binding,
    uid: 'u',
    resourceVersion: '1',
    propagationPolicy: 'Background',
    before: {},
  } as const;
  /** A response with one step, and an alert about a call in its name. */
  const of = async (step: Partial<Step>, fields: Readonly<Record<string, FieldValue>>, changes: Partial<Entry> = {}) => {
    const journal = createMemoryJournal(clock);
    const {
      version: _v,
      createdAtMs: _c,
      updatedAtMs: _u,
      ...draft
    } = entryOf({ steps: [{ effect: deletion, state: 'done', ...step }], ...changes });
    const { entry } = await journal.record(draft);
    const at = { 'ka.auditid': `tiercel/${entry.id}/0`, 'ka.verb': 'delete', 'tiercel.received': '2026-11-21T08:25:00Z' };
    return accountFor(bindingAlert({ ...at, ...fields }), journal);
  };

  it('knows a deletion, a look before it, and its finalizers where it took them', async () => {
    const releasing = { effect: { ...deletion, releases: true } as const };
    expect(await of({}, {})).toEqual({ ours: true });
    expect(await of({}, { 'ka.verb': 'get' })).toEqual({ ours: true });
    expect(await of(releasing, { 'ka.verb': 'patch' })).toEqual({ ours: true });
    expect(await of({}, { 'ka.verb': 'patch' })).toMatchObject({
      ours: false,
      why: expect.stringContaining("the step's verb is delete, the call's is patch"),
    });
    for (const verb of ['create', 'update']) expect(await of(releasing, { 'ka.verb': verb })).toMatchObject({ ours: false });
    const patching = { verb: 'patch', object: binding, uid: 'u', resourceVersion: '1', patch: {}, before: {} } as const;
    expect(await of({ effect: patching }, { 'ka.verb': 'patch' })).toEqual({ ours: true });
  });

  it('knows what takes it back by the verb that does', async () => {
    const undone = { 'ka.auditid': `tiercel/${entryOf().id}/u0` };
    expect(await of({ state: 'undone' }, { ...undone, 'ka.verb': 'create' })).toEqual({ ours: true });
    expect(await of({ state: 'done' }, { ...undone, 'ka.verb': 'get' })).toEqual({ ours: true });
    for (const verb of ['delete', 'patch'])
      expect(await of({ state: 'undone' }, { ...undone, 'ka.verb': verb })).toMatchObject({ ours: false });
    const releasing = { effect: { ...deletion, releases: true }, state: 'undone' } as const;
    expect(await of(releasing, { ...undone, 'ka.verb': 'patch' })).toMatchObject({ ours: false });
    const patching = { verb: 'patch', object: binding, uid: 'u', resourceVersion: '1', patch: {}, before: {} } as const;
    expect(await of({ effect: patching, state: 'undone' }, { ...undone, 'ka.verb': 'patch' })).toEqual({ ours: true });
    expect(await of({ effect: patching, state: 'undone' }, { ...undone, 'ka.verb': 'create' })).toMatchObject({ ours: false });
  });

  it.each([
    ['ka.target.name', 'other'],
    ['ka.target.resource', 'rolebindings'],
    ['ka.target.namespace', 'prod'],
    ['ka.target.name', '..'],
    ['tiercel.apigroup', 'other'],
    ['ka.target.subresource', 'status'],
  ])('tells another object by its %s (%s)', async (field, value) => {
    expect(await of({}, { [field]: value })).toEqual({ ours: false, why: 'the step is about another object than the call' });
  });

  it('goes by the time at which the step was answered, else by the end of its lease', async () => {
    const at = async (received: string, step: Partial<Step>, changes: Partial<Entry> = {}) =>
      (await of(step, { 'tiercel.received': received }, changes)).ours;
    const answered = { atMs: AT_MS + 60_000 };
    expect(await at('2026-11-21T08:27:00Z', answered)).toBe(true);
    expect(await at('2026-11-21T08:27:00.001Z', answered)).toBe(false);
    expect(await at('2026-11-21T08:24:00Z', answered)).toBe(true);
    expect(await at('2026-11-21T08:23:59.999Z', answered)).toBe(false);
    const leased = { leaseUntilMs: AT_MS + 600_000 };
    expect(await at('2026-11-21T08:30:00Z', {}, leased)).toBe(true);
    expect(await at('2026-11-21T08:30:00Z', answered, leased)).toBe(false);
    expect(await at('2026-11-21T08:26:00Z', {})).toBe(true);
    expect(await at('2026-11-21T08:26:01Z', {})).toBe(false);
  });

  it('knows the looks of an open response for as long as somebody may be at it', async () => {
    const looking = { ...look, 'tiercel.received': '2026-11-21T08:30:00Z' };
    const lease = { leaseUntilMs: AT_MS + 600_000 };
    expect(await of({}, looking, { status: 'open', ...lease })).toEqual({ ours: true });
    expect(await of({}, looking, { status: 'done', ...lease })).toMatchObject({ ours: false });
    expect(await of({}, looking, { status: 'open' })).toMatchObject({ ours: false });
  });

  it('takes the question for its own rights for a look, and nothing else that is created', async () => {
    const created = { ...look, 'ka.verb': 'create' };
    expect(await of({}, { ...created, 'ka.target.resource': 'selfsubjectaccessreviews' })).toEqual({ ours: true });
    expect(await of({}, { ...created, 'ka.target.resource': 'tokenreviews' })).toMatchObject({ ours: false });
    expect(await of({}, { ...look, 'ka.verb': 'delete', 'ka.target.resource': 'selfsubjectaccessreviews' })).toMatchObject({ ours: false });
  });

  it('is against what cannot be identified or timed, and what makes no call', async () => {
    const unidentified = { ours: false, why: 'the call cannot be identified' };
    expect(await of({}, { 'ka.uri': null })).toEqual(unidentified);
    expect(await of({}, { 'tiercel.received': 'x' })).toEqual(unidentified);
    expect(await of({ effect: { verb: 'send', channels: ['a'] } }, {})).toMatchObject({
      ours: false,
      why: expect.stringContaining('makes no call'),
    });
  });
});
