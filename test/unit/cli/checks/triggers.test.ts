import { describe, expect, it } from 'vitest';
import type { CheckContext } from '../../../../cli/checks/check.ts';
import { deployedStage } from '../../../../cli/checks/stage.ts';
import { triggers } from '../../../../cli/checks/triggers.ts';
import { readStage } from '../../../../infra/stage/read.ts';

const stage = deployedStage(readStage('dev'));

async function look(subject: string, ...Statement: readonly object[]) {
  const lambda = { send: async () => ({ Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }) };
  const context = { stage, aws: { lambda } } as unknown as CheckContext;
  return triggers
    .subjects(context)
    .find(({ name }) => name === subject)
    ?.look();
}
const everybody = (more: object = {}) => ({ Sid: 'url', Effect: 'Allow', Principal: '*', Action: 'lambda:InvokeFunction', ...more });

describe('who may call a function', () => {
  const subject = `anybody → ${stage.names.respond}`;

  it.each([
    ['without a condition', everybody()],
    ['as a list of accounts', everybody({ Principal: { AWS: ['111111111111', '*'] } })],
    ['by a URL that asks for no signature', everybody({ Condition: { StringEquals: { 'lambda:FunctionUrlAuthType': 'NONE' } } })],
  ])('is not everybody: %s', async (_, statement) => {
    expect(await look(subject, statement)).toMatchObject({
      verdict: 'fault',
      fix: expect.stringContaining(`--function-name ${stage.names.respond} --statement-id url`),
    });
  });

  it.each([
    everybody({ Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } } }),
    everybody({ Condition: { ArnLike: { 'AWS:SourceArn': 'arn:aws:sns:eu-central-1:111111111111:t' } } }),
    everybody({ Effect: 'Deny' }),
    everybody({ Principal: { AWS: 'arn:aws:iam::111111111111:role/falcosidekick' } }),
    everybody({ Principal: { Service: 'logs.amazonaws.com' } }),
  ])('may be somebody who is named: %j', async (statement) => {
    expect(await look(subject, statement)).toMatchObject({ verdict: 'ok' });
  });

  it('is the service it is for, about the source it is for', async () => {
    const source = stage.arn('logs', 'log-group:/aws/eks/development/cluster:*');
    const statement = (Service: string, arn: string) => ({
      Effect: 'Allow',
      Principal: { Service },
      Condition: { ArnLike: { 'AWS:SourceArn': arn } },
    });
    const from = `/aws/eks/development/cluster → ${stage.names.auditStream}`;
    expect(await look(from, statement('logs.amazonaws.com', source))).toMatchObject({ verdict: 'ok' });
    for (const wrong of [statement('sns.amazonaws.com', source), statement('logs.amazonaws.com', source.replace('development', 'other'))])
      expect(await look(from, wrong)).toMatchObject({ verdict: 'fault' });
  });
});
