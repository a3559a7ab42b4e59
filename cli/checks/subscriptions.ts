import { DescribeSubscriptionFiltersCommand, type SubscriptionFilter } from '@aws-sdk/client-cloudwatch-logs';
import { type Check, deploy, type Finding, fault, ok, restore } from './check.ts';
import type { DeployedStage, WantedSubscription } from './stage.ts';

/** CloudWatch Logs allows this many on a log group. */
const SLOTS = 2;

export const subscriptions: Check = {
  id: 'subscriptions',
  title: 'Every log group is subscribed by this stage: to the right function or Firehose, with an empty pattern.',
  why: 'A log group has two places. Whoever takes the second, or changes the filter, cuts the stage off; a pattern drops events that the log agent has cut in two.',
  needs: (stage) => [{ actions: ['logs:DescribeSubscriptionFilters'], resources: logGroupArns(stage) }],
  subjects: ({ stage, aws }) =>
    stage.wantedSubscriptions.map((wanted) => ({
      name: `${wanted.logGroup} (${wanted.filterName})`,
      async look() {
        try {
          const { subscriptionFilters = [] } = await aws.logs.send(
            new DescribeSubscriptionFiltersCommand({ logGroupName: wanted.logGroup }),
          );
          return judge(wanted, subscriptionFilters, stage);
        } catch (error) {
          if ((error as Error).name !== 'ResourceNotFoundException') throw error;
          return fault(
            'the log group',
            'there is none',
            `EKS makes it when audit logging is switched on (see audit-logging); then ${deploy(stage)}`,
          );
        }
      },
    })),
};

function judge(wanted: WantedSubscription, filters: readonly SubscriptionFilter[], stage: DeployedStage): Finding | readonly Finding[] {
  const found = filters.find(({ filterName }) => filterName === wanted.filterName);
  const others = filters.filter((filter) => filter !== found).map(({ filterName = '' }) => filterName);
  if (!found) {
    const came = others.length === 0 ? 'the log group has no subscription' : `it has only ${others.join(', ')}`;
    const room = others.length < SLOTS;
    return fault(
      `subscription ${wanted.filterName} to ${wanted.destinationArn}`,
      room ? came : `${came}, and there is no place for a third`,
      room
        ? restore(stage)
        : `aws logs delete-subscription-filter --log-group-name ${wanted.logGroup} --filter-name <one that is not needed>, then ${deploy(stage)}`,
    );
  }
  const put = `aws logs put-subscription-filter --log-group-name ${wanted.logGroup} --filter-name ${wanted.filterName} --filter-pattern '' --destination-arn ${wanted.destinationArn}`;
  const command = wanted.destinationType === 'Firehose' ? `${put} --role-arn ${found.roleArn ?? '<the role of the filter>'}` : put;
  const faults: Finding[] = [];
  if (found.destinationArn !== wanted.destinationArn)
    faults.push(fault(`destination ${wanted.destinationArn}`, `it is ${found.destinationArn ?? 'none'}`, command));
  if (found.filterPattern !== undefined && found.filterPattern !== '')
    faults.push(fault('an empty pattern', `it is ${JSON.stringify(found.filterPattern)}`, command));
  return faults.length > 0 ? faults : ok(others.length < SLOTS - 1 ? 'in place, one place left' : 'in place');
}

function logGroupArns(stage: DeployedStage): readonly string[] {
  return [...new Set(stage.wantedSubscriptions.map(({ logGroup }) => stage.arn('logs', `log-group:${logGroup}:*`)))];
}
