import { createDynamoDBModeSwitch, mostCautious } from '../../shared/respond/index.ts';
import { type Check, ok } from './check.ts';
import { decryption } from './functions.ts';

export const mode: Check = {
  id: 'mode',
  title: 'Says what respond may do: the stage’s mode, the run-time switch, and how many policies may act.',
  why: 'A stage that is thought to act and only plans, or the other way round.',
  needs: (stage) => [
    { actions: ['dynamodb:GetItem'], resources: [stage.arn('dynamodb', `table/${stage.names.journalTable}`)] },
    decryption(stage, 'dynamodb'),
  ],
  subjects: ({ stage, aws, policies: { policies } }) => [
    {
      name: stage.names.respond,
      async look() {
        const switched = await createDynamoDBModeSwitch({ client: aws.dynamodb, tableName: stage.names.journalTable }).read();
        const atMost = mostCautious(stage.mode, switched?.mode ?? stage.mode);
        const acting = policies.filter((policy) => mostCautious(policy.mode, atMost) === 'enforce').length;
        const turned = switched
          ? `; switch at ${switched.mode}, turned by ${switched.by} at ${switched.at}${switched.why ? `: ${switched.why}` : ''}`
          : '';
        return ok(`${atMost}: ${acting} of ${policies.length} policies act; the stage says ${stage.mode}${turned}`);
      },
    },
  ],
};
