import { describe, expect, it } from 'vitest';
import type { FalcoAlert } from '../../shared/falco/alert.ts';
import type { RespondDeps } from '../../shared/flows/respond.ts';
import type { ObjectReference } from '../../shared/platform/kube/index.ts';
import type { Entry } from '../../shared/respond/index.ts';
import { actionCatalogue } from '../../shared/respond/index.ts';
import { undo } from '../../shared/respond/undo.ts';
import { ALERT_TIME_MS, cut } from '../support/alerts.ts';
import { createMemoryCluster, type MemoryCluster } from '../support/memory-cluster.ts';
import { createOutside, type Outside } from '../support/outside.ts';
import { deliver, LEASE_MS, responder, sign, testClock } from '../support/responder.ts';

/** One action, and a cluster in which it has something to do. */
export interface ActionCase {
  readonly action: string;
  /** The policy's `with`, as YAML flow. */
  readonly parameters: string;
  /** Unsigned; its UID is filled in from what `prepare` made. */
  readonly alert: (uid: string) => FalcoAlert;
  readonly target: ObjectReference;
  /** Fills the cluster and gives the target. */
  readonly prepare: (cluster: MemoryCluster) => { readonly uid: string };
  /** Holds once the action was carried out, and not before. */
  readonly accomplished: (cluster: MemoryCluster, outside: Outside) => boolean;
  /** How many writes to the cluster it takes; none, where nothing has to be taken back. */
  readonly writes: number;
}

class Crash extends Error {}

/** Throws in front of the call with this number, or (`after`) when it has been made: the process dies between any two effects. */
function crashing<T extends object>(part: T, crash: { left: number; readonly after: boolean }): T {
  return new Proxy(part, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return async (...given: unknown[]) => {
        if (crash.left < 0) throw new Crash('the process is dead');
        if (crash.left-- > 0) return member.apply(target, given);
        if (crash.after) await member.apply(target, given);
        throw new Crash(`died ${crash.after ? 'after' : 'before'} ${String(name)}`);
      };
    },
  });
}

/** What every action must do. */
export function actionContract(given: ActionCase): void {
  const policies = (mode: string) => `
- policy: p
  description: d
  mode: ${mode}
  match: {source: k8s_audit}
  actions: [{action: ${given.action}, with: ${given.parameters}}]
  cooldown: 1s
`;
  const open = (mode = 'enforce') => {
    const clock = testClock(ALERT_TIME_MS - 1000);
    const cluster = createMemoryCluster(clock);
    const { uid } = given.prepare(cluster);
    clock.advance(6000);
    const outside = createOutside();
    const deps: RespondDeps = { ...responder({ clock, client: cluster.client, policies: policies(mode) }), ...outside.deps };
    return { clock, cluster, outside, deps, alert: sign(given.alert(uid)), before: structuredClone(cluster.peek(given.target)) };
  };
  const entriesOf = async (deps: RespondDeps): Promise<readonly Entry[]> => {
    const listed = await deps.journal.list({ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 100 });
    return Promise.all(listed.map(async ({ id }) => (await deps.journal.find(id))!));
  };

  describe(`action: ${given.action}`, () => {
    it('does what it says, and writes down how', async () => {
      const { cluster, outside, deps, alert } = open();
      expect(given.accomplished(cluster, outside)).toBe(false);
      const outcome = await deliver(alert, deps);
      expect(outcome).toMatchObject({ kind: 'answered', entries: [{ status: 'done' }] });
      expect(given.accomplished(cluster, outside)).toBe(true);
      expect(cluster.writes).toHaveLength(given.writes);
      const [entry] = await entriesOf(deps);
      expect(entry!.guards.map(({ verdict }) => verdict)).toEqual(entry!.guards.map(() => 'pass'));
      // Every write under the name of its step; one step may take two.
      const steps = entry!.steps.map((_, at) => `tiercel/${entry!.id}/${at}`);
      expect([...new Set(cluster.writes.map(({ auditId }) => auditId))]).toEqual(steps.slice(0, given.writes));
    });

    it('changes nothing in shadow, and plans the same effects', async () => {
      const shadow = open('shadow');
      expect(await deliver(shadow.alert, shadow.deps)).toMatchObject({ entries: [{ status: 'planned' }] });
      expect(shadow.cluster.writes).toEqual([]);
      expect(shadow.outside.calls).toEqual([]);
      expect(shadow.cluster.calls.every((call) => /^(get|list|ask) /.test(call))).toBe(true);
      const enforced = open();
      await deliver(enforced.alert, enforced.deps);
      const verbs = async (deps: RespondDeps) => (await entriesOf(deps)).flatMap(({ steps }) => steps.map(({ effect }) => effect.verb));
      expect(await verbs(shadow.deps)).toEqual(await verbs(enforced.deps));
    });

    it('asks only for what its permissions name', async () => {
      const { cluster, deps, alert } = open();
      const outcome = await deliver(alert, deps);
      if (outcome.kind !== 'answered') throw new Error('not answered');
      const action = actionCatalogue.get(given.action)!;
      if (action.undo !== 'none') await undo(outcome.entries[0]!, { by: 't', force: false }, { ...deps, client: cluster.client });
      const granted = new Set(action.permissions(outcome.entries[0]!.parameters).map(({ verb, resource }) => `${verb} ${resource}`));
      const asked = new Set(cluster.calls);
      // What is granted only to an operator is not in the permissions.
      if (action.undo === 'operator') for (const call of [...asked]) if (call.startsWith('create ')) asked.delete(call);
      expect([...asked].filter((call) => !granted.has(call))).toEqual([]);
    });

    it('acts once for the same happening alerted by two rules, in two stages, at once', async () => {
      const { cluster, outside, deps, alert } = open();
      const variants = [
        alert,
        { ...alert, rule: 'Another Rule' },
        { ...alert, uuid: 'x' },
        { ...alert, rule: 'Third', time: alert.time.replace('747', '748') },
      ];
      const outcomes = await Promise.all(variants.map((variant) => deliver(variant, deps)));
      for (const variant of variants) await deliver(variant, deps);
      expect(outcomes.filter(({ kind }) => kind === 'answered').length).toBeGreaterThan(0);
      expect(cluster.writes).toHaveLength(given.writes);
      expect(outside.calls).toEqual([...new Set(outside.calls)]);
      const [entry, ...others] = await entriesOf(deps);
      expect(others).toEqual([]);
      expect([...entry!.rules].sort()).toEqual(['Another Rule', 'Third', alert.rule].sort());
    });

    it('acts again when the auditID is used for another request', async () => {
      const { deps, alert } = open();
      await deliver(alert, deps);
      const other = sign({ ...alert, output_fields: { ...alert.output_fields, 'tiercel.received': '2026-11-21T08:24:54.744999Z' } });
      await deliver(other, deps);
      expect(await entriesOf(deps)).toHaveLength(2);
    });

    const lasting = actionCatalogue.get(given.action)!.undo === 'none';
    it.runIf(lasting)('has nothing to take back, and says so', async () => {
      const { cluster, outside, deps, alert } = open();
      await deliver(alert, deps);
      const [entry] = await entriesOf(deps);
      await expect(undo(entry!, { by: 't', force: true }, { ...deps, client: cluster.client })).rejects.toThrow('it changed nothing');
      expect(cluster.writes).toEqual([]);
      expect(given.accomplished(cluster, outside)).toBe(true);
      expect(await entriesOf(deps)).toEqual([entry]);
    });

    it.skipIf(lasting)('is taken back from the journal alone, twice over', async () => {
      const { cluster, outside, deps, alert, before } = open();
      const outcome = await deliver(alert, deps);
      if (outcome.kind !== 'answered') throw new Error('not answered');
      const entry = await deps.journal.find(outcome.entries[0]!.id);
      const undone = await undo(entry!, { by: 'somebody', force: false }, { ...deps, client: cluster.client });
      expect(undone).toMatchObject({ status: 'undone', remark: 'undone by somebody' });
      expect(given.accomplished(cluster, outside)).toBe(false);
      const restored = cluster.peek(given.target)!;
      expect(restored.metadata.labels).toEqual(before!.metadata.labels);
      expect(restored.spec).toEqual(before!.spec);
      const writes = cluster.writes.length;
      expect((await undo(undone, { by: 'somebody', force: false }, { ...deps, client: cluster.client })).status).toBe('undone');
      expect(cluster.writes).toHaveLength(writes);
    });

    for (const after of [false, true]) {
      it.skipIf(lasting)(`is taken back whole though the process dies ${after ? 'after' : 'before'} any call of the undo`, async () => {
        for (let points = 0; ; points++) {
          const { cluster, outside, deps, alert, before } = open();
          await deliver(alert, deps);
          const [done] = await entriesOf(deps);
          const crash = { left: points, after };
          const dying = { clock: deps.clock, journal: crashing(deps.journal, crash), client: crashing(cluster.client, crash) };
          await undo(done!, { by: 't', force: false }, dying).catch(() => undefined);
          if (crash.left >= 0) break;
          // The command is given again, and reads the journal anew.
          const [left] = await entriesOf(deps);
          const undone = await undo(left!, { by: 't', force: false }, { ...deps, client: cluster.client });
          expect(undone.status, `crash at call ${points}`).toBe('undone');
          expect(given.accomplished(cluster, outside), `crash at call ${points}`).toBe(false);
          expect(cluster.peek(given.target)!.metadata.labels, `crash at call ${points}`).toEqual(before!.metadata.labels);
          // As many steps back as there: nothing was made twice.
          expect(cluster.writes, `crash at call ${points}`).toHaveLength(given.writes + done!.steps.length);
        }
      });
    }

    for (const needed of actionCatalogue.get(given.action)!.needs) {
      it(`is refused without ${needed}`, async () => {
        for (const value of [null, '<NA>', cut('x')]) {
          const { cluster, outside, deps, alert } = open();
          await deliver(sign({ ...alert, output_fields: { ...alert.output_fields, [needed]: value } }), deps);
          expect(cluster.writes).toEqual([]);
          expect(outside.calls).toEqual([]);
          expect((await entriesOf(deps)).map(({ status }) => status)).toEqual(['refused']);
        }
      });
    }

    it('leaves alone an object that was made again under the same name', async () => {
      const { cluster, outside, clock, deps, alert } = open();
      const old = cluster.peek(given.target)!;
      clock.advance(2000);
      const { uid: _uid, creationTimestamp: _time, ...metadata } = old.metadata as unknown as Record<string, unknown>;
      cluster.drop(given.target);
      cluster.put(given.target, { ...old, metadata });
      expect(await deliver(alert, deps)).toMatchObject({ entries: [{ status: 'refused' }] });
      expect(cluster.writes).toEqual([]);
      expect(outside.calls).toEqual([]);
    });

    for (const after of [false, true]) {
      it(`survives a crash ${after ? 'after' : 'before'} any call`, async () => {
        let points = 0;
        let saves = 0;
        for (; ; points++) {
          const { cluster, outside, clock, deps, alert } = open();
          const crash = { left: points, after };
          const dying: RespondDeps = {
            ...deps,
            journal: crashing(deps.journal, crash),
            budgets: crashing(deps.budgets, crash),
            clusters: { clientFor: async () => ({ client: crashing(cluster.client, crash) }) },
            evidence: crashing(deps.evidence!, crash),
            channels: new Map([...deps.channels!].map(([name, channel]) => [name, crashing(channel, crash)])),
          };
          await deliver(alert, dying);
          if (crash.left >= 0) break;
          clock.advance(LEASE_MS + 1);
          const again = await deliver(alert, deps);
          expect(again, `crash at call ${points}`).toMatchObject({ kind: 'answered' });
          const entries = await entriesOf(deps);
          expect(
            entries.map(({ status }) => status),
            `crash at call ${points}`,
          ).toEqual(['done']);
          expect(given.accomplished(cluster, outside), `crash at call ${points}`).toBe(true);
          expect(cluster.writes, `crash at call ${points}`).toHaveLength(given.writes);
          if (lasting) continue;
          saves = entries[0]!.steps.length;
          // The state to go back to is the one before the first attempt.
          await undo(entries[0]!, { by: 't', force: false }, { ...deps, client: cluster.client });
          expect(given.accomplished(cluster, outside), `undo after crash at call ${points}`).toBe(false);
        }
        // At least: one query, one look, one reservation, one record, each write, and the answer to each step.
        expect(points).toBeGreaterThanOrEqual(4 + given.writes + saves);
      });
    }
  });
}
