import { DescribeAlarmsCommand, type MetricAlarm } from '@aws-sdk/client-cloudwatch';
import { ListSubscriptionsByTopicCommand } from '@aws-sdk/client-sns';
import { ALARMS } from '../../infra/stage/alarm-table.ts';
import { type Check, type CheckContext, type Finding, fault, ok, restore } from './check.ts';
import type { DeployedStage } from './stage.ts';

export const alarms: Check = {
  id: 'alarms',
  title: 'Every alarm is there as it was made, may ring, reaches somebody, and does not ring.',
  why: 'An alarm that was taken away or silenced looks like a quiet day.',
  needs: (stage) => [
    { actions: ['cloudwatch:DescribeAlarms'], resources: [stage.arn('cloudwatch', 'alarm:*')] },
    ...(stage.alarmTopicArn === undefined ? [] : [{ actions: ['sns:ListSubscriptionsByTopic'], resources: [stage.alarmTopicArn] }]),
  ],
  subjects: (context) => [
    { name: `tiercel-${context.stage.name}-*`, look: () => lookAtAlarms(context) },
    ...(context.stage.alarmTopicArn === undefined
      ? []
      : [{ name: context.stage.alarmTopicArn, look: () => lookAtTopic(context, context.stage.alarmTopicArn!) }]),
  ],
};

async function lookAtAlarms({ stage, aws }: CheckContext): Promise<readonly Finding[]> {
  const found = new Map<string, MetricAlarm>();
  let NextToken: string | undefined;
  do {
    const page = await aws.cloudwatch.send(
      new DescribeAlarmsCommand({ AlarmNamePrefix: `tiercel-${stage.name}-`, AlarmTypes: ['MetricAlarm'], NextToken }),
    );
    for (const alarm of page.MetricAlarms ?? []) found.set(alarm.AlarmName!, alarm);
    NextToken = page.NextToken;
  } while (NextToken !== undefined);

  const templates = alarmTemplates(stage);
  const wanted = [...templates.keys()];
  const missing = wanted.filter((name) => !found.has(name));
  const faults: Finding[] = [];
  if (missing.length > 0) faults.push(fault(`${wanted.length} alarms`, `these are missing: ${missing.join(', ')}`, restore(stage)));
  for (const name of wanted) {
    const alarm = found.get(name);
    if (!alarm) continue;
    if (alarm.ActionsEnabled === false)
      faults.push(fault(`${name} may ring`, 'its actions are disabled', `aws cloudwatch enable-alarm-actions --alarm-names ${name}`));
    if (stage.alarmTopicArn !== undefined && !alarm.AlarmActions?.includes(stage.alarmTopicArn))
      faults.push(fault(`${name} tells ${stage.alarmTopicArn}`, `it tells ${alarm.AlarmActions?.join(', ') || 'nobody'}`, restore(stage)));
    const changed = SETTINGS.filter((setting) => alarm[setting] !== templates.get(name)![setting]);
    if (changed.length > 0) {
      const list = (of: Partial<MetricAlarm>) => changed.map((setting) => `${setting} ${of[setting] ?? '(nothing)'}`).join(', ');
      faults.push(fault(`${name}: ${list(templates.get(name)!)}`, list(alarm), restore(stage)));
    }
    if (alarm.StateValue === 'ALARM')
      faults.push(fault(`${name} is quiet`, `it rings: ${alarm.StateReason ?? 'no reason given'}`, runbookOf(name, stage)));
  }
  if (faults.length > 0) return faults;
  const blind = wanted.filter((name) => found.get(name)?.StateValue === 'INSUFFICIENT_DATA').length;
  return [ok(`${wanted.length} alarms, none rings${blind > 0 ? `, ${blind} have no reading yet` : ''}`)];
}

/** What decides when an alarm rings, but its dimensions, which name resources of the stack. */
const SETTINGS = [
  'Namespace',
  'MetricName',
  'Statistic',
  'ExtendedStatistic',
  'ComparisonOperator',
  'Threshold',
  'Period',
  'EvaluationPeriods',
  'TreatMissingData',
] as const;

function alarmTemplates(stage: DeployedStage): ReadonlyMap<string, Partial<MetricAlarm>> {
  const made = Object.values(stage.alarms.Resources).filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm');
  return new Map(made.map(({ Properties }) => [(Properties as MetricAlarm).AlarmName!, Properties as MetricAlarm]));
}

function runbookOf(name: string, stage: DeployedStage): string {
  const alarm = ALARMS.find(({ id }) => name.startsWith(`tiercel-${stage.name}-${id}-`));
  return alarm === undefined
    ? 'See docs/operate/alarms.md'
    : `docs/operate/alarms.md#${alarm.id.toLowerCase()}: ${alarm.runbook.join(' ')}`;
}

async function lookAtTopic({ aws }: CheckContext, TopicArn: string): Promise<Finding> {
  const expected = 'somebody who is subscribed and has confirmed it';
  const subscribe = `aws sns subscribe --topic-arn ${TopicArn} --protocol email --notification-endpoint <address>`;
  try {
    const { Subscriptions = [] } = await aws.sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
    const confirmed = Subscriptions.filter(({ SubscriptionArn }) => SubscriptionArn?.startsWith('arn:')).length;
    if (confirmed > 0) return ok(`${confirmed} subscribed`);
    return fault(expected, Subscriptions.length > 0 ? 'nobody has confirmed' : 'nobody is', subscribe);
  } catch (error) {
    if ((error as Error).name !== 'NotFoundException') throw error;
    return fault(
      'the topic alarms are sent to',
      'there is none',
      `aws sns create-topic --name ${TopicArn.split(':').at(-1)}, then ${subscribe}`,
    );
  }
}
