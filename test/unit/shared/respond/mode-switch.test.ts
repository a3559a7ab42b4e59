import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDynamoDBModeSwitch, createMemoryModeSwitch } from '../../../../shared/respond/mode-switch.ts';
import { startDynalite } from '../../../support/dynalite.ts';
import { createRespondTables } from '../../../support/respond-tables.ts';

let dynamodb: Awaited<ReturnType<typeof startDynalite>>;
beforeAll(async () => {
  dynamodb = await startDynalite();
  await createRespondTables(dynamodb.client, { journal: 'journal', idempotency: 'once' });
});
afterAll(() => dynamodb.stop());

const open = () => createDynamoDBModeSwitch({ client: dynamodb.client, tableName: 'journal' });

describe.each([
  ['in memory', createMemoryModeSwitch],
  ['in DynamoDB', open],
])('the run-time switch, %s', (_, make) => {
  it('says nothing until somebody turns it, and then what it was turned to last, by whom, when and why', async () => {
    const modeSwitch = make();
    expect(await modeSwitch.read()).toBeUndefined();
    await modeSwitch.turn({ mode: 'off', by: 'ann', at: '2026-11-21T08:00:00Z', why: 'too much' });
    const last = { mode: 'shadow', by: 'bob', at: '2026-11-21T09:00:00Z', why: 'looking' } as const;
    await modeSwitch.turn(last);
    expect(await modeSwitch.read()).toEqual(last);
  });
});

describe('the run-time switch in DynamoDB', () => {
  it('is one for all processes', async () => {
    await open().turn({ mode: 'off', by: 'ann', at: 'a', why: 'w' });
    expect(await open().read()).toEqual({ mode: 'off', by: 'ann', at: 'a', why: 'w' });
  });

  it('that says what it cannot say stops everything, and says what to do', async () => {
    for (const mode of [{ S: 'ENFORCE' }, { S: '' }, { N: '1' }, { NULL: true as const }]) {
      await dynamodb.client.send(new PutItemCommand({ TableName: 'journal', Item: { pk: { S: 'switch' }, sk: { S: 'mode' }, mode } }));
      await expect(open().read()).rejects.toThrow(/one of off, shadow, enforce, .*Turn it with `tiercel mode`/);
    }
  });
});
