import { describe, expect, it } from 'vitest';
import { type Check, type CheckContext, fault, ok, type Subject } from '../../../../cli/checks/check.ts';
import { runChecks } from '../../../../cli/checks/run.ts';
import { systemClock } from '../../../../shared/platform/clock.ts';
import { TiercelError } from '../../../../shared/platform/errors.ts';
import { KubeStatusError } from '../../../../shared/platform/kube/index.ts';

const context = { stage: { name: 'prod' }, clock: systemClock } as unknown as CheckContext;

function check(id: string, ...subjects: readonly Subject[]): Check {
  return {
    id,
    title: id,
    why: id,
    needs: () => [{ actions: ['dynamodb:DescribeTable', 'dynamodb:Scan'], resources: ['*'] }],
    subjects: () => subjects,
  };
}
const subject = (name: string, look: Subject['look']): Subject => ({ name, look });
const failing = (error: unknown) =>
  subject('one', async () => {
    throw error;
  });

describe('runChecks', () => {
  it('keeps the order of checks and subjects, whoever is done first', async () => {
    const slow = subject('slow', async () => {
      await systemClock.sleep(20);
      return ok('late');
    });
    const two = subject('two', async () => [fault('a', 'b', 'c'), fault('d', 'e', 'f')]);
    const counts: string[] = [];
    const results = await runChecks(
      [
        check('first', slow, two),
        check(
          'second',
          subject('x', async () => ok('y')),
        ),
      ],
      context,
      (done, of) => counts.push(`${done}/${of}`),
    );
    expect(results.map((result) => [result.check, result.subject, result.verdict])).toEqual([
      ['first', 'slow', 'ok'],
      ['first', 'two', 'fault'],
      ['first', 'two', 'fault'],
      ['second', 'x', 'ok'],
    ]);
    expect(counts).toEqual(['1/3', '2/3', '3/3']);
  });

  it('lets one that fails hide no other', async () => {
    const results = await runChecks(
      [
        check('broken', failing(new Error('socket hang up'))),
        check(
          'well',
          subject('x', async () => ok('y')),
        ),
      ],
      context,
    );
    expect(results).toMatchObject([{ verdict: 'unknown', why: 'socket hang up' }, { verdict: 'ok' }]);
  });

  const awsError = (name: string, message: string, httpStatusCode = 400) =>
    Object.assign(new Error(message), { name, $metadata: { httpStatusCode } });
  it.each([
    [
      'the action it names',
      awsError('AccessDeniedException', 'User: u is not authorized to perform: dynamodb:Scan on resource: r'),
      /^Allow dynamodb:Scan;/,
    ],
    ['a HEAD that says nothing', awsError('Unknown', 'UnknownError', 403), /^Allow dynamodb:DescribeTable, dynamodb:Scan;/],
    [
      'an error around it',
      new TiercelError('x', 'wrapped', { cause: awsError('AuthorizationError', 'no') }),
      /^Allow dynamodb:DescribeTable/,
    ],
    ['a cluster', new KubeStatusError('ask', 403, 'Forbidden', 'no'), /^Allow dynamodb:DescribeTable/],
  ])('says which right is missing, from %s', async (_, error, fix) => {
    const [result] = await runChecks([check('tables', failing(error))], context);
    expect(result).toMatchObject({ verdict: 'unknown', fix: expect.stringMatching(fix) });
    expect(result).toMatchObject({ fix: expect.stringContaining('tiercel doctor --stage prod --iam-policy') });
  });

  it.each([
    awsError('ResourceNotFoundException', 'Requested resource not found'),
    awsError('NoSuchBucket', 'The specified bucket does not exist', 404),
    new TiercelError('x', 'wrapped', { cause: awsError('NotFoundException', 'no') }),
  ])('points to the other findings when what it looks at is not there: $name', async (error) => {
    const [result] = await runChecks([check('spool', failing(error))], context);
    expect(result).toMatchObject({ verdict: 'unknown', fix: expect.stringMatching(/^What it looks at is not there/) });
  });

  it('does not wait for what never answers', async () => {
    const clock = { ...systemClock, sleep: async () => {} };
    const [result] = await runChecks(
      [
        check(
          'hanging',
          subject('x', () => new Promise(() => {})),
        ),
      ],
      { ...context, clock },
    );
    expect(result).toMatchObject({ verdict: 'unknown', why: 'no answer came within 20 s' });
  });

  it('has a bounded number of looks under way', async () => {
    let now = 0;
    let most = 0;
    const look = async () => {
      most = Math.max(most, ++now);
      await systemClock.sleep(1);
      now--;
      return ok('');
    };
    await runChecks([check('many', ...Array.from({ length: 40 }, (_, at) => subject(String(at), look)))], context);
    expect(most).toBe(6);
  });
});
