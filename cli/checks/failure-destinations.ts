import { GetFunctionEventInvokeConfigCommand } from '@aws-sdk/client-lambda';
import { type Check, fault, ok, restore } from './check.ts';
import type { DeployedStage } from './stage.ts';

export const failureDestinations: Check = {
  id: 'failure-destinations',
  title: 'What a function cannot bring to an end is kept: its failed invocations go to the right bucket.',
  why: 'CloudWatch Logs, SNS and the clock call asynchronously; without a destination Lambda drops the third failed attempt, and nobody has the events any more.',
  needs: (stage) => [
    {
      actions: ['lambda:GetFunctionEventInvokeConfig'],
      resources: failureBuckets(stage).map(([name]) => stage.functionArn(name)),
    },
  ],
  subjects: ({ stage, aws }) =>
    failureBuckets(stage).map(([FunctionName, bucket]) => ({
      name: FunctionName,
      async look() {
        const wanted = `arn:${stage.partition}:s3:::${bucket}`;
        try {
          const { DestinationConfig } = await aws.lambda.send(new GetFunctionEventInvokeConfigCommand({ FunctionName }));
          const came = DestinationConfig?.OnFailure?.Destination;
          if (came === wanted) return ok(`failures go to ${bucket}`);
          return fault(
            `failures going to ${wanted}`,
            came === undefined || came === '' ? 'they go nowhere' : `they go to ${came}`,
            restore(stage),
          );
        } catch (error) {
          if ((error as Error).name !== 'ResourceNotFoundException') throw error;
          return fault(`failures going to ${wanted}`, 'they go nowhere', restore(stage));
        }
      },
    })),
};

/** As infra/resources/{invocation,sweep,heartbeat}.yml have it; a test compares them. */
export function failureBuckets({ names }: Pick<DeployedStage, 'names'>): readonly (readonly [functionName: string, bucket: string])[] {
  return [
    [names.auditStream, names.spoolBucket],
    [names.auditArchive, names.quarantineBucket],
    [names.respond, names.quarantineBucket],
    [names.heartbeat, names.quarantineBucket],
  ];
}
