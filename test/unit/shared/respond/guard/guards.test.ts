import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { uriFact } from '../../../../../shared/audit/key.ts';
import type { FieldValue } from '../../../../../shared/falco/alert.ts';
import { KubeStatusError } from '../../../../../shared/platform/kube/index.ts';
import { actionCatalogue } from '../../../../../shared/respond/action/registry.ts';
import { createMemoryBudgets } from '../../../../../shared/respond/budget/index.ts';
import { casesOf, decide } from '../../../../../shared/respond/decide.ts';
import { globMatches } from '../../../../../shared/respond/guard/unprotected.ts';
import { createMemoryJournal } from '../../../../../shared/respond/journal/index.ts';
import { loadPolicies } from '../../../../../shared/respond/policy/read.ts';
import { ALERT_TIME_MS, bindingAlert, cut } from '../../../../support/alerts.ts';
import { createMemoryCluster } from '../../../../support/memory-cluster.ts';
import { MAC_KEY, sign, testClock } from '../../../../support/responder.ts';

const set = loadPolicies(
  [
    {
      path: 'p.yaml',
      text: `
- policy: p
  description: d
  mode: enforce
  match: {source: k8s_audit}
  actions: [{action: delete-binding}]
- protect: {namespaces: [kube-system], names: [cluster-admin], labels: ["keep", "tier=gold*"], users: ["system:apiserver", "eks:*", "arn:aws:iam::*:role/break-glass"], groups: [break-glass]}
`,
    },
  ],
  actionCatalogue,
);

/** The object every alert below is about, unless the test takes it away. */
function clusterOf(fields: Record<string, FieldValue>, object: Record<string, unknown> = {}) {
  const cluster = createMemoryCluster({ now: () => ALERT_TIME_MS - 1_000 });
  const namespace = fields['ka.target.namespace'];
  const name = String(fields['ka.target.name'] ?? 'pwn-43');
  const reference = {
    apiGroup: 'rbac.authorization.k8s.io',
    apiVersion: 'v1',
    resource: String(fields['ka.target.resource'] ?? 'clusterrolebindings'),
    name,
  };
  const metadata = { uid: 'f95eb877-a056-424d-89a4-27b2ab04bae2', ...object };
  cluster.put(typeof namespace === 'string' ? { ...reference, namespace } : reference, { metadata });
  return cluster;
}

const unsigned = (fields: Record<string, FieldValue>) => bindingAlert(fields);

/** Names of the guards that did not pass. */
async function refusals(
  fields: Record<string, FieldValue> = {},
  options: { nowMs?: number; alert?: typeof unsigned; cluster?: ReturnType<typeof createMemoryCluster> } = {},
): Promise<string[]> {
  const clock = testClock(options.nowMs ?? ALERT_TIME_MS + 5_000);
  const cluster = options.cluster ?? clusterOf(fields);
  const [given] = casesOf((options.alert ?? ((all) => sign(bindingAlert(all))))(fields), set.policies[0]!, actionCatalogue);
  const draft = await decide(given!, 'enforce', {
    clock,
    set,
    actions: actionCatalogue,
    journal: createMemoryJournal(clock),
    clusters: { clientFor: async () => ({ client: cluster.client }) },
    budgets: createMemoryBudgets(clock),
    macKeys: [MAC_KEY],
    principal: { username: 'tiercel-respond', roleArns: ['arn:aws:iam::111122223333:role/tiercel/respond'] },
  });
  const names = draft.guards.filter(({ guard, verdict }) => verdict !== 'pass' && guard !== 'within-budget').map(({ guard }) => guard);
  expect(draft.status).toBe(names.length === 0 ? 'open' : 'refused');
  expect(cluster.writes).toEqual([]);
  return names;
}

describe('guards', () => {
  it('let a complete, fresh, successful call through', async () => {
    expect(await refusals()).toEqual([]);
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
  ])('refuse when %s is missing in any spelling', async (name) => {
    for (const value of [null, '', '<NA>', []]) expect(await refusals({ [name]: value }), JSON.stringify(value)).not.toEqual([]);
  });

  it.each(['ka.verb', 'ka.target.resource', 'ka.target.name', 'ka.user.name', 'ka.user.groups', 'ka.auditid', 'ka.uri', 'tiercel.uid'])(
    'refuse when %s was truncated',
    async (name) => {
      expect(await refusals({ [name]: name === 'ka.user.groups' ? [cut('x')] : cut('x') })).toContain('identified');
    },
  );

  it('let a cut URI through whose digest was stamped, and nobody out who only writes the mark', async () => {
    const uri = `/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?fieldManager=${'x'.repeat(600)}`;
    const asSent = (whole: string) => ({ 'ka.uri': cut(whole), 'tiercel.uri_digest': uriFact(whole) });
    expect(await refusals(asSent(uri))).toEqual([]);
    expect(await refusals(asSent(`${uri}&dry%52un=All`))).toEqual(['succeeded']);
    const signature = sign(bindingAlert(asSent(uri))).output_fields['tiercel.mac']!;
    const moved = { ...asSent(`${uri}y`), 'tiercel.mac': signature };
    expect(await refusals(moved, { alert: unsigned })).toEqual(['signed']);
    expect(await refusals({ 'ka.auditid': 'x[...]', 'ka.uri': '/apis/x?fieldManager=[...]' })).toEqual([]);
  });

  it.each(['403', '409', '404', '500', '0', '101', '2011', 'x'])('refuse a call that was answered %s', async (code) => {
    expect(await refusals({ 'ka.response.code': code })).toContain('succeeded');
  });

  it('refuse a dry run, however it shows', async () => {
    expect(await refusals({ 'tiercel.dryrun': 'All' })).toEqual(['succeeded']);
    expect(await refusals({ 'ka.uri': '/apis/x?fieldManager=k&dryRun=All' })).toEqual(['succeeded']);
    expect(await refusals({ 'ka.uri': '/apis/x?dry%52un=All' })).toEqual(['succeeded']);
  });

  it('refuse what is stale or from the future', async () => {
    expect(await refusals({}, { nowMs: ALERT_TIME_MS + 601_000 })).toEqual(['fresh']);
    expect(await refusals({}, { nowMs: ALERT_TIME_MS - 61_000 })).toEqual(['fresh']);
    expect(await refusals({}, { nowMs: ALERT_TIME_MS - 900 })).toEqual([]);
    // The alert's own time is not under the MAC; the time of receipt is.
    expect(await refusals({ 'tiercel.received': '2026-11-21T08:14:00.000000Z' })).toEqual(['fresh']);
  });

  it('refuse a truncated event', async () => {
    expect(await refusals({ 'tiercel.truncated': 'true' })).toEqual(['whole']);
  });

  it('refuse protected objects and callers', async () => {
    const namespaced = { 'ka.target.resource': 'rolebindings' };
    expect(await refusals({ ...namespaced, 'ka.target.namespace': 'kube-system' })).toEqual(['unprotected']);
    expect(await refusals({ ...namespaced, 'ka.target.namespace': 'prod' })).toEqual([]);
    expect(await refusals({ 'ka.target.name': 'cluster-admin' })).toEqual(['unprotected']);
    expect(await refusals({ 'ka.user.name': 'eks:addon-manager' })).toEqual(['unprotected']);
    expect(await refusals({ 'ka.user.groups': ['a', 'break-glass'] })).toEqual(['unprotected']);
    const session = 'arn:aws:sts::111122223333:assumed-role/break-glass/ann';
    for (const name of ['ka.user.name', 'tiercel.user_arn', 'tiercel.user_canonical_arn'])
      expect(await refusals({ [name]: session }), name).toEqual(['unprotected']);
    expect(await refusals({ 'tiercel.user_arn': session.replace('break', 'brake') })).toEqual([]);
    for (const name of ['tiercel-respond-look', 'tiercel-respond-act'])
      expect(await refusals({ 'ka.target.name': name })).toEqual(['unprotected']);
    expect(await refusals({ 'ka.target.name': 'tiercel-respond-pwn' })).toEqual([]);
  });

  it('refuse a binding that was there before the call', async () => {
    const answered = { 'ka.response.code': '200' };
    for (const verb of ['update', 'patch', 'get', 'delete'])
      expect(await refusals({ ...answered, 'ka.verb': verb })).toEqual(['identified']);
    // Server-side apply, and an update of what is not there, create.
    for (const verb of ['update', 'patch']) expect(await refusals({ 'ka.verb': verb })).toEqual([]);
  });

  it('refuse a caller or an object that nobody could look at', async () => {
    const blind = createMemoryCluster({ now: () => ALERT_TIME_MS });
    blind.client.get = async () => {
      throw new KubeStatusError('get', 403, 'Forbidden', 'no');
    };
    expect(await refusals({}, { cluster: blind })).toEqual(['unprotected', 'same-object']);
    expect(await refusals({ 'ka.user.name': null })).toContain('not-ours');
  });

  it('refuse an object of another kind', async () => {
    expect(await refusals({ 'ka.target.resource': 'pods', 'tiercel.apigroup': '<NA>' })).toContain('identified');
  });

  it('refuse an object with a protected label or annotation', async () => {
    for (const labels of [{ keep: '' }, { tier: 'golden' }]) {
      expect(await refusals({}, { cluster: clusterOf({}, { labels }) })).toEqual(['unprotected']);
      expect(await refusals({}, { cluster: clusterOf({}, { annotations: labels }) })).toEqual(['unprotected']);
    }
    expect(await refusals({}, { cluster: clusterOf({}, { labels: { tier: 'silver' } }) })).toEqual([]);
  });

  it('refuse what does not carry the MAC of this deployment, or one of another event', async () => {
    expect(await refusals({}, { alert: unsigned })).toEqual(['signed']);
    const stolen = sign(bindingAlert()).output_fields['tiercel.mac']!;
    expect(await refusals({ 'tiercel.mac': stolen }, { alert: unsigned })).toEqual([]);
    for (const moved of [
      { 'ka.target.name': 'victim' },
      { 'ka.response.code': '200' },
      { 'tiercel.ref_uid': 'x' },
      { 'tiercel.account': '1' },
      { 'ka.resp.name': 'victim' },
      { 'ka.resp.name': null },
      { 'tiercel.uid': 'x' },
      { 'tiercel.uid': null, 'tiercel.details_uid': 'f95eb877-a056-424d-89a4-27b2ab04bae2' },
      { 'tiercel.truncated': 'false' },
      { 'ka.user.groups': ['developers'] },
      { 'ka.user.groups': ['developers,system:authenticated'] },
    ]) {
      expect(await refusals({ ...moved, 'tiercel.mac': stolen }, { alert: unsigned })).toContain('signed');
    }
  });

  it('refuse calls by our own identity, by whatever it shows', async () => {
    expect(await refusals({ 'ka.user.name': 'tiercel-respond' })).toEqual(['not-ours']);
    expect(await refusals({ 'ka.user.name': 'tiercel-respond:session' })).toEqual(['not-ours']);
    expect(await refusals({ 'ka.user.name': 'tiercel-responder' })).toEqual([]);
    expect(await refusals({ 'tiercel.user_arn': 'arn:aws:sts::111122223333:assumed-role/respond/x' })).toEqual(['not-ours']);
    expect(await refusals({ 'tiercel.user_canonical_arn': 'arn:aws:iam::111122223333:role/respond' })).toEqual(['not-ours']);
    expect(await refusals({ 'tiercel.user_canonical_arn': 'arn:aws:iam::444455556666:role/respond' })).toEqual([]);
  });

  it('refuse an object that is gone, is another one, or was made after the call', async () => {
    const gone = createMemoryCluster({ now: () => ALERT_TIME_MS });
    expect(await refusals({}, { cluster: gone })).toEqual(['same-object']);
    expect(await refusals({}, { cluster: clusterOf({}, { uid: 'another' }) })).toEqual(['same-object']);
    expect(await refusals({}, { cluster: clusterOf({}, { creationTimestamp: '2026-11-21T08:24:55Z' }) })).toEqual(['same-object']);
    expect(await refusals({}, { cluster: clusterOf({}, { creationTimestamp: '2026-11-21T08:24:54Z' }) })).toEqual([]);
  });

  it('never throw and always answer, whatever the fields hold', async () => {
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom(null, '<NA>', '', '[...]'),
      fc.array(fc.string(), { maxLength: 3 }),
      fc.bigInt(),
      fc.boolean(),
      fc.double(),
    );
    const names = Object.keys(bindingAlert().output_fields);
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...names), value), async (fields) => {
        await refusals(fields as Record<string, FieldValue>);
      }),
    );
  });
});

describe('globMatches', () => {
  it('agrees with the regular expression of the same meaning', async () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
    fc.assert(
      fc.property(letters, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 }), (pattern, value) => {
        expect(globMatches(pattern, value)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(value));
      }),
      { numRuns: 3000 },
    );
  });
});
