import * as z from 'zod';
import { PRIORITIES } from '../../falco/alert.ts';
import { STATUSES } from '../journal/journal.ts';
import { MODES } from '../mode.ts';
import type { Condition } from './condition.ts';

const name = z.string().min(1).max(200);
const names = z.array(name).min(1);

export const channelNames = z
  .array(z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'expected the name of a channel: lower-case letters, digits and hyphens'))
  .min(1)
  .max(10)
  .refine((given) => new Set(given).size === given.length, { error: 'expected each channel once' })
  .describe('channels of the stage file, by name');

/** `90s`, `15m`, `24h`, `7d` → milliseconds. */
const duration = z
  .string()
  .regex(/^[1-9]\d{0,5}(s|m|h|d)$/, 'expected a duration such as 90s, 15m, 24h or 7d')
  .describe('a duration: digits and s, m, h or d');

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a {@link duration} that passed the schema. */
export function durationMs(text: string): number {
  return Number(text.slice(0, -1)) * UNIT_MS[text.at(-1) as keyof typeof UNIT_MS];
}

const match = z
  .strictObject({
    rules: names.optional().describe('names of Falco rules, any of them, exactly as written in the rule'),
    source: name.optional().describe('the source of the alert: k8s_audit, syscall'),
    priority: z.enum(PRIORITIES).optional().describe('at least this urgent'),
    tags: names.optional().describe('all of these tags'),
    clusters: names.optional().describe('names of clusters, any of them'),
    condition: z
      .string()
      .min(1)
      .max(20_000)
      .optional()
      .describe("a condition in Falco's language over the alert's fields; a missing field never matches, not even behind `not`"),
  })
  .refine((value) => Object.values(value).some((member) => member !== undefined), {
    error: 'expected at least one thing to match by: an empty match would take every alert',
  });

const budget = z
  .strictObject({
    per: duration.default('1h').describe('the window in which responses are counted'),
    policy: z.int().min(1).max(1000).default(10).describe('most responses of this policy in a window, all clusters together'),
    cluster: z.int().min(1).max(1000).default(10).describe('most responses of this policy in a window in one cluster'),
    namespace: z.int().min(1).max(1000).default(5).describe('most responses of this policy in a window in one namespace'),
  })
  .describe('how far one policy may go; beyond it, responses are refused');

const step = z.strictObject({
  action: name.describe('an action, see docs/reference/actions.md'),
  with: z.record(z.string(), z.unknown()).optional().describe('parameters of the action'),
});

/** What is said without being asked for: somebody must answer, something was changed, or was meant to be. */
const TOLD_BY_DEFAULT = ['awaiting-approval', 'done', 'failed', 'undone'] as const;

/** A response that is under way is no news. */
const outcomes = z.array(z.enum(STATUSES).exclude(['open'])).min(1);
const notify = z.union([
  channelNames.transform((channels) => ({ channels, on: outcomes.parse(TOLD_BY_DEFAULT) })),
  z.strictObject({
    channels: channelNames,
    on: outcomes.default([...TOLD_BY_DEFAULT]).describe('which outcomes of a response are told; `planned` is told in shadow'),
  }),
]);

/** What `checkPolicy` says of its parts' meaning for each other is not in here. */
export const policySchema = z.strictObject({
  policy: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'expected lower-case letters, digits and hyphens, at most 63')
    .describe('name of the policy, unique'),
  description: z.string().min(1).describe('what it does and why, in a sentence or two'),
  why: z.string().min(1).optional().describe('for its page: why this and nothing else'),
  whenNot: z.string().min(1).optional().describe('for its page: where it would do harm, and what to do about that'),
  mode: z.enum(MODES).default('shadow').describe('the most this policy may do; the deployment and the run-time switch can lower it'),
  match,
  actions: z.array(step).min(1).describe('what to do, in order'),
  budget: budget.prefault({}),
  cooldown: duration.default('10m').describe('after a response of this policy the same object is left alone for this long'),
  approval: z
    .strictObject({ within: duration.default('1h').describe('no answer by then means no') })
    .optional()
    .describe('a person must say yes first: tiercel approve ID'),
  maxAge: duration.default('10m').describe('an older alert is recorded and not acted on'),
  unsigned: z
    .enum(['refuse', 'allow'])
    .default('refuse')
    .describe(
      'alerts without the MAC of this deployment, as those of nodes (FireLens): `refuse` to act on them, which leaves telling people, or `allow` it. Whoever can write to their log group, or to the queue, can then set this policy off',
    ),
  notify: notify.optional().describe('who is told what became of the responses'),
  ttl: duration.optional().describe('the response is taken back by itself after this long'),
  onFailure: z.enum(['stop', 'continue']).default('stop').describe('whether later actions run when an earlier one was refused or failed'),
});

export const protectSchema = z.strictObject({
  protect: z.strictObject({
    namespaces: names.optional().describe('nothing in these namespaces is touched; * stands for any run of characters'),
    names: names.optional().describe('objects of these names are not touched; * as above'),
    labels: names.optional().describe('objects with such a label or annotation are not touched: a key, or key=value; * as above'),
    namespaceLabels: names
      .optional()
      .describe(
        'nothing in namespaces with such a label or annotation is touched; as above. Costs another look, and the right to `get namespaces`',
      ),
    nodes: names.optional().describe('these nodes, and pods on them, are not touched; * as above'),
    users: names
      .optional()
      .describe('what these users did is not answered: names in the cluster, or ARNs of IAM users and roles; * as above'),
    groups: names.optional().describe('what members of these groups did is not answered; * as above'),
  }),
});

/** A policy as written, defaults filled in. */
export type PolicyText = z.infer<typeof policySchema>;

/** A policy ready for use. */
export interface Policy extends PolicyText {
  /** The compiled `match.condition`; holds for every alert when there is none. */
  readonly condition: Condition;
}

export type Protection = Readonly<Record<keyof z.infer<typeof protectSchema>['protect'], readonly string[]>>;
