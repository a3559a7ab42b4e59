import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import * as z from 'zod';
import type { Stage, StageCluster } from './schema.ts';

/** Longest usual delay of each leg between a request and respond, **seconds**, while nothing fails: what AWS documents, or our own time-outs. */
const LEG = {
  /** "usually less than three minutes" (CloudWatch Logs User Guide, subscriptions). */
  subscription: 180,
  /** From a finished object to a function that reads it: "typically seconds but can sometimes take a minute or longer" (S3, event notifications). */
  announcement: 60,
  /** Until Falco has taken a body, unless the stage says otherwise. */
  webhook: 30,
  /** Falcosidekick, the queue, and one invocation of respond. */
  respond: 60,
} as const;

/** What a policy says about when and for whom it acts; the rest of it is respond's to read and to check. */
const policyAge = z.object({
  policy: z.string(),
  mode: z.string().default('shadow'),
  maxAge: z
    .string()
    .regex(/^\d+[smhd]$/)
    .default('10m'),
  match: z.object({ clusters: z.array(z.string()).optional(), source: z.string().optional() }).default({}),
});
export type PolicyAge = z.output<typeof policyAge>;

/** The policies that are packed with respond. What cannot be read as one is left to `tiercel policy check`. */
export function readPolicyAges(folder: string): PolicyAge[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'));
  return files.flatMap((name) => {
    const items: unknown = parseDocument(readFileSync(join(folder, name), 'utf8')).toJS();
    return (Array.isArray(items) ? items : []).flatMap((item) => policyAge.safeParse(item).data ?? []);
  });
}

/**
 * Clusters whose events come too late for a policy: all it could do is refuse. In shadow too, which must show what enforce would do.
 * Alerts of the nodes (other sources than `k8s_audit`) take other roads.
 */
export function freshnessProblems(
  stage: Stage,
  policies: readonly PolicyAge[],
): { readonly path: (string | number)[]; readonly message: string }[] {
  if (stage.mode === 'off') return [];
  const about = policies.filter(({ mode, match }) => mode !== 'off' && (match.source ?? 'k8s_audit') === 'k8s_audit');
  const late = stage.clusters.flatMap((cluster, index) => {
    const legs = legsOf(stage, cluster);
    const delay = legs.reduce((sum, [, seconds]) => sum + seconds, 0);
    return about
      .filter(({ match, maxAge }) => (match.clusters?.includes(cluster.name) ?? true) && secondsOf(maxAge) < delay)
      .map(({ policy, maxAge }) => ({
        path: ['clusters', index, cluster.path === 'archive' ? 'firehoseBufferSeconds' : 'path'],
        message: `events of ${cluster.name} may take ${delay} s to respond (${legs.map(([leg, seconds]) => `${leg} ${seconds}`).join(' + ')}), but policy ${policy} acts on nothing older than ${maxAge}; ${advice(stage, cluster, secondsOf(maxAge), delay)}`,
      }));
  });
  const rotation = stage.macKeyRotationDays * 86_400;
  const outlived = about
    .filter(({ maxAge }) => secondsOf(maxAge) > rotation)
    .map(({ policy, maxAge }) => ({
      path: ['macKeyRotationDays'],
      message: `policy ${policy} acts on events as old as ${maxAge}, but the key that signed them is believed for ${stage.macKeyRotationDays} d after it was replaced; rotate less often, or lower its maxAge`,
    }));
  return [...late, ...outlived];
}

type Leg = readonly [name: string, seconds: number];

function legsOf({ detection, falco }: Stage, { path, firehoseBufferSeconds }: StageCluster): Leg[] {
  const archived: Leg[] = [
    ['Firehose buffer', firehoseBufferSeconds],
    ['S3 and SQS', LEG.announcement],
  ];
  const webhook = falco?.requestTimeoutMs === undefined ? LEG.webhook : Math.ceil(falco.requestTimeoutMs / 1000);
  return [
    ['CloudWatch Logs', LEG.subscription],
    ...(path === 'archive' ? archived : []),
    ...(detection === 'falco' ? ([['Falco', webhook]] as const) : []),
    ['respond', LEG.respond],
  ];
}

function advice(stage: Stage, { path, firehoseBufferSeconds }: StageCluster, maxAge: number, delay: number): string {
  const enough = `raise its maxAge to ${Math.ceil(delay / 60)}m`;
  const buffer = firehoseBufferSeconds - (delay - maxAge);
  if (path === 'archive') return `${buffer >= 0 ? `lower firehoseBufferSeconds to ${buffer}` : 'use path: stream'}, or ${enough}`;
  return stage.falco?.requestTimeoutMs === undefined ? enough : `lower falco.requestTimeoutMs, or ${enough}`;
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const secondsOf = (duration: string): number => Number(duration.slice(0, -1)) * UNIT_SECONDS[duration.at(-1)!]!;
