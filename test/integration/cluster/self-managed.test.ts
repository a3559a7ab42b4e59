import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { createEvaluator, loadRules } from '../../../shared/falco/engine/index.ts';
import type { JsonValue } from '../../../shared/platform/kube/index.ts';
import { startCluster, type TestCluster } from '../../cluster/start.ts';
import { TestAuthority } from '../../support/certificates.ts';
import { FalcoStandIn } from '../../support/falco-stand-in.ts';
import { eventually, FollowRun } from '../../support/follow-run.ts';
import { packFiles } from '../../unit/rules/pack.ts';

const infra = resolve(import.meta.dirname, '../../../infra/self-managed');
const text = (name: string) => readFileSync(join(infra, name), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'self-managed-'));

let cluster: TestCluster;
/** At the end of the API server's webhook, and of `tiercel follow`. */
let [pushed, followed]: FalcoStandIn[] = [];

const call = { auditId: '' };
const CORE = { apiGroup: '', apiVersion: 'v1' } as const;
const SECRET_VALUE = 'do-not-write-this-down';

beforeAll(async () => {
  const authority = new TestAuthority();
  writeFileSync(join(folder, 'ca.crt'), authority.cert);
  const tls = authority.issue('falco');
  pushed = await FalcoStandIn.start({ tls });
  followed = await FalcoStandIn.start({ tls });
  const webhook = parse(text('webhook-kubeconfig.yaml'));
  webhook.clusters[0].cluster.server = pushed.url;
  webhook.clusters[0].cluster['certificate-authority'] = join(folder, 'ca.crt');
  cluster = await startCluster([{ name: 'mallory', groups: ['system:masters'] }], {
    policy: text('audit-policy.yaml'),
    webhook: stringify(webhook),
  });
});
afterAll(async () => {
  await cluster?.stop();
  await pushed?.stop();
  await followed?.stop();
  rmSync(folder, { recursive: true });
});

const evaluator = createEvaluator(loadRules(packFiles()).rules, { ruleMatching: 'all' });
/** Rules that speak up about what mallory did. */
function rulesAbout(events: readonly string[]): string[] {
  const rules = events
    .filter((event) => JSON.parse(event).user?.username === 'mallory')
    .flatMap((event) => {
      // Those in the webhook's lists have no kind of their own.
      const verdict = evaluator.evaluate(Buffer.from(event.startsWith('{"kind"') ? event : `{"kind":"Event",${event.slice(1)}`));
      return verdict.kind === 'evaluated' ? verdict.alerts.map(({ rule }) => rule) : [];
    });
  return [...new Set(rules)].sort();
}
const idOf = (event: string) => JSON.parse(event).auditID as string;

describe('a kube-apiserver with our audit policy', () => {
  it('writes down what the rules need and no secret, to its log and to its webhook; follow delivers the log', async () => {
    const mallory = cluster.client('mallory');
    const at = (resource: string, name: string, group: object = CORE) => ({ ...CORE, ...group, resource, namespace: 'default', name });
    const make = (reference: ReturnType<typeof at>, body: Record<string, JsonValue>) =>
      mallory.create(reference, { metadata: { name: reference.name, namespace: 'default' }, ...body }, call);
    await make(at('secrets', 's'), { apiVersion: 'v1', kind: 'Secret', stringData: { password: SECRET_VALUE } });
    await make(at('pods', 'p'), {
      apiVersion: 'v1',
      kind: 'Pod',
      spec: { containers: [{ name: 'c', image: 'i', securityContext: { privileged: true } }] },
    });
    const event = await make(at('events', 'e'), {
      apiVersion: 'v1',
      kind: 'Event',
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
      reason: 'r',
    });
    await mallory.delete(at('events', 'e'), { uid: event.metadata.uid }, call);
    const rbac = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1' };
    await mallory.create(
      { ...rbac, resource: 'clusterrolebindings' },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'b' },
        roleRef: { apiGroup: rbac.apiGroup, kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ kind: 'User', name: 'eve', apiGroup: rbac.apiGroup }],
      },
      call,
    );
    await mallory.mayI({ verb: 'impersonate', object: { ...CORE, resource: 'users', name: 'admin' } }, call);

    const follow = new FollowRun(['--to', followed!.url, '--ca', join(folder, 'ca.crt'), '--from', 'start', cluster.auditLog]);
    const written = () => readFileSync(cluster.auditLog, 'utf8').split('\n').slice(0, -1);
    // All that mallory did is in the log: it is written before the answer.
    const byMallory = new Set(
      written()
        .filter((line) => line.includes('"username":"mallory"'))
        .map(idOf),
    );
    const arrived = ({ events }: FalcoStandIn) => [...byMallory].every((id) => events.some((one) => idOf(one) === id));
    expect(await eventually(() => arrived(pushed!) && arrived(followed!), 20_000)).toBe(true);
    expect(await follow.end('SIGTERM')).toBe(0);

    const expected = [
      'Binding to cluster-admin Created or Changed',
      'Kubernetes Events Deleted',
      'Powerful Permission Probed',
      'Privileged Pod Created',
    ];
    expect(rulesAbout(written())).toEqual(expect.arrayContaining(expected));
    expect(rulesAbout(pushed!.events)).toEqual(rulesAbout(written()));
    expect(rulesAbout(followed!.events)).toEqual(rulesAbout(written()));
    expect(new Set(followed!.events).size).toBe(followed!.events.length);
    expect(pushed!.dropped).toEqual([]);
    // What a response needs to act on exactly this pod.
    const pod = written()
      .map((line) => JSON.parse(line))
      .find(({ objectRef, verb }) => objectRef?.resource === 'pods' && verb === 'create');
    expect(pod.responseObject.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    for (const said of [written(), pushed!.events, followed!.events]) {
      expect(said.join('\n')).not.toContain(SECRET_VALUE);
      expect(said.join('\n')).not.toContain(Buffer.from(SECRET_VALUE).toString('base64'));
    }
  });
});
