import * as fc from 'fast-check';
import { expect } from 'vitest';
import { type RespondDeps, respondToCommand } from '../../shared/flows/respond.ts';
import {
  type KubeClient,
  KubeConnectionError,
  type KubeObject,
  KubeStatusError,
  type ObjectReference,
} from '../../shared/platform/kube/index.ts';
import type { Command, Entry, Mode } from '../../shared/respond/index.ts';
import { ALERT_TIME_MS, bindingAlert } from '../support/alerts.ts';
import { createMemoryCluster } from '../support/memory-cluster.ts';
import { deliver, LEASE_MS, responder, sign, testClock } from '../support/responder.ts';

const POLICIES = `
- protect: {labels: [hands-off]}
- policy: delete
  description: d
  mode: enforce
  match: {source: k8s_audit, rules: [Delete, Delete Too]}
  actions: [{action: delete-object, with: {resources: [pods]}}]
  budget: {policy: 2}
  cooldown: 1s
  maxAge: 24h
- policy: mark
  description: d
  mode: enforce
  match: {source: k8s_audit, rules: [Mark]}
  actions: [{action: label, with: {resources: [pods], labels: {marked: "yes"}}}]
  ttl: 30m
  cooldown: 1s
  maxAge: 24h
- policy: isolate
  description: d
  mode: enforce
  match: {source: k8s_audit, rules: [Isolate]}
  actions: [{action: isolate-pod, with: {enforcement: assume}}]
  approval: {within: 12h}
  cooldown: 1s
  maxAge: 24h
`;

const PODS = 3;
const RULES = ['Delete', 'Delete Too', 'Mark', 'Isolate'] as const;
const podOf = (at: number): ObjectReference => ({ apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: `pod-${at}` });
const OTHERS = { auditId: 'somebody-else' };

/** At which call, of those a process makes to tables and to the cluster, what goes wrong. */
interface Fault {
  readonly at: number;
  readonly kind: (typeof FAULTS)[number];
}

const FAULTS = ['dies before', 'dies after', 'answer lost', 'busy', 'away', 'touched', 'sheltered', 'replaced', 'switch turned'] as const;

class Death extends Error {}

/** As in the policy above. */
const TTL_MS = 30 * 60_000;

const pod = fc.integer({ min: 0, max: PODS - 1 });
const fault: fc.Arbitrary<Fault | undefined> = fc.option(
  fc.record({
    at: fc.integer({ min: 0, max: 16 }),
    kind: fc.constantFrom(...FAULTS),
  }),
  { nil: undefined, freq: 3 },
);
const operation = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('deliver' as const),
      alerts: fc.array(fc.record({ pod, rule: fc.constantFrom(...RULES), fault }), { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('command' as const),
      verbs: fc.array(fc.constantFrom<Command['verb']>('approve', 'deny', 'expire'), { minLength: 1, maxLength: 2 }),
      entry: fc.nat(20),
      fault,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1_000, LEASE_MS, 31 * 60_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('turn' as const), mode: fc.constantFrom<Mode>('off', 'shadow', 'enforce') }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('touched' as const, 'replaced' as const, 'sheltered' as const, 'dropped' as const), pod }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never;

/**
 * One history: alerts and commands, of which some meet a crash, throttling, a lost answer or somebody who writes at the same time; then peace, in which
 * everything comes again. Whatever happens, no response acts twice, on another object, on a protected one, beyond its budget, against the switch or after
 * its no; no containment ends early; the journal knows what was done, and nothing is stuck.
 */
async function run(operations: readonly Operation[]): Promise<void> {
  const clock = testClock(ALERT_TIME_MS - 1000);
  const cluster = createMemoryCluster(clock);
  const originals = Array.from(
    { length: PODS },
    (_, at) => cluster.put(podOf(at), { kind: 'Pod', metadata: { labels: { app: 'web' } }, spec: {} }).metadata.uid,
  );
  clock.advance(5_000);
  const violations: string[] = [];
  /** What respond did: the step's audit id, once for each time it took effect. */
  const effects: string[] = [];
  const markedMs = new Map<string, number>();
  let mode: Mode = 'enforce';
  let turnedMs = clock.now();

  /** Judges every write of respond at the moment it takes effect. */
  const judged: KubeClient = new Proxy(cluster.client, {
    get(target, name) {
      if (name === 'server') return target.server;
      const member = Reflect.get(target, name) as (...given: unknown[]) => Promise<unknown>;
      if (name !== 'patch' && name !== 'delete' && name !== 'create') return member.bind(target);
      return async (reference: ObjectReference, ...rest: unknown[]) => {
        const before = reference.name === undefined ? undefined : cluster.peek(reference);
        const result = await member.call(target, reference, ...rest);
        judge(name, reference, before, (rest.at(-1) as { auditId: string }).auditId);
        return result;
      };
    },
  });
  function judge(verb: string, reference: ObjectReference, before: KubeObject | undefined, auditId: string): void {
    const undoing = /\/u\d+$/.test(auditId);
    if (effects.includes(auditId)) violations.push(`${auditId} took effect twice`);
    effects.push(auditId);
    const [, id = ''] = auditId.split('/');
    if (!undoing) markedMs.set(id, clock.now());
    else if (clock.now() - markedMs.get(id)! < TTL_MS / 2 - 10_000) violations.push(`${auditId} came before its time`);
    if (mode !== 'enforce' && clock.now() - turnedMs >= 1_000) violations.push(`${verb} ${reference.name} in mode ${mode}`);
    if (reference.resource !== 'pods' || verb === 'create') return;
    if (!originals.includes(before!.metadata.uid)) violations.push(`${verb} of another object, ${reference.name}`);
    if (!undoing && before!.metadata.labels?.['hands-off'] !== undefined) violations.push(`${verb} of protected ${reference.name}`);
  }

  const base: RespondDeps = {
    ...responder({ clock, client: judged, policies: POLICIES }),
    expiry: { schedule: async () => {} },
  };
  const somebody = {
    touched: async (at: number) => {
      if (cluster.peek(podOf(at)))
        await cluster.client.patch(podOf(at), { metadata: { annotations: { touched: String(clock.now()) } } }, OTHERS);
    },
    sheltered: async (at: number) => {
      if (cluster.peek(podOf(at))) await cluster.client.patch(podOf(at), { metadata: { labels: { 'hands-off': 'yes' } } }, OTHERS);
    },
    dropped: async (at: number) => cluster.drop(podOf(at)),
    replaced: async (at: number) => {
      cluster.drop(podOf(at));
      cluster.put(podOf(at), { kind: 'Pod', metadata: { labels: { app: 'web' } }, spec: {} });
    },
    'switch turned': async (alone: boolean) => {
      await turn('shadow');
      // One that is between its question and its write when time leaps has asked in good time.
      if (alone) clock.advance(1_000);
    },
  };
  async function turn(to: Mode): Promise<void> {
    if (mode === 'enforce') turnedMs = clock.now();
    mode = to;
    await base.modeSwitch.turn({ mode, by: 'ann', at: '', why: '' });
  }

  /** A process in which one call goes wrong. */
  function process(broken: Fault | undefined, at: number, alone = true): RespondDeps {
    if (!broken) return base;
    let left = broken.at;
    const through = <Part extends object>(part: Part, remote: 'cluster' | 'table'): Part =>
      new Proxy(part, {
        get(target, name) {
          const member = Reflect.get(target, name);
          if (typeof member !== 'function') return member;
          return async (...given: unknown[]) => {
            if (left < 0 && broken.kind.startsWith('dies')) throw new Death('the process is dead');
            if (left-- !== 0) return member.apply(target, given);
            if (broken.kind === 'dies before') throw new Death('died before');
            if (broken.kind === 'switch turned') {
              // Not before: what is on its way cannot be called back.
              const answer = await member.apply(target, given);
              await somebody['switch turned'](alone);
              return answer;
            }
            if (broken.kind in somebody) {
              await somebody[broken.kind as 'touched'](at);
              return member.apply(target, given);
            }
            if (broken.kind !== 'busy' && broken.kind !== 'away') await member.apply(target, given);
            if (broken.kind === 'dies after') throw new Death('died after');
            if (remote === 'table') throw new Error('ProvisionedThroughputExceededException');
            throw broken.kind === 'busy'
              ? new KubeStatusError('asking', 503, 'ServiceUnavailable', 'busy')
              : new KubeConnectionError('asking', 'got nothing');
          };
        },
      });
    return {
      ...base,
      journal: through(base.journal, 'table'),
      budgets: through(base.budgets, 'table'),
      modeSwitch: through(base.modeSwitch, 'table'),
      clusters: { clientFor: async () => ({ client: through(judged, 'cluster') }) },
    };
  }

  const alertOf = (at: number, rule: string) =>
    sign(
      bindingAlert(
        {
          'ka.auditid': 'chosen-by-the-caller',
          'ka.target.resource': 'pods',
          'ka.target.namespace': 'prod',
          'ka.target.name': `pod-${at}`,
          'ka.resp.name': `pod-${at}`,
          'tiercel.apigroup': '<NA>',
          'tiercel.uid': originals[at]!,
        },
        { rule },
      ),
    );
  const delivered = new Map<string, readonly [number, string]>();
  const entries = async (): Promise<readonly Entry[]> => {
    const listed = await base.journal.list({ fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 1_000 });
    return Promise.all(listed.map(async ({ id }) => (await base.journal.find(id))!));
  };

  for (const step of operations) {
    if (step.do === 'deliver') {
      await Promise.all(
        step.alerts.map(async ({ pod: at, rule, fault: broken }) => {
          delivered.set(`${at} ${rule}`, [at, rule]);
          await deliver(alertOf(at, rule), process(broken, at, step.alerts.length === 1)).catch(() => undefined);
        }),
      );
    } else if (step.do === 'command') {
      const all = await entries();
      const entry = all[step.entry % Math.max(1, all.length)];
      const deps = process(step.fault, 0);
      const told = (verb: Command['verb']) =>
        respondToCommand({ verb, id: entry!.id, by: 'ann' }, deps, { killedAtMs: clock.now() + LEASE_MS }).catch(() => undefined);
      if (entry) await Promise.all(step.verbs.map(told));
    } else if (step.do === 'pass') clock.advance(step.ms);
    else if (step.do === 'turn') await turn(step.mode);
    else await somebody[step.do](step.pod);
  }
  expect(violations).toEqual([]);

  // Peace: everything comes again.
  await turn('enforce');
  clock.advance(LEASE_MS + 1_000);
  for (const [at, rule] of delivered.values()) expect(await deliver(alertOf(at, rule), base)).toMatchObject({ kind: 'answered' });
  for (const { id, status } of await entries()) {
    if (status !== 'open') continue;
    // One whose alert had been acknowledged in mode off; where its object is gone, nobody can tell any more whether it was carried out.
    const tell = (verb: Command['verb']) => respondToCommand({ verb, id, by: 'ann' }, base, { killedAtMs: clock.now() + LEASE_MS });
    await tell('approve').catch(() => tell('deny'));
  }
  clock.advance(31 * 60_000);
  for (const { id, expiresAtMs } of await entries())
    if (expiresAtMs !== undefined)
      await respondToCommand({ verb: 'expire', id, by: 'the clock' }, base, { killedAtMs: clock.now() + LEASE_MS });
  const settled = await entries();
  expect(violations).toEqual([]);
  expect(settled.filter(({ status }) => status === 'open')).toEqual([]);
  expect(settled.filter(({ status, expiresAtMs }) => status === 'done' && expiresAtMs !== undefined)).toEqual([]);
  // The journal knows of everything that took effect; only who gave a response up in the middle left that open.
  for (const { id, status, action, remark = '' } of settled) {
    if (!effects.some((effect) => effect.startsWith(`tiercel/${id}/`)) || remark.startsWith('given up')) continue;
    // A label went with its pod when another came in its stead; a deletion has to be undone all the same.
    expect(['done', 'undone', 'failed', ...(action === 'delete-object' ? [] : ['superseded'])]).toContain(status);
  }
  // As many as the budget allows, and one response to one happening.
  const deletions = new Set(effects.filter((id) => settled.some((entry) => entry.policy === 'delete' && id === `tiercel/${entry.id}/0`)));
  expect(deletions.size).toBeLessThanOrEqual(2);
  const acted = settled
    .filter(({ status }) => !['refused', 'planned', 'awaiting-approval', 'denied'].includes(status))
    .map(({ event, action }) => `${event} ${action}`);
  expect(new Set(acted).size).toBe(acted.length);
  for (const entry of settled.filter(({ status, action }) => status === 'done' && action === 'delete-object'))
    expect(cluster.peek(entry.target!)?.metadata.uid).not.toBe(entry.target!.uid);
}

/** Runs that many random histories. */
export async function checkHistories(numRuns: number): Promise<void> {
  await fc.assert(fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 14 }), run), { numRuns });
}
