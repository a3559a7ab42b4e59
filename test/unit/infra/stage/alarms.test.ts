import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../../../cli/checks/registry.ts';
import { ALARMS } from '../../../../infra/stage/alarm-table.ts';
import { alarms } from '../../../../infra/stage/alarms.ts';
import { parseStage, readStage } from '../../../../infra/stage/read.ts';
import { METRICS, type MetricName, metricRow, type Service } from '../../../../shared/platform/observe/names.ts';
import { readCloudFormation } from '../../../support/cloudformation.ts';

const HEAD = "account: '111111111111'\nregion: eu-central-1\ndetection: embedded\nlogRetentionDays: 30\n";
const root = resolve(import.meta.dirname, '../../../..');
const STAGES = readdirSync(join(root, 'infra/stages')).map((file) => file.replace('.yml', ''));

interface AlarmProperties {
  readonly AlarmName: string;
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Statistic?: string;
  readonly ExtendedStatistic?: string;
  readonly Dimensions: readonly { readonly Name: string; readonly Value: unknown }[];
}

const alarmsOf = (stage: Parameters<typeof alarms>[0]) =>
  Object.values(alarms(stage)).map(({ Properties }) => Properties as unknown as AlarmProperties);

describe.each(STAGES)('alarms of stage %s', (name) => {
  const made = alarmsOf(readStage(name));

  it('watch metrics that are emitted, under the very dimensions', () => {
    for (const { AlarmName, Namespace, MetricName: metric, Dimensions } of made) {
      if (Namespace !== 'Tiercel') continue;
      expect(Object.keys(METRICS), AlarmName).toContain(metric);
      const { by, from } = metricRow(metric as MetricName);
      const values = Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value]));
      expect(values.stage, AlarmName).toBe(name);
      expect(from, AlarmName).toContain(values.service as Service);
      const further = Object.keys(values).filter((dimension) => dimension !== 'service' && dimension !== 'stage');
      expect(
        further.filter((dimension) => dimension !== by),
        AlarmName,
      ).toEqual([]);
    }
  });

  it('have one statistic each, and a name of their own', () => {
    for (const { AlarmName, Statistic, ExtendedStatistic } of made)
      expect(
        [Statistic, ExtendedStatistic].filter((statistic) => statistic !== undefined),
        AlarmName,
      ).toHaveLength(1);
    expect(new Set(made.map(({ AlarmName }) => AlarmName)).size).toBe(made.length);
  });

  it('watch every dead-letter queue', () => {
    const queues = readdirSync(join(root, 'infra/resources')).flatMap((file) =>
      Object.entries(readCloudFormation(readFileSync(join(root, 'infra/resources', file), 'utf8')).Resources ?? {})
        .filter(([id, { Type }]) => Type === 'AWS::SQS::Queue' && id.includes('DeadLetter'))
        .map(([id]) => id),
    );
    expect(queues.length).toBeGreaterThan(3);
    const watched = made.filter(({ MetricName: metric }) => metric === 'ApproximateNumberOfMessagesVisible');
    for (const id of queues) expect(JSON.stringify(watched), id).toContain(`"${id}"`);
  });
});

describe('alarms', () => {
  const stage = {
    name: 'test',
    ...parseStage(
      's.yml',
      `
account: '111111111111'
region: eu-central-1
detection: embedded
logRetentionDays: 30
clusters: [{ name: a }, { name: b, path: archive }, { name: c, path: stream+store }]
`,
    ),
  };
  const of = (id: string) =>
    alarmsOf(stage)
      .filter(({ AlarmName }) => AlarmName.startsWith(`tiercel-test-${id}-`))
      .map(({ AlarmName, Dimensions }) => [
        AlarmName.replace(`tiercel-test-${id}-`, ''),
        Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value])),
      ]);

  it('read the lag of each cluster where its road ends', () => {
    expect(of('IngestLag')).toEqual([
      ['a', { service: 'audit-stream', stage: 'test', cluster: 'a' }],
      ['b', { service: 'audit-archive', stage: 'test', cluster: 'b' }],
      ['c', { service: 'audit-stream', stage: 'test', cluster: 'c' }],
    ]);
  });

  it('watch both subscriptions of a cluster that has two', () => {
    expect(of('DeliveryErrors').map(([label, dimensions]) => [label, (dimensions as { DestinationType: string }).DestinationType])).toEqual(
      [
        ['a', 'Lambda'],
        ['c', 'Lambda'],
        ['b-archive', 'Firehose'],
        ['c-archive', 'Firehose'],
      ],
    );
  });

  it('notice a cluster whose events stop to arrive, wherever its log is', () => {
    const elsewhere =
      "{ name: d, account: '222222222222', region: eu-west-1, path: archive, archiveWriterArn: 'arn:aws:iam::222222222222:role/w' }";
    const two = { name: 'two', ...parseStage('s.yml', `${HEAD}clusters: [{ name: a }, ${elsewhere}]\n`) };
    const silent = alarmsOf(two).filter(({ MetricName: metric }) => metric === 'EventsReceived');
    expect(silent.map(({ AlarmName, Dimensions }) => [AlarmName, Dimensions.at(-1)!.Value, Dimensions[0]!.Value])).toEqual([
      ['tiercel-two-EventsSilent-a', 'a', 'audit-stream'],
      ['tiercel-two-EventsSilent-d', 'd', 'audit-archive'],
    ]);
    for (const alarm of silent) expect(alarm).toMatchObject({ TreatMissingData: 'breaching', ComparisonOperator: 'LessThanThreshold' });
  });

  it('watch the subscription of alerts of nodes, too', () => {
    const nodes = { name: 'nodes', ...parseStage('s.yml', `${HEAD}alertLogGroups: [falco]\nclusters: [{ name: falco }]\n`) };
    const watched = alarmsOf(nodes).filter(({ MetricName: metric }) => metric === 'DeliveryErrors');
    expect(watched.map(({ AlarmName, Dimensions }) => [AlarmName, Dimensions[0]!.Value, Dimensions[2]!.Value])).toEqual([
      ['tiercel-nodes-DeliveryErrors-falco', '/aws/eks/falco/cluster', 'tiercel-audit-nodes'],
      ['tiercel-nodes-DeliveryErrors-alerts/falco', 'falco', 'tiercel-alerts-nodes'],
    ]);
  });

  it('ring at a single failure of what is tried once in a month, and at a single beat from other rules', () => {
    for (const id of ['RotationFails', 'HeartbeatDiffers']) expect(ALARMS.find((alarm) => alarm.id === id)?.periods, id).toBe(1);
  });

  it('have names that CloudWatch takes, for the longest log groups, too', () => {
    const groups = ['a', 'b'].map((last) => `/${'x'.repeat(510)}${last}`);
    const names = alarmsOf({ name: 'longestname1', ...parseStage('s.yml', `${HEAD}alertLogGroups: [${groups.join(', ')}]`) }).map(
      ({ AlarmName }) => AlarmName,
    );
    expect(names.filter((name) => name.includes('alerts/')).length).toBeGreaterThan(2);
    expect(names.filter((name) => name.length > 255)).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('name commands and checks that there are', async () => {
    const program = new Command();
    const folder = join(root, 'cli/commands');
    for (const file of readdirSync(folder)) {
      const exported = (await import(join(folder, file))) as Record<string, unknown>;
      for (const [name, register] of Object.entries(exported))
        if (name.startsWith('register')) (register as (program: Command, exit: () => void) => void)(program, () => {});
    }
    const commands = program.commands.map((command) => command.name());
    const steps = ALARMS.flatMap(({ runbook }) => runbook).join('\n');
    const named = [...steps.matchAll(/`tiercel ([a-z]+)/g)].map(([, command]) => command!);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((command) => !commands.includes(command))).toEqual([]);
    const checks = [...steps.matchAll(/--check ([a-z-]+)/g)].map(([, check]) => check!);
    expect(checks.length).toBeGreaterThan(5);
    expect(checks.filter((check) => !CHECKS.some(({ id }) => id === check))).toEqual([]);
    for (const [, target] of steps.matchAll(/\]\(([\w-]+\.md)/g)) expect(readdirSync(join(root, 'docs/operate'))).toContain(target);
  });

  it('explain themselves, and say what to do', () => {
    for (const { id, title, why, runbook } of ALARMS) {
      expect(
        [title, why, ...runbook].every((text) => text.length > 10),
        id,
      ).toBe(true);
      expect(runbook.length, id).toBeGreaterThan(0);
    }
    expect(new Set(ALARMS.map(({ id }) => id)).size).toBe(ALARMS.length);
  });
});
