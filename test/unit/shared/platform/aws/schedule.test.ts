import { ConflictException, CreateScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, it } from 'vitest';
import { scheduleOnce } from '../../../../../shared/platform/aws/schedule.ts';

const target = {
  groupName: 'tiercel',
  targetArn: 'arn:aws:lambda:eu-west-1:111122223333:function:respond',
  roleArn: 'arn:aws:iam::111122223333:role/scheduler',
};

it('schedules once, in UTC, and lets the schedule delete itself; doing it again changes nothing', async () => {
  const scheduler = mockClient(SchedulerClient);
  scheduler
    .on(CreateScheduleCommand)
    .resolvesOnce({})
    .rejects(new ConflictException({ message: 'exists', Message: 'exists', $metadata: {} }));
  const one = { name: 'tiercel-x', atMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678), input: { id: 'x' } };
  for (let again = 0; again < 2; again++) await scheduleOnce(new SchedulerClient({}), target, one);
  expect(scheduler.commandCalls(CreateScheduleCommand)[0]?.args[0].input).toMatchObject({
    Name: 'tiercel-x',
    GroupName: 'tiercel',
    ScheduleExpression: 'at(2026-01-02T03:04:05)',
    ScheduleExpressionTimezone: 'UTC',
    ActionAfterCompletion: 'DELETE',
    Target: { Arn: target.targetArn, RoleArn: target.roleArn, Input: '{"id":"x"}' },
  });
});
