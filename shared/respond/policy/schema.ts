import * as z from 'zod';
import { PRIORITIES } from '../../falco/alert.ts';
import { MODES } from '../mode.ts';

const name = z.string().min(1).max(200);
const names = z.array(name).min(1);

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
  })
  .refine((value) => Object.values(value).some((member) => member !== undefined), {
    error: 'expected at least one thing to match by: an empty match would take every alert',
  });

const step = z.strictObject({
  action: name.describe('an action, see docs/reference/actions.md'),
  with: z.record(z.string(), z.unknown()).optional().describe('parameters of the action'),
});

export const policySchema = z.strictObject({
  policy: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'expected lower-case letters, digits and hyphens, at most 63')
    .describe('name of the policy, unique'),
  description: z.string().min(1).describe('what it does and why, in a sentence or two'),
  mode: z.enum(MODES).default('shadow').describe('the most this policy may do; the deployment and the run-time switch can lower it'),
  match,
  actions: z.array(step).min(1).describe('what to do, in order'),
  maxAge: duration.default('10m').describe('an older alert is recorded and not acted on'),
});

export const protectSchema = z.strictObject({
  protect: z.strictObject({
    namespaces: names.optional().describe('nothing in these namespaces is touched; * stands for any run of characters'),
    names: names.optional().describe('objects of these names are not touched; * as above'),
    users: names.optional().describe('what these users did is not answered; * as above'),
    groups: names.optional().describe('what members of these groups did is not answered; * as above'),
  }),
});

export const policyFileSchema = z.array(z.union([policySchema, protectSchema]));

export type Policy = z.infer<typeof policySchema>;
export type PolicyInput = z.input<typeof policySchema>;
export type Protection = Readonly<Record<keyof z.infer<typeof protectSchema>['protect'], readonly string[]>>;
