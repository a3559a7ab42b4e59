import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FieldValue } from '../../../../../shared/falco/alert.ts';
import { actionCatalogue } from '../../../../../shared/respond/action/registry.ts';
import { globMatches } from '../../../../../shared/respond/guard/unprotected.ts';
import { planResponses } from '../../../../../shared/respond/plan.ts';
import { loadPolicies } from '../../../../../shared/respond/policy/read.ts';
import { ALERT_TIME_MS, bindingAlert } from '../../../../support/alerts.ts';

const set = loadPolicies(
  [
    {
      path: 'p.yaml',
      text: `
- policy: p
  description: d
  match: {source: k8s_audit}
  actions: [{action: delete-binding}]
- protect: {namespaces: [kube-system], names: [cluster-admin], users: ["system:apiserver", "eks:*"], groups: [break-glass]}
`,
    },
  ],
  actionCatalogue,
);

/** Names of the guards that did not pass. */
function refusals(fields: Record<string, FieldValue> = {}, nowMs = ALERT_TIME_MS + 5_000): string[] {
  const [draft] = planResponses(bindingAlert(fields), { set, actions: actionCatalogue, nowMs, mode: 'shadow' });
  const names = draft!.guards.filter(({ verdict }) => verdict !== 'pass').map(({ guard }) => guard);
  expect(draft!.status).toBe(names.length === 0 ? 'planned' : 'refused');
  return names;
}

describe('guards', () => {
  it('let a complete, fresh, successful call through', () => {
    expect(refusals()).toEqual([]);
  });

  it.each([
    'ka.verb',
    'ka.target.resource',
    'ka.user.name',
    'ka.user.groups',
    'ka.response.code',
    'ka.auditid',
    'tiercel.received',
    'tiercel.uid',
    'tiercel.apigroup',
    'tiercel.apiversion',
    'ka.uri',
    'ka.stage',
  ])('refuse when %s is missing in any spelling', (name) => {
    for (const value of [null, '', '<NA>', []]) expect(refusals({ [name]: value }), JSON.stringify(value)).not.toEqual([]);
  });

  it.each(['ka.verb', 'ka.target.resource', 'ka.target.name', 'ka.user.name', 'ka.auditid', 'ka.uri', 'tiercel.uid'])(
    'refuse when %s was truncated',
    (name) => {
      expect(refusals({ [name]: 'x[...]' })).not.toEqual([]);
    },
  );

  it.each(['403', '409', '404', '500', '0', '101', '2011', 'x'])('refuse a call that was answered %s', (code) => {
    expect(refusals({ 'ka.response.code': code })).toContain('succeeded');
  });

  it('refuse a dry run, however it shows', () => {
    expect(refusals({ 'tiercel.dryrun': 'All' })).toEqual(['succeeded']);
    expect(refusals({ 'ka.uri': '/apis/x?fieldManager=k&dryRun=All' })).toEqual(['succeeded']);
    expect(refusals({ 'ka.uri': '/apis/x?dry%52un=All' })).toEqual(['succeeded']);
  });

  it('refuse what is stale or from the future', () => {
    expect(refusals({}, ALERT_TIME_MS + 601_000)).toEqual(['fresh']);
    expect(refusals({}, ALERT_TIME_MS - 61_000)).toEqual(['fresh']);
    expect(refusals({}, ALERT_TIME_MS - 30_000)).toEqual([]);
  });

  it('refuse a truncated event', () => {
    expect(refusals({ 'tiercel.truncated': 'true' })).toEqual(['whole']);
  });

  it('refuse protected objects and callers', () => {
    const namespaced = { 'ka.target.resource': 'rolebindings' };
    expect(refusals({ ...namespaced, 'ka.target.namespace': 'kube-system' })).toEqual(['unprotected']);
    expect(refusals({ ...namespaced, 'ka.target.namespace': 'prod' })).toEqual([]);
    expect(refusals({ 'ka.target.name': 'cluster-admin' })).toEqual(['unprotected']);
    expect(refusals({ 'ka.user.name': 'eks:addon-manager' })).toEqual(['unprotected']);
    expect(refusals({ 'ka.user.groups': ['a', 'break-glass'] })).toEqual(['unprotected']);
  });

  it('refuse a binding that was there before the call', () => {
    for (const verb of ['update', 'patch', 'get', 'delete']) expect(refusals({ 'ka.verb': verb })).toEqual(['identified']);
  });

  it('refuse an object of another kind', () => {
    expect(refusals({ 'ka.target.resource': 'pods', 'tiercel.apigroup': '<NA>' })).toContain('identified');
  });

  it('never throw and always answer, whatever the fields hold', () => {
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom(null, '<NA>', '', '[...]'),
      fc.array(fc.string(), { maxLength: 3 }),
      fc.bigInt(),
      fc.boolean(),
      fc.double(),
    );
    const names = Object.keys(bindingAlert().output_fields);
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), value), (fields) => {
        refusals(fields as Record<string, FieldValue>);
      }),
    );
  });
});

describe('globMatches', () => {
  it('agrees with the regular expression of the same meaning', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
    fc.assert(
      fc.property(letters, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 }), (pattern, value) => {
        expect(globMatches(pattern, value)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(value));
      }),
    );
  });
});
