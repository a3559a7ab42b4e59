import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FalcoAlert } from '../../../shared/falco/alert.ts';
import { type RespondDeps, respondToAlerts, respondToCommand } from '../../../shared/flows/respond.ts';
import { KubeStatusError, type ObjectReference } from '../../../shared/platform/kube/index.ts';
import { actionCatalogue, type Entry, loadPolicies, type PolicySet } from '../../../shared/respond/index.ts';
import { undo } from '../../../shared/respond/undo.ts';
import { createOutside } from '../../support/outside.ts';
import { CALL, makeBinding, makePod, makeRoleBinding, POD_OWNERS } from './objects.ts';
import { expectNarrow, needlessRights } from './rights.ts';
import {
  admin,
  closeScene,
  cluster,
  gone,
  isolated,
  labelsOf,
  mallory,
  openScene,
  RESPOND,
  responder,
  source,
  undoer,
  writesOf,
} from './scene.ts';
import { nextSecond, openStream } from './streams.ts';

const folder = resolve(import.meta.dirname, '../../../rules/respond');

/** The policies as they are shipped, or as an operator would set them after a while. */
function shipped(mode: 'shadow' | 'enforce'): PolicySet {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'));
  return loadPolicies(
    files.map((path) => ({ path, text: readFileSync(join(folder, path), 'utf8').replaceAll('mode: shadow', `mode: ${mode}`) })),
    actionCatalogue,
  );
}

beforeAll(() => openScene(shipped('enforce')));
afterAll(closeScene);

/** What an attacker does, and a policy answers. */
interface Attack {
  readonly policy: string;
  readonly what: string;
  /** Prepares the ground; the attack itself comes a second later. */
  readonly prepare: () => Promise<ObjectReference | undefined>;
  /** Does it. @returns what it is about, and the alert the pack raises. */
  readonly strike: (ground: ObjectReference | undefined) => Promise<{ readonly target: ObjectReference; readonly alert: FalcoAlert }>;
  readonly accomplished: (target: ObjectReference) => Promise<boolean>;
}

const binding = (what: string, make: typeof makeBinding | typeof makeRoleBinding, held = false): Attack => ({
  policy: 'remove-cluster-admin-binding',
  what,
  prepare: async () => undefined,
  strike: async () => {
    const { reference } = await make(mallory, { held });
    const rule = 'Binding to cluster-admin Created or Changed';
    return {
      target: reference,
      alert: await source.alertOf({ user: 'mallory', resource: reference.resource, name: reference.name, rule }),
    };
  },
  accomplished: gone,
});

const shell = (kind: string): Attack => ({
  policy: 'isolate-pod-after-shell',
  what: `a shell in a pod of a ${kind}`,
  prepare: async () => (await makePod(admin, { kind })).reference,
  strike: async (target) => {
    expect(await openStream(cluster, 'mallory', target!, 'exec')).toBe(101);
    const wanted = { resource: 'pods', subresource: 'exec', stage: 'ResponseStarted', rule: 'Suspicious Exec Command' } as const;
    return { target: target!, alert: await source.alertOf({ user: 'mallory', name: target!.name, ...wanted }) };
  },
  accomplished: isolated,
});

const ATTACKS: readonly Attack[] = [
  binding('a ClusterRoleBinding to cluster-admin', makeBinding),
  binding('a RoleBinding to cluster-admin', makeRoleBinding),
  binding('a ClusterRoleBinding to cluster-admin that a finalizer keeps', makeBinding, true),
  binding('a RoleBinding to cluster-admin that a finalizer keeps', makeRoleBinding, true),
  {
    policy: 'mark-escaping-pod',
    what: 'a privileged pod',
    prepare: async () => undefined,
    strike: async () => {
      const containers = [{ name: 'c', image: 'nginx', securityContext: { privileged: true } }];
      const { reference } = await makePod(mallory, { spec: { containers } });
      return {
        target: reference,
        alert: await source.alertOf({ user: 'mallory', resource: 'pods', name: reference.name, rule: 'Privileged Pod Created' }),
      };
    },
    accomplished: async (target) => (await labelsOf(target))['tiercel.dev/suspect'] === 'reaches-node',
  },
  ...POD_OWNERS.map(shell),
];

/** What one policy makes of an alert, approved where it asks. */
async function respondBy(policy: string, alert: FalcoAlert, deps: RespondDeps): Promise<readonly Entry[]> {
  const times = { killedAtMs: Date.now() + 30_000 };
  const [outcome] = await respondToAlerts([{ kind: 'alert', alert, via: { kind: 'invoke' } }], deps, times);
  if (outcome?.kind !== 'answered') throw new Error(`no answer: ${JSON.stringify(outcome)}`);
  const entries = outcome.entries.filter((entry) => entry.policy === policy);
  return Promise.all(
    entries.map(async (entry) =>
      entry.status === 'awaiting-approval' ? respondToCommand({ verb: 'approve', id: entry.id, by: 'ann' }, deps, times) : entry,
    ),
  );
}

const undoable = ({ action }: Entry) => actionCatalogue.get(action)!.undo !== 'none';

describe('the shipped policies', () => {
  it('each have a scene, and are in shadow', () => {
    const set = shipped('shadow');
    expect([...new Set(ATTACKS.map(({ policy }) => policy))].sort()).toEqual(set.policies.map(({ policy }) => policy).sort());
    expect(set.policies.map(({ mode }) => mode)).toEqual(set.policies.map(() => 'shadow'));
  });

  for (const { policy, what, prepare, strike, accomplished } of ATTACKS) {
    it(`${policy}: ${what}, as the pack of rules tells it`, async () => {
      const ground = await prepare();
      await nextSecond();
      const { target, alert } = await strike(ground);
      const made = (await admin.get(target, CALL))!;
      const before = writesOf(RESPOND);

      const planned = await respondBy(policy, alert, responder('', { set: shipped('shadow') }));
      expect(planned.map(({ status }) => status)).toEqual(planned.map(() => 'planned'));
      expect(planned.length).toBeGreaterThan(0);
      const doubts = planned.flatMap(({ guards }) => guards.filter(({ verdict }) => verdict !== 'pass').map(({ guard }) => guard));
      expect([...new Set(doubts)]).toEqual(['within-budget']);
      expect(writesOf(RESPOND)).toEqual(before);
      expect(await accomplished(target)).toBe(false);

      const outside = createOutside();
      const deps = responder('', { set: shipped('enforce'), outside });
      const done = await respondBy(policy, alert, deps);
      expect(done.map(({ status }) => status)).toEqual(planned.map(() => 'done'));
      expect(await accomplished(target)).toBe(true);
      expect(outside.manifests().flatMap(({ missing }) => missing)).toEqual([]);

      for (const entry of done.filter(undoable)) await undo(entry, { by: 'ann', force: false }, { ...deps, client: undoer(entry) });
      const restored = (await admin.get(target, CALL))!;
      expect({ labels: restored.metadata.labels, spec: restored.spec, roleRef: restored.roleRef }).toEqual({
        labels: made.metadata.labels,
        spec: made.spec,
        roleRef: made.roleRef,
      });
    });
  }
});

describe('the RBAC generated for the shipped policies', () => {
  it('holds no wildcard and nothing that grants', () => {
    expectNarrow(shipped('enforce'));
  });

  it('holds nothing that is not needed: without any one verb a policy fails', async () => {
    expect(await needlessRights(shipped('enforce'), everythingWorks)).toEqual([]);
    expect(await everythingWorks()).toBe(true);
  });

  async function everythingWorks(): Promise<boolean> {
    const grounds = await Promise.all(ATTACKS.map(({ prepare }) => prepare()));
    await nextSecond();
    for (const [at, { policy, strike }] of ATTACKS.entries()) {
      const { alert } = await strike(grounds[at]);
      const outside = createOutside();
      const deps = responder('', { set: shipped('enforce'), outside });
      for (const entry of await respondBy(policy, alert, deps)) {
        if (entry.status !== 'done') return false;
        try {
          if (undoable(entry)) await undo(entry, { by: 'ann', force: false }, { ...deps, client: undoer(entry) });
        } catch (error) {
          if (error instanceof KubeStatusError && error.status === 403) return false;
          throw error;
        }
      }
      // Evidence is kept as far as it can be had; a right that lacks shows in what could not.
      if (outside.manifests().some(({ missing }) => missing.length > 0)) return false;
    }
    return true;
  }
});
