import { GetPolicyCommand, ListEventSourceMappingsCommand } from '@aws-sdk/client-lambda';
import { type Check, type CheckContext, fault, ok, restore, type Subject } from './check.ts';

export const triggers: Check = {
  id: 'triggers',
  title: 'CloudWatch Logs may call the functions for every log group, and the queues are being read.',
  why: 'A permission that is gone switches a subscription off and skips events; a mapping that is off lets a queue grow until its messages expire.',
  needs: (stage) => [
    { actions: ['lambda:GetPolicy'], resources: [stage.functionArn(stage.names.auditStream), stage.functionArn(stage.names.respond)] },
    { actions: ['lambda:ListEventSourceMappings'], resources: ['*'] },
  ],
  subjects: (context) => [...permissions(context), ...mappings(context)],
};

function permissions({ stage, aws }: CheckContext): readonly Subject[] {
  return stage.wantedSubscriptions
    .filter(({ destinationType }) => destinationType === 'Lambda')
    .map(({ logGroup, destinationArn }) => ({
      name: `${logGroup} → ${destinationArn.split(':').at(-1)}`,
      async look() {
        const expected = `permission for logs.amazonaws.com to call the function for ${logGroup}`;
        const source = stage.arn('logs', `log-group:${logGroup}:*`);
        try {
          const { Policy = '{}' } = await aws.lambda.send(new GetPolicyCommand({ FunctionName: destinationArn }));
          if (Policy.includes(JSON.stringify(source))) return ok('may be called');
        } catch (error) {
          // No policy at all.
          if ((error as Error).name !== 'ResourceNotFoundException') throw error;
        }
        return fault(expected, 'the function’s policy has none', restore(stage));
      },
    }));
}

function mappings({ stage, aws }: CheckContext): readonly Subject[] {
  const { names } = stage;
  const queues: readonly (readonly [queue: string, reader: string])[] = [
    [names.archiveQueue, names.auditArchive],
    [names.spoolQueue, names.auditArchive],
    [names.respondQueue, names.respond],
  ];
  return queues.map(([queue, reader]) => ({
    name: `${queue} → ${reader}`,
    async look() {
      const { EventSourceMappings = [] } = await aws.lambda.send(
        new ListEventSourceMappingsCommand({ EventSourceArn: stage.arn('sqs', queue) }),
      );
      const others = EventSourceMappings.filter(({ FunctionArn }) => FunctionArn?.split(':')[6] !== reader);
      const mapping = EventSourceMappings.find((each) => !others.includes(each));
      if (!mapping) return fault(`${reader} reading queue ${queue}`, 'no event source mapping', restore(stage));
      if (others[0])
        return fault(
          `${reader} alone reading queue ${queue}`,
          `${others[0].FunctionArn} takes messages out of it, too`,
          `aws lambda delete-event-source-mapping --uuid ${others[0].UUID}`,
        );
      if (!['Disabled', 'Disabling'].includes(mapping.State ?? '')) return ok('is read');
      return fault(
        'a mapping that is enabled',
        `it is ${mapping.State}`,
        `aws lambda update-event-source-mapping --uuid ${mapping.UUID} --enabled`,
      );
    },
  }));
}
