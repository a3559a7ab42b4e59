import { DescribeRuleCommand, ListTargetsByRuleCommand } from '@aws-sdk/client-eventbridge';
import { GetScheduleGroupCommand } from '@aws-sdk/client-scheduler';
import { type Check, type CheckContext, fault, ok, restore, type Subject } from './check.ts';
import type { DeployedStage } from './stage.ts';

export const schedules: Check = {
  id: 'schedules',
  title: 'The clock calls: beats are sent, the spool is swept, and responses that have an end can be given one.',
  why: 'A rule that is off stops without an error: no beat, so the road is unproved and every event is sent; no sweep, so an object whose message is lost lies unseen.',
  needs: (stage) => [
    {
      actions: ['events:DescribeRule', 'events:ListTargetsByRule'],
      resources: rules(stage).map(([rule]) => stage.arn('events', `rule/${rule}`)),
    },
    { actions: ['scheduler:GetScheduleGroup'], resources: [stage.arn('scheduler', `schedule-group/${stage.names.expiryGroup}`)] },
  ],
  subjects: (context) => [...rules(context.stage).map(([rule, reader]) => ruleSubject(rule, reader, context)), groupSubject(context)],
};

function rules({ names, beating }: DeployedStage): readonly (readonly [rule: string, functionName: string])[] {
  return [...(beating.length > 0 ? [[names.heartbeat, names.heartbeat] as const] : []), [names.spoolSweep, names.auditArchive]];
}

function ruleSubject(Name: string, functionName: string, { stage, aws }: CheckContext): Subject {
  return {
    name: `${Name} → ${functionName}`,
    async look() {
      try {
        const { State } = await aws.events.send(new DescribeRuleCommand({ Name }));
        if (State !== 'ENABLED') return fault('a rule that is enabled', `it is ${State}`, `aws events enable-rule --name ${Name}`);
        const { Targets = [] } = await aws.events.send(new ListTargetsByRuleCommand({ Rule: Name }));
        if (Targets.some(({ Arn }) => Arn === stage.functionArn(functionName))) return ok('is enabled');
        return fault(
          `${functionName} called by it`,
          Targets.length === 0 ? 'it calls nobody' : `it calls ${Targets.map(({ Arn }) => Arn).join(', ')}`,
          restore(stage),
        );
      } catch (error) {
        if ((error as Error).name !== 'ResourceNotFoundException') throw error;
        return fault(`rule ${Name}`, 'there is none', restore(stage));
      }
    },
  };
}

function groupSubject({ stage, aws }: CheckContext): Subject {
  const Name = stage.names.expiryGroup;
  return {
    name: Name,
    async look() {
      try {
        const { State } = await aws.scheduler.send(new GetScheduleGroupCommand({ Name }));
        return State === 'ACTIVE' ? ok('is there') : fault('a schedule group that is active', `it is ${State}`, restore(stage));
      } catch (error) {
        if ((error as Error).name !== 'ResourceNotFoundException') throw error;
        return fault(`schedule group ${Name}`, 'there is none', restore(stage));
      }
    },
  };
}
