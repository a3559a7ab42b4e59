import { CloudWatchLogsClient, CreateLogGroupCommand, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { describe, expect, it } from 'vitest';
import { createLogGroup } from '../../../shared/platform/aws/log-group.ts';
import { motoClientOptions, motoEndpoint, uniqueName } from '../../support/moto.ts';

describe.skipIf(!motoEndpoint)('a log group', () => {
  const client = new CloudWatchLogsClient(motoClientOptions);
  const clock = { now: () => Date.now() };

  it('makes its streams as they are needed, also for two writers at once', async () => {
    const name = uniqueName('/tiercel/test/alerts');
    await client.send(new CreateLogGroupCommand({ logGroupName: name }));
    const groups = [createLogGroup(client, name, clock), createLogGroup(client, name, clock)];
    await Promise.all(groups.map((group, at) => group.write('a', `line ${at}`)));
    await groups[0]!.write('a', 'line 2');
    await groups[0]!.write('b', 'line 3');
    const lines = async (logStreamName: string) =>
      ((await client.send(new GetLogEventsCommand({ logGroupName: name, logStreamName, startFromHead: true }))).events ?? []).map(
        ({ message }) => message,
      );
    expect((await lines('a')).sort()).toEqual(['line 0', 'line 1', 'line 2']);
    expect(await lines('b')).toEqual(['line 3']);
  });

  it('says that the group is not there', async () => {
    await expect(createLogGroup(client, uniqueName('missing'), clock).write('a', 'x')).rejects.toThrow(/does not exist/);
  });

  it('does not wait for a network that leads nowhere', async () => {
    const nowhere = new CloudWatchLogsClient({ ...motoClientOptions, endpoint: 'http://192.0.2.1', maxAttempts: 1 });
    const began = Date.now();
    await expect(createLogGroup(nowhere, 'g', clock).write('a', 'x')).rejects.toThrow();
    expect(Date.now() - began).toBeLessThan(20_000);
  });
});
