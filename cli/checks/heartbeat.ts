import { readHeartbeats } from '../../shared/flows/heartbeats-read.ts';
import { type Check, type CheckContext, deploy, type Finding, fault, ok, restore } from './check.ts';
import { decryption } from './functions.ts';
import type { Cluster } from './stage.ts';

/** Three beats of five minutes, **minutes**. */
const SILENT_MINUTES = 15;

export const heartbeat: Check = {
  id: 'heartbeat',
  title: `Every cluster's heartbeat came back as an alert in the last ${SILENT_MINUTES} minutes, from the rules that the stage names.`,
  why: 'It is the only proof that an event of this cluster becomes an alert. Another digest means that Falco runs other rules, and the pre-filter is off.',
  needs: (stage) => [
    { actions: ['dynamodb:Scan'], resources: [stage.arn('dynamodb', `table/${stage.names.heartbeatTable}`)] },
    decryption(stage, 'dynamodb'),
  ],
  subjects: (context) => {
    const { aws, stage } = context;
    // One scan for all clusters.
    let beats: ReturnType<typeof readHeartbeats> | undefined;
    return stage.beating.map((cluster) => ({
      name: cluster.name,
      async look() {
        beats ??= readHeartbeats({ client: aws.dynamodb, tableName: stage.names.heartbeatTable });
        return judge(cluster, (await beats).get(cluster.name), context);
      },
    }));
  },
};

function judge(
  { path }: Cluster,
  beat: Awaited<ReturnType<typeof readHeartbeats>> extends ReadonlyMap<string, infer Beat> ? Beat | undefined : never,
  { stage, clock }: CheckContext,
): Finding {
  const minutesSince = (ms: number) => Math.floor((clock.now() - ms) / 60_000);
  if (!beat || minutesSince(beat.sentAtMs) > SILENT_MINUTES)
    return fault(
      'a beat every five minutes',
      beat ? `the last was sent ${minutesSince(beat.sentAtMs)} minutes ago` : 'none was ever sent',
      restore(stage),
    );
  const { returned } = beat;
  if (!returned || minutesSince(returned.sentAtMs) > SILENT_MINUTES)
    return fault(
      'that it comes back as an alert',
      returned ? `the last that came back was sent ${minutesSince(returned.sentAtMs)} minutes ago` : 'none ever came back',
      path === 'archive' || stage.detection === 'falco'
        ? 'Follow the road: subscriptions, deliveries, targets, webhook above; then Falco’s rules (docs/operate/falco.md) and Falcosidekick’s output'
        : 'Follow the road: subscriptions, deliveries, functions, queues above',
    );
  // Two while new rules are rolled out.
  const wanted = stage.falcoSettings.rulesDigest.split(';').filter((digest) => digest !== '');
  if (wanted.length > 0 && !wanted.includes(returned.digest ?? ''))
    return fault(
      `rules with digest ${wanted.join(' or ')}`,
      `Falco runs ${returned.digest ?? 'rules that do not say which they are'}`,
      `Roll the rules out to Falco, or put their digest into falco.rulesDigest of infra/stages/${stage.name}.yml; then ${deploy(stage)}`,
    );
  const other = wanted.length > 0 ? returned.earlier.findIndex((digest) => !wanted.includes(digest ?? '')) : -1;
  if (other >= 0)
    return fault(
      `rules with digest ${wanted.join(' or ')} in every replica`,
      `one of the last three beats came from ${returned.earlier[other] ?? 'rules that do not say which they are'}`,
      'In a rollout: wait until it is done. Else kubectl -n falco get pods -o wide, restart those that are older than the rules, and see that all mount the same ConfigMap',
    );
  const seconds = Math.round(returned.roundTripMs / 1000);
  return ok(
    `back after ${seconds} s, ${minutesSince(returned.returnedAtMs)} minutes ago${returned.digest ? `, rules ${returned.digest.slice(0, 12)}` : ''}`,
  );
}
