import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { prepare } from '../../../shared/audit/index.ts';
import type { FalcoAlert } from '../../../shared/falco/alert.ts';
import { createEvaluator, loadRules, readAppendOutput } from '../../../shared/falco/engine/index.ts';
import type { TestCluster } from '../../cluster/start.ts';
import { MAC_KEY } from '../../support/responder.ts';

const root = resolve(import.meta.dirname, '../../..');

/** Fires on every change, so that every action can be set off; the rules of the pack are tried elsewhere. */
const RULES = `
- rule: Changed
  desc: d
  condition: ka.verb in (create, update, patch, delete) and not ka.target.resource in (selfsubjectaccessreviews)
  output: changed (user=%ka.user.name)
  priority: WARNING
  source: k8s_audit
- rule: Read
  desc: d
  condition: ka.verb in (get, list)
  output: read (user=%ka.user.name)
  priority: NOTICE
  source: k8s_audit
`;

/** Whoever asked for what, as the API server wrote it into its audit log. */
export interface Wanted {
  readonly user: string;
  readonly verb?: string;
  readonly resource: string;
  /** Absent for a creation that was refused: the server reads no body then. */
  readonly name?: string;
}

/** Audit events of a real API server → alerts, by this project's own decode and engine: stamped, signed, with every appended field. */
export function alertSource(cluster: TestCluster): {
  /** The alert about the latest such call. Waits for it. @param stamped without it the event reaches the engine unsigned. */
  alertOf(wanted: Wanted, options?: { readonly signed?: boolean }): Promise<FalcoAlert>;
  /** Alerts about every call by a user so far. */
  allBy(user: string): FalcoAlert[];
} {
  const loaded = loadRules([{ name: 'rules.yaml', text: RULES }]);
  if (!loaded.loads) throw new Error(JSON.stringify(loaded.diagnostics));
  const evaluator = createEvaluator(loaded.rules, {
    ruleMatching: 'all',
    appendOutput: readAppendOutput(readFileSync(resolve(root, 'rules/append-output.yaml'), 'utf8')),
  });
  const alertsOf = (event: Record<string, unknown>, signed: boolean): readonly FalcoAlert[] => {
    const record = {
      raw: Buffer.from(JSON.stringify(event)),
      origin: { kind: 'file', path: 'audit.log', offset: 0, line: 1 },
      identity: { cluster: 'test', account: '111122223333', region: 'eu-west-1' },
    } as const;
    const prepared = prepare(record, signed ? { mac: MAC_KEY } : {}, { maxEventBytes: 262_144 });
    if (prepared.kind !== 'record') throw new Error(JSON.stringify(prepared));
    const verdict = evaluator.evaluate(prepared.record.raw);
    return verdict.kind === 'evaluated' ? verdict.alerts : [];
  };
  return {
    async alertOf({ user, verb, resource, name }, { signed = true } = {}) {
      for (let attempt = 0; attempt < 100; attempt++) {
        const event = cluster.auditEvents().findLast((candidate) => {
          const {
            user: caller,
            objectRef,
            verb: asked,
          } = candidate as { user?: { username?: string }; verb?: string; objectRef?: { resource?: string; name?: string } };
          return (
            caller?.username === user &&
            (verb === undefined || verb === asked) &&
            objectRef?.resource === resource &&
            (name === undefined || objectRef?.name === name)
          );
        });
        const alert = event && alertsOf(event, signed)[0];
        if (alert) return alert;
        await wait(50);
      }
      throw new Error(`no audit event of ${user} about ${resource} ${name}`);
    },
    allBy: (user) =>
      cluster
        .auditEvents()
        .filter((event) => (event as { user?: { username?: string } }).user?.username === user)
        .flatMap((event) => alertsOf(event, true)),
  };
}
