import { GetQueueAttributesCommand, GetQueueUrlCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { type Check, type Finding, fault, ok, restore } from './check.ts';
import type { DeployedStage } from './stage.ts';

/** Longer than this, **messages**, is a backlog: more than the pollers have under way. */
const BACKLOG = 1000;

export const queues: Check = {
  id: 'queues',
  title: 'The queues are short, no message was given up, and the buckets may announce into theirs.',
  why: 'What lies in a dead-letter queue killed the function before it could say so, or waited for days; nobody tries it again. A queue that does not let its bucket in stays empty, which looks well.',
  needs: (stage) => [{ actions: ['sqs:GetQueueUrl', 'sqs:GetQueueAttributes'], resources: [stage.arn('sqs', `tiercel-${stage.name}-*`)] }],
  subjects: ({ stage, aws: { sqs } }) =>
    [stage.names.archiveQueue, stage.names.spoolQueue, stage.names.respondQueue].map((name) => ({
      name,
      async look() {
        const queue = await lookUp(sqs, name);
        if (!queue) return fault(`queue ${name}`, 'there is none', restore(stage));
        const faults: Finding[] = [];
        if (queue.waiting > BACKLOG)
          faults.push(
            fault(
              `at most ${BACKLOG} messages waiting`,
              `${queue.waiting}`,
              name === stage.names.respondQueue
                ? 'See what raises so many alerts: tiercel journal list'
                : 'Is Falco there, and fast enough? See targets and webhook below',
            ),
          );
        const bucket = announcerOf(name, stage);
        if (bucket !== undefined && !letsIn(queue.policy, `arn:${stage.partition}:s3:::${bucket}`))
          faults.push(fault(`bucket ${bucket} let in`, 'the queue’s policy does not', restore(stage)));
        const deadLetterArn = queue.deadLetterArn;
        if (deadLetterArn === undefined) return [...faults, fault('a dead-letter queue', 'it has none', restore(stage))];
        const dead = await lookUp(sqs, deadLetterArn.split(':').at(-1)!);
        if (!dead) return [...faults, fault(`dead-letter queue ${deadLetterArn}`, 'there is none', restore(stage))];
        if (dead.waiting > 0)
          faults.push(
            fault(
              'an empty dead-letter queue',
              `${dead.waiting} messages`,
              `Read one (aws sqs receive-message --queue-url ${dead.url}), mend the cause, then aws sqs start-message-move-task --source-arn ${deadLetterArn}`,
            ),
          );
        return faults.length > 0 ? faults : ok(`${queue.waiting} waiting, ${queue.inFlight} under way, none given up`);
      },
    })),
};

async function lookUp(sqs: SQSClient, QueueName: string) {
  try {
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl,
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible', 'RedrivePolicy', 'Policy'],
      }),
    );
    const redrive = JSON.parse(Attributes.RedrivePolicy ?? '{}') as { readonly deadLetterTargetArn?: string };
    return {
      url: QueueUrl!,
      waiting: Number(Attributes.ApproximateNumberOfMessages ?? 0),
      inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
      deadLetterArn: redrive.deadLetterTargetArn,
      policy: Attributes.Policy ?? '{}',
    };
  } catch (error) {
    if (['QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue'].includes((error as Error).name)) return undefined;
    throw error;
  }
}

function announcerOf(queue: string, { names }: DeployedStage): string | undefined {
  return { [names.archiveQueue]: names.archiveBucket, [names.spoolQueue]: names.spoolBucket }[queue];
}

function letsIn(policy: string, bucketArn: string): boolean {
  const { Statement = [] } = JSON.parse(policy) as {
    readonly Statement?: readonly { readonly Effect: string; readonly Principal: unknown }[];
  };
  return Statement.some(
    (statement) =>
      statement.Effect === 'Allow' &&
      JSON.stringify(statement.Principal).includes('"s3.amazonaws.com"') &&
      JSON.stringify(statement).includes(JSON.stringify(bucketArn)),
  );
}
