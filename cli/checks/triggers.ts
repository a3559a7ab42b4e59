import { GetPolicyCommand, ListEventSourceMappingsCommand } from '@aws-sdk/client-lambda';
import { ListSubscriptionsByTopicCommand } from '@aws-sdk/client-sns';
import { functionKeys, functionSettings } from '../../infra/stage/function-settings.ts';
import type { AwsClients } from './aws-clients.ts';
import { type Check, type CheckContext, fault, ok, restore, type Subject, unchecked } from './check.ts';
import type { DeployedStage } from './stage.ts';

export const triggers: Check = {
  id: 'triggers',
  title: 'Whoever has to call the functions may, and not everybody else; the queues are being read, and take back what failed.',
  why: 'A permission that is gone switches a subscription off and skips events, or the clock; a mapping that is off lets a queue grow until its messages expire; one that does not read the function’s answer deletes messages that failed.',
  needs: (stage) => [
    { actions: ['lambda:GetPolicy'], resources: functionNames(stage).map(stage.functionArn) },
    { actions: ['lambda:ListEventSourceMappings'], resources: ['*'] },
    ...(stage.alertTopicArn === undefined ? [] : [{ actions: ['sns:ListSubscriptionsByTopic'], resources: [stage.alertTopicArn] }]),
  ],
  subjects: (context) => [...permissions(context), ...strangers(context), ...mappings(context), ...topics(context)],
};

/** Who calls which function, for what of theirs. */
interface Caller {
  readonly functionName: string;
  readonly principal: string;
  readonly source: string;
  /** What it is called in a report. */
  readonly from: string;
}

function callers(stage: DeployedStage): readonly Caller[] {
  const { names } = stage;
  const schedule = (rule: string, functionName: string): Caller => ({
    functionName,
    principal: 'events.amazonaws.com',
    source: stage.arn('events', `rule/${rule}`),
    from: `rule ${rule}`,
  });
  return [
    ...stage.wantedSubscriptions
      .filter(({ destinationType }) => destinationType === 'Lambda')
      .map(({ logGroup, destinationArn }) => ({
        functionName: destinationArn.split(':').at(-1)!,
        principal: 'logs.amazonaws.com',
        source: stage.arn('logs', `log-group:${logGroup}:*`),
        from: logGroup,
      })),
    ...(stage.beating.length > 0 ? [schedule(names.heartbeat, names.heartbeat)] : []),
    schedule(names.spoolSweep, names.auditArchive),
    {
      functionName: names.rotateMacKey,
      principal: 'secretsmanager.amazonaws.com',
      // Six characters of Secrets Manager's follow.
      source: stage.arn('secretsmanager', `secret:${names.macKeySecret}-`),
      from: names.macKeySecret,
    },
    ...(stage.alertTopicArn === undefined
      ? []
      : [{ functionName: names.respond, principal: 'sns.amazonaws.com', source: stage.alertTopicArn, from: stage.alertTopicArn }]),
  ];
}

function permissions({ stage, aws }: CheckContext): readonly Subject[] {
  return callers(stage).map(({ functionName, principal, source, from }) => ({
    name: `${from} → ${functionName}`,
    async look() {
      const allowed = (await policyOf(functionName, aws)).some(
        ({ Effect, Principal, Condition }) =>
          Effect === 'Allow' &&
          (Principal as { readonly Service?: string } | null)?.Service === principal &&
          sourcesOf(Condition).some((given) => given === source || (source.endsWith('-') && given.startsWith(source))),
      );
      if (allowed) return ok('may be called');
      return fault(`permission for ${principal} to call the function for ${from}`, 'the function’s policy has none', restore(stage));
    },
  }));
}

function strangers({ stage, aws }: CheckContext): readonly Subject[] {
  return functionNames(stage).map((functionName) => ({
    name: `anybody → ${functionName}`,
    async look() {
      const open = (await policyOf(functionName, aws)).filter(
        ({ Effect, Principal, Condition }) => Effect === 'Allow' && isEverybody(Principal) && !namesCaller(Condition),
      );
      if (open[0] === undefined) return ok('may not call it');
      return fault(
        'a function that not everybody may call',
        `statement ${open[0].Sid} lets them, in any account`,
        `aws lambda remove-permission --function-name ${functionName} --statement-id ${open[0].Sid}; CloudTrail (AddPermission) says who gave it`,
      );
    },
  }));
}

function isEverybody(principal: unknown): boolean {
  const { AWS = principal } = (typeof principal === 'object' && principal !== null ? principal : {}) as { readonly AWS?: unknown };
  return [AWS].flat().includes('*');
}

/** Whether a condition says who may call. That of a function URL does not: it only says that nobody has to sign. */
function namesCaller(condition: Statement['Condition'] = {}): boolean {
  return Object.values(condition)
    .flatMap(Object.keys)
    .some((key) => /^aws:(Source|Principal)/i.test(key));
}

interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Principal: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

async function policyOf(FunctionName: string, { lambda }: AwsClients): Promise<readonly Statement[]> {
  try {
    const { Policy = '{}' } = await lambda.send(new GetPolicyCommand({ FunctionName }));
    return (JSON.parse(Policy) as { readonly Statement?: readonly Statement[] }).Statement ?? [];
  } catch (error) {
    // No policy at all.
    if ((error as Error).name !== 'ResourceNotFoundException') throw error;
    return [];
  }
}

function sourcesOf(condition: Statement['Condition'] = {}): readonly string[] {
  return Object.values(condition).flatMap((keys) =>
    Object.entries(keys).flatMap(([key, value]) => (key.toLowerCase() === 'aws:sourcearn' ? value : [])),
  );
}

function functionNames(stage: DeployedStage): readonly string[] {
  return functionKeys().map((key) => functionSettings(key, stage).name);
}

function topics({ stage, aws }: CheckContext): readonly Subject[] {
  const { alertTopicArn: TopicArn } = stage;
  if (TopicArn === undefined) return [];
  return [
    {
      name: `subscription of ${stage.names.respond} to ${TopicArn}`,
      async look() {
        const region = TopicArn.split(':')[3]!;
        const endpoint = stage.functionArn(stage.names.respond);
        if (region !== stage.region)
          return unchecked(
            `the topic is in ${region}; there: aws sns list-subscriptions-by-topic --region ${region} --topic-arn ${TopicArn}`,
          );
        let NextToken: string | undefined;
        do {
          const page = await aws.sns.send(new ListSubscriptionsByTopicCommand({ TopicArn, NextToken }));
          if (page.Subscriptions?.some(({ Endpoint }) => Endpoint === endpoint)) return ok('is there');
          NextToken = page.NextToken;
        } while (NextToken !== undefined);
        return fault('respond subscribed to the topic of alerts', 'it is not', restore(stage));
      },
    },
  ];
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
      const update = `aws lambda update-event-source-mapping --uuid ${mapping.UUID}`;
      if (mapping.FunctionArn?.split(':')[7] !== undefined)
        return fault(`the function as it is deployed`, `messages go to ${mapping.FunctionArn}`, `${update} --function-name ${reader}`);
      if (mapping.State === 'Deleting') return fault('a mapping that is enabled', 'it is being deleted', restore(stage));
      if (['Disabled', 'Disabling'].includes(mapping.State ?? ''))
        return fault('a mapping that is enabled', `it is ${mapping.State}`, `${update} --enabled`);
      if (!mapping.FunctionResponseTypes?.includes('ReportBatchItemFailures'))
        return fault(
          'messages that failed taken back one by one',
          'the mapping does not read which ones failed, and deletes them all',
          `${update} --function-response-types ReportBatchItemFailures`,
        );
      return ok('is read');
    },
  }));
}
