import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { prepare } from '../../../shared/audit/index.ts';
import type { FalcoAlert } from '../../../shared/falco/alert.ts';
import { createEvaluator, loadRules, readAppendOutput } from '../../../shared/falco/engine/index.ts';
import { readRuleFiles } from '../../../shared/flows/detection.ts';
import type { TestCluster } from '../../cluster/start.ts';
import { MAC_KEY } from '../../support/responder.ts';

const root = resolve(import.meta.dirname, '../../..');

/** Beside the pack: fires on every change, so that every action can be set off; and on a tunnel in both its stages, as rules without a stage do. */
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
- rule: Tunnel
  desc: d
  condition: ka.target.subresource = portforward
  output: tunnel (user=%ka.user.name)
  priority: NOTICE
  source: k8s_audit
`;

/** Whoever asked for what, as the API server wrote it into its audit log. */
export interface Wanted {
  readonly user: string;
  readonly verb?: string;
  readonly resource: string;
  readonly subresource?: string;
  /** Absent for a creation that was refused: the server reads no body then. */
  readonly name?: string;
  readonly stage?: 'ResponseStarted' | 'ResponseComplete' | undefined;
  /** The rule whose alert it is. @default Changed */
  readonly rule?: string;
}

export interface CallEvent {
  readonly user?: { readonly username?: string };
  readonly verb?: string;
  readonly stage?: string;
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly name?: string };
}

function isAbout({ user, verb, stage, objectRef }: CallEvent, wanted: Wanted): boolean {
  return (
    user?.username === wanted.user &&
    (wanted.verb === undefined || verb === wanted.verb) &&
    (wanted.stage === undefined || stage === wanted.stage) &&
    objectRef?.resource === wanted.resource &&
    objectRef.subresource === wanted.subresource &&
    (wanted.name === undefined || objectRef.name === wanted.name)
  );
}

/** Audit events of a real API server → alerts, by this project's own decode, engine and rules: stamped, signed, with every appended field. */
export function alertSource(cluster: TestCluster): {
  /** The alert about the latest such call. Waits for it. Unless `signed`, the event reaches the engine as it came. */
  alertOf(wanted: Wanted, options?: { readonly signed?: boolean }): Promise<FalcoAlert>;
  /** Alerts about every call by a user so far. */
  allBy(user: string): FalcoAlert[];
} {
  const loaded = loadRules([...readRuleFiles([resolve(root, 'rules/falco')]), { name: 'rules.yaml', text: RULES }]);
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
    async alertOf(wanted, { signed = true } = {}) {
      for (let attempt = 0; attempt < 600; attempt++) {
        const event = cluster.auditEvents().findLast((candidate) => isAbout(candidate, wanted));
        const alert = event && alertsOf(event, signed).find(({ rule }) => rule === (wanted.rule ?? 'Changed'));
        if (alert) return alert;
        await wait(50);
      }
      throw new Error(`no alert about ${JSON.stringify(wanted)}`);
    },
    allBy: (user) =>
      cluster
        .auditEvents()
        .filter((event) => (event as { user?: { username?: string } }).user?.username === user)
        .flatMap((event) => alertsOf(event, true)),
  };
}
