import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MacKey } from '../../shared/audit/index.ts';
import { respondToAlerts } from '../../shared/flows/respond.ts';
import { respondInMemory } from '../../shared/flows/respond-in-memory.ts';
import type { Clock } from '../../shared/platform/clock.ts';
import { actionCatalogue, loadPolicies, readTrigger } from '../../shared/respond/index.ts';

/** One line of respond's journal. */
export interface PlannedResponse {
  readonly status: string;
  readonly policy: string;
  readonly intent: string;
  readonly rules: readonly string[];
  /** Guards that did not pass, each with its reason. */
  readonly against: readonly string[];
}

/** Hands alerts to respond as its queue would, in shadow, with a journal in memory and no cluster to look at. */
export async function planInShadow(alerts: readonly string[], policies: string, mac: MacKey, clock: Clock): Promise<PlannedResponse[]> {
  const files = readdirSync(policies)
    .filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))
    .map((name) => ({ path: join(policies, name), text: readFileSync(join(policies, name), 'utf8') }));
  const deps = respondInMemory(loadPolicies(files, actionCatalogue), clock, {
    macKeys: [mac],
    principal: { roleArns: ['arn:aws:iam::111111111111:role/demo-respond'] },
  });
  const items = readTrigger({
    Records: alerts.map((body, at) => ({
      messageId: String(at),
      body,
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:eu-central-1:111111111111:demo',
    })),
  });
  const outcomes = await respondToAlerts(items, deps, { killedAtMs: clock.now() + 60_000 });
  return outcomes.flatMap((outcome) => {
    if (outcome.kind === 'failed') throw outcome.error;
    if (outcome.kind !== 'answered') return [];
    return outcome.entries.map(({ status, policy, intent, rules, guards }) => ({
      status,
      policy,
      intent,
      rules,
      against: guards.filter(({ verdict }) => verdict !== 'pass').map(({ guard, reason }) => `${guard}: ${reason}`),
    }));
  });
}
