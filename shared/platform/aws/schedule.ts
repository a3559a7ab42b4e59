import { ConflictException, CreateScheduleCommand, type SchedulerClient } from '@aws-sdk/client-scheduler';

export interface OneOffSchedule {
  /** Unique; at most 64 letters, digits, `.`, `-` or `_`. Scheduling a name again changes nothing. */
  readonly name: string;
  /** Epoch milliseconds; seconds are what counts. */
  readonly atMs: number;
  /** What the target is invoked with. */
  readonly input: unknown;
}

export interface SchedulerTarget {
  readonly groupName: string;
  /** The Lambda function to invoke. */
  readonly targetArn: string;
  /** The role EventBridge Scheduler takes to invoke it. */
  readonly roleArn: string;
}

/** Invokes the target once, at a time, by EventBridge Scheduler; the schedule deletes itself afterwards. */
export async function scheduleOnce(client: SchedulerClient, target: SchedulerTarget, { name, atMs, input }: OneOffSchedule): Promise<void> {
  try {
    await client.send(
      new CreateScheduleCommand({
        Name: name,
        GroupName: target.groupName,
        ScheduleExpression: `at(${new Date(atMs).toISOString().slice(0, 19)})`,
        ScheduleExpressionTimezone: 'UTC',
        FlexibleTimeWindow: { Mode: 'OFF' },
        ActionAfterCompletion: 'DELETE',
        Target: {
          Arn: target.targetArn,
          RoleArn: target.roleArn,
          Input: JSON.stringify(input),
          RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
        },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConflictException)) throw error;
  }
}
