import { parse } from 'yaml';
import * as z from 'zod';
import { type FalcoAlert, PRIORITIES } from '../../falco/alert.ts';
import { systemClock } from '../../platform/clock.ts';
import { messageOf } from '../../platform/errors.ts';
import type { ActionCatalogue } from '../action/action.ts';
import { createMemoryBudgets } from '../budget/index.ts';
import { casesOf, decide } from '../decide.ts';
import { createMemoryJournal } from '../journal/index.ts';
import type { Draft } from '../journal/journal.ts';
import { matches } from './match.ts';
import type { PolicySet } from './read.ts';

const value = z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]);
const fields = z.record(z.string(), value);

/** A `*.test.yaml` file beside policies. */
export const policyTestSchema = z.strictObject({
  policies: z.array(z.string()).min(1).describe('policy files or folders, relative to this file'),
  fields: fields.default({}).describe('fields that every alert below has unless it says otherwise'),
  cases: z
    .array(
      z.strictObject({
        case: z.string().min(1).describe('what happened'),
        alert: z.strictObject({
          rule: z.string(),
          priority: z.enum(PRIORITIES).default('Warning'),
          source: z.string().default('k8s_audit'),
          tags: z.array(z.string()).default([]),
          fields: fields.default({}),
        }),
        expect: z
          .array(
            z.strictObject({
              policy: z.string(),
              action: z.string(),
              status: z.enum(['planned', 'refused']),
              by: z.array(z.string()).default([]).describe('guards that refuse, all of them'),
            }),
          )
          .describe('every response the alert leads to, in order; empty: none'),
      }),
    )
    .min(1),
});
export type PolicyTest = z.output<typeof policyTestSchema>;

export interface CaseResult {
  readonly name: string;
  /** What differs; absent when the case holds. */
  readonly difference?: string;
}

/** @throws Error naming what is wrong with the file. */
export function readPolicyTest(text: string): PolicyTest {
  try {
    return policyTestSchema.parse(parse(text, { merge: true }));
  } catch (error) {
    throw new Error(error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error), { cause: error });
  }
}

/** Runs the cases in shadow, without a cluster: what can be told from the alert alone. */
export async function runPolicyTest(test: PolicyTest, set: PolicySet, actions: ActionCatalogue): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = [];
  for (const given of test.cases) {
    const { case: name, expect } = given;
    const decided = (await answerCase(test, given, set, actions)).map(({ policy, action, status, guards }) => {
      const by = guards.filter(({ verdict }) => verdict === 'refuse').map(({ guard }) => guard);
      return `${policy}/${action}: ${status}${by.length > 0 ? ` by ${by.join(', ')}` : ''}`;
    });
    const wanted = expect.map(
      ({ policy, action, status, by }) => `${policy}/${action}: ${status}${by.length > 0 ? ` by ${by.join(', ')}` : ''}`,
    );
    if (decided.join('\n') === wanted.join('\n')) results.push({ name });
    else
      results.push({ name, difference: `expected ${wanted.join('; ') || 'no response'}\n     got ${decided.join('; ') || 'no response'}` });
  }
  return results;
}

/** What the policies decide about the alert of a case, in shadow and without a cluster. */
export async function answerCase(
  { fields: shared }: Pick<PolicyTest, 'fields'>,
  { alert }: PolicyTest['cases'][number],
  set: PolicySet,
  actions: ActionCatalogue,
): Promise<readonly Draft[]> {
  const output_fields = { ...shared, ...alert.fields };
  return decideAll({ ...alert, output: '', time: '2026-01-01T00:00:00Z', output_fields }, set, actions);
}

async function decideAll(alert: FalcoAlert, set: PolicySet, actions: ActionCatalogue): Promise<readonly Draft[]> {
  const nowMs = Date.parse(alert.time) + 1_000;
  const clock = { ...systemClock, now: () => nowMs };
  const deps = {
    journal: createMemoryJournal(clock),
    clock,
    set,
    actions,
    clusters: { clientFor: async () => ({ why: 'a test has no cluster' }) },
    budgets: createMemoryBudgets(clock),
    macKeys: [],
    principal: {},
  };
  const decided: Draft[] = [];
  for (const policy of set.policies.filter((candidate) => candidate.mode !== 'off' && matches(candidate, alert))) {
    for (const given of casesOf(alert, policy, actions)) {
      decided.push(await decide(given, 'shadow', deps));
    }
  }
  return decided;
}
